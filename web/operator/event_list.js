/** The list of events: each can be pressed to go there, and has its details folded. */
import { make } from "./parts.js";
import { position } from "./words.js";

/**
 * @param {HTMLElement} list
 * @param {import("./event_words.js").Told[]} told
 * @param {(seconds: number) => void} seek
 */
export function drawEvents(list, told, seek) {
  list.replaceChildren(
    ...told.map((one) => {
      const at = make("time", { text: position(one.start, 1) });
      const go = make("button", { class: "happened" }, at, make("b", { text: one.title }));
      go.type = "button";
      go.onclick = () => seek(one.start);
      if (one.detail) go.append(make("span", { class: "detail", text: one.detail }));
      const item = make("li", { class: `${one.kind} ${one.mood}` }, go);
      if (one.more.length) item.append(folded(one.more));
      return item;
    }),
  );
}

/** @param {[string, string][]} texts */
function folded(texts) {
  const fold = make("details", {}, make("summary", { text: texts.map(([name]) => name).join(", ") }));
  fold.append(...texts.map(([, text]) => make("pre", { text })));
  return fold;
}
