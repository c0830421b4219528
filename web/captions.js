/** The conversation in writing: a line for each segment, interim ones dimmed. Text only, never HTML. */
import { optional } from "./optional.js";
import { anchor } from "./sources.js";
import { SAY } from "./words.js";

const MOST_LINES = 500;
const MOST_LINKS = 30; // under one line
const AT_BOTTOM_PX = 24;

export class Captions {
  /** @type {Map<string, HTMLElement>} */
  #segments = new Map();
  #list;
  #scroller;
  #isAtBottom = true;

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} scroller
   */
  constructor(list, scroller) {
    this.#list = list;
    this.#scroller = scroller;
    scroller.addEventListener("scroll", () => { this.#isAtBottom = this.#measured(); });
    optional("captions that follow a change of size", () => new ResizeObserver(this.#follow).observe(scroller));
  }

  clear() {
    this.#segments.clear();
    this.#list.replaceChildren();
  }

  /** @param {import("./room.js").Caption} caption */
  show({ who, segment, text, final }) {
    this.#keepingBottom(() => {
      const key = `${who} ${segment}`;
      const line = this.#segments.get(key) ?? this.#add(who, SAY[who === "agent" ? "agent" : "you"]);
      this.#segments.set(key, line);
      line.dataset.final = String(final);
      const words = line.querySelector("p");
      if (words) words.textContent = text;
    });
  }

  /** @param {string} text */
  typed(text) {
    this.show({ who: "caller", segment: crypto.randomUUID?.() ?? String(performance.now()), text, final: true });
  }

  /**
   * A line about what happened.
   *
   * @param {string} text
   * @param {string} [detail]  More about it, in a line of its own.
   */
  note(text, detail = "") {
    this.#keepingBottom(() => {
      const line = this.#add("note", "");
      const words = line.querySelector("p");
      if (words) words.textContent = text;
      if (detail) line.append(Object.assign(document.createElement("small"), { textContent: detail, dir: "auto" }));
    });
  }

  /** The agent's last line was cut off: say so under it. */
  interrupted() {
    const line = [...this.#list.querySelectorAll('.line[data-who="agent"]')].at(-1);
    if (!line || line.querySelector(".cut")) return;
    this.#keepingBottom(() => {
      line.querySelector("p")?.after(
        Object.assign(document.createElement("span"), { className: "cut", textContent: SAY.interrupted }),
      );
    });
  }

  /** The conversation as text: a line for each side's words, and notes in brackets. */
  text() {
    return [...this.#list.children].map(written).filter((line) => line !== "").join("\n");
  }

  /**
   * A note with a button.
   *
   * @param {string} text
   * @param {string} label  What the button says.
   * @param {() => unknown} act
   */
  offer(text, label, act) {
    this.#keepingBottom(() => {
      const line = this.#add("note", "");
      const words = line.querySelector("p");
      if (words) words.textContent = text;
      const button = Object.assign(document.createElement("button"), { type: "button", className: "link", textContent: label });
      button.addEventListener("click", act);
      line.append(button);
    });
  }

  /**
   * A note whose text is folded away until somebody asks for it: text only, whatever is in it.
   *
   * @param {string} title
   * @param {string} text
   */
  folded(title, text) {
    this.#keepingBottom(() => {
      const note = document.createElement("details");
      note.append(
        Object.assign(document.createElement("summary"), { textContent: title }),
        Object.assign(document.createElement("pre"), { textContent: text, dir: "ltr", tabIndex: 0 }), // it may scroll
      );
      this.#add("note", "").querySelector("p")?.replaceWith(note);
    });
  }

  /**
   * Put links under the agent's last line, each once.
   *
   * @param {import("./sources.js").Link[]} links
   */
  links(links) {
    if (links.length === 0) return;
    this.#keepingBottom(() => {
      const line = [...this.#list.querySelectorAll('.line[data-who="agent"]')].at(-1) ?? this.#add("agent", SAY.agent);
      const known = new Set([...line.querySelectorAll("a")].map((link) => link.href));
      const shown = line.querySelector("ul") ?? document.createElement("ul");
      shown.className = "sources";
      shown.setAttribute("aria-label", SAY.sources);
      for (const link of links.map(anchor)) {
        if (known.has(link.href) || known.size === MOST_LINKS) continue;
        known.add(link.href);
        const item = document.createElement("li");
        item.append(link);
        shown.append(item);
      }
      line.append(shown);
    });
  }

  /**
   * @param {string} who
   * @param {string} name
   */
  #add(who, name) {
    const line = document.createElement("div");
    line.className = "line";
    line.dataset.who = who;
    if (name) {
      const speaker = document.createElement("span");
      speaker.className = "speaker";
      speaker.textContent = name;
      line.append(speaker);
    }
    line.append(Object.assign(document.createElement("p"), { dir: "auto" })); // Arabic and Hebrew go from right to left
    this.#list.append(line);
    if (this.#list.childElementCount > MOST_LINES) this.#forget(this.#list.firstElementChild);
    return line;
  }

  /** @param {Element | null} line */
  #forget(line) {
    for (const [key, shown] of this.#segments) if (shown === line) this.#segments.delete(key);
    line?.remove();
  }

  /**
   * Whoever has scrolled up to read stays where they are.
   *
   * @param {() => void} change
   */
  #keepingBottom(change) {
    const isAtBottom = this.#measured();
    change();
    if (isAtBottom) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /** The newest line is seen. */
  #measured() {
    const { scrollTop, clientHeight, scrollHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < AT_BOTTOM_PX;
  }

  #follow = () => {
    if (this.#isAtBottom) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  };
}

/**
 * @param {Element} line
 * @returns {string}  Empty for a line that has no words of its own, such as folded code.
 */
function written(line) {
  const of = (/** @type {string} */ selector) => line.querySelector(selector)?.textContent?.trim() ?? "";
  const words = of("p");
  if (words === "") return "";
  const detail = of("small");
  if (of(".speaker") === "") return `[${detail ? `${words}: ${detail}` : words}]`;
  return `${of(".speaker")}: ${words}${of(".cut") ? ` (${SAY.interrupted})` : ""}`;
}
