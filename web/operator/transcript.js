/** What was said: a list that follows the sound, whose lines can be pressed, and in which words are found. */
import { make } from "./parts.js";
import { position } from "./words.js";

/** After somebody has scrolled, the list doesn't follow for as long. */
const LEAVES_ALONE_MS = 4000;
const SPEAKERS = { caller: "Caller", agent: "Agent" };

/**
 * The line that is heard at a time: the last one that has begun.
 *
 * @param {import("./types.js").Line[]} lines  In the order in which they begin.
 * @param {number} at
 * @returns {number}  -1: none has begun.
 */
export function lineAt(lines, at) {
  let found = -1;
  for (let number = 0; number < lines.length && (lines[number]?.start_s ?? 0) <= at + 0.01; number += 1) found = number;
  return found;
}

export class Transcript {
  /**
   * @param {HTMLElement} list
   * @param {import("./types.js").Line[]} lines
   * @param {(seconds: number) => void} seek
   */
  constructor(list, lines, seek) {
    this.list = list;
    this.lines = lines;
    this.current = -1;
    this.scrolledAt = -LEAVES_ALONE_MS;
    this.items = lines.map((line) => {
      const item = drawn(line);
      item.onclick = () => {
        item.focus(); // Safari gives it to nobody
        seek(line.start_s);
      };
      return make("li", { class: line.who }, item);
    });
    list.replaceChildren(...this.items);
    list.onkeydown = (event) => this.step(event);
    for (const kind of ["wheel", "touchmove", "pointerdown"]) {
      list.addEventListener(kind, () => (this.scrolledAt = performance.now()), { passive: true });
    }
  }

  /** @param {number} at  Mark the line that is heard then, and have it in view. */
  follow(at) {
    const now = lineAt(this.lines, at);
    if (now === this.current) return;
    this.items[this.current]?.removeAttribute("aria-current");
    this.current = now;
    const item = this.items[now];
    item?.setAttribute("aria-current", "true");
    if (item && !item.hidden && performance.now() - this.scrolledAt > LEAVES_ALONE_MS) this.reveal(item);
  }

  /** @param {HTMLElement} item  Scroll the list alone, not the page. */
  reveal(item) {
    const top = item.offsetTop; // from the list's own beginning, which is positioned
    const { scrollTop, clientHeight } = this.list;
    if (top >= scrollTop && top + item.offsetHeight <= scrollTop + clientHeight) return;
    this.list.scrollTop = top - clientHeight / 3;
  }

  /** @param {KeyboardEvent} event  An arrow key at a line goes to the one before or after that is shown. */
  step(event) {
    const down = event.key === "ArrowDown";
    if ((!down && event.key !== "ArrowUp") || event.ctrlKey || event.metaKey || event.altKey) return;
    const shown = [...this.list.querySelectorAll("li:not([hidden]) .said")];
    const at = shown.findIndex((line) => line === event.target);
    if (at < 0) return; // the list itself scrolls
    event.preventDefault();
    const line = shown[at + (down ? 1 : -1)];
    if (line instanceof HTMLElement) line.click();
  }

  /**
   * Show the lines with these words alone.
   *
   * @param {string} text
   * @returns {number}  How many they are.
   */
  find(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    this.lines.forEach((line, number) => {
      const item = this.items[number];
      const spoken = line.text.toLowerCase();
      const isFound = words.every((word) => spoken.includes(word));
      if (item) item.hidden = !isFound;
      if (isFound) found += 1;
    });
    return found;
  }
}

/** @param {import("./types.js").Line} line */
function drawn(line) {
  const { interrupts, interrupted, typed } = line;
  const marks = [interrupts && "interrupts", interrupted && "was interrupted", typed && "typed"].filter(Boolean);
  const at = make("time", { text: position(line.start_s, 1) });
  const about = make("span", { class: "speaker" }, at, make("b", { text: SPEAKERS[line.who] }));
  if (marks.length) about.append(make("i", { text: marks.join(", ") }));
  const item = make("button", { class: "said" }, about, make("span", { class: "words", text: line.text }));
  item.type = "button";
  return item;
}
