/** The timeline under the waveform: a lane for each kind of thing, on the same scale. The list of events has it in words. */
import { make } from "./parts.js";
import { duration, position } from "./words.js";

/** Things in a lane. The list has the rest. */
const MOST = 400;

/** @typedef {{start: number, end: number, mood: string, label: string, title: string}} Item */

/** A caller who waits for longer than this, in seconds, waits for long. */
const LONG_WAIT_S = 2;

/**
 * @param {import("./event_words.js").Told[]} told
 * @param {import("./types.js").Line[]} lines
 * @returns {{name: string, kind: string, items: Item[]}[]}  Those that aren't empty.
 */
export function lanesOf(told, lines) {
  /** @param {string} kind */
  const items = (kind) => told.filter((one) => one.kind === kind).map((one) => item(one, kind === "tool" ? one.title : ""));
  const waits = told
    .filter((one) => one.kind === "answer" && one.waited !== undefined)
    .map((one) => ({ ...item(one, duration(one.waited)), mood: (one.waited ?? 0) > LONG_WAIT_S ? "warns" : "" }));
  const found = [
    { name: "Response", kind: "answer", items: waits },
    { name: "Interrupted", kind: "interruption", items: lines.filter((line) => line.interrupts).map(interruption) },
    { name: "Tools", kind: "tool", items: items("tool") },
    { name: "Link", kind: "link", items: items("link") },
    { name: "Other", kind: "other", items: items("other") },
  ];
  return found.filter((lane) => lane.items.length > 0);
}

/** @param {import("./event_words.js").Told} one  @param {string} label  @returns {Item} */
function item(one, label) {
  const title = [`${position(one.start, 1)}  ${one.title}`, one.detail].filter(Boolean).join(" · ");
  return { start: one.start, end: one.end, mood: one.mood, label, title };
}

/** @param {import("./types.js").Line} line  @returns {Item} */
function interruption({ start_s: start, text }) {
  return { start, end: start, mood: "warns", label: "", title: `${position(start, 1)}  The caller interrupts: ${text}` };
}

export class LanesView {
  /**
   * @param {HTMLElement} box
   * @param {{name: string, kind: string, items: Item[]}[]} lanes
   * @param {(seconds: number) => void} seek
   */
  constructor(box, lanes, seek) {
    /** @type {{item: Item, element: HTMLElement}[]} */
    this.placed = [];
    box.replaceChildren(
      ...lanes.map(({ name, kind, items }) => {
        const lane = make("div", { class: `lane ${kind}` });
        lane.setAttribute("aria-hidden", "true"); // the list of events has the same, for everybody
        for (const item of items.slice(0, MOST)) {
          const label = make("span", { text: item.label });
          const element = make("span", { class: `item ${item.mood}`, title: item.title }, label);
          element.onclick = (event) => {
            event.stopPropagation();
            seek(item.start);
          };
          this.placed.push({ item, element });
          lane.append(element);
        }
        return make("div", { class: "track" }, make("p", { class: "names", text: name }), lane);
      }),
    );
  }

  /** @param {import("./span.js").Span} span */
  place(span) {
    const shown = span.to - span.from;
    for (const { item, element } of this.placed) {
      element.hidden = item.end < span.from || item.start > span.to;
      if (element.hidden) continue;
      const start = Math.max(item.start, span.from);
      element.style.left = `min(${(100 * (start - span.from)) / shown}%, 100% - var(--least))`;
      element.style.width = `${(100 * (Math.min(item.end, span.to) - start)) / shown}%`;
    }
  }
}
