/** How long the call lasts: it runs from the moment at which the caller has joined, and stands still at the end. */
import { clock } from "./durations.js";
import { optional } from "./optional.js";
import { parts } from "./parts.js";

const EVERY_MS = 250; // so that no second is left out

export class CallTimer {
  #startedAtMs = 0;
  #timer = 0;

  /** @param {import("./extras.js").PageEvent} pageEvent */
  hear(pageEvent) {
    if (pageEvent.type === "begun") this.#forget();
    if (pageEvent.type === "joined") this.#start();
    if (pageEvent.type === "over") clearInterval(this.#timer);
  }

  #forget() {
    clearInterval(this.#timer);
    parts.timer.hidden = true;
  }

  #start() {
    this.#forget();
    this.#startedAtMs = performance.now();
    this.#draw();
    parts.timer.hidden = false;
    this.#timer = setInterval(() => optional("the call's timer", () => this.#draw()), EVERY_MS);
  }

  #draw() {
    const text = clock((performance.now() - this.#startedAtMs) / 1000);
    if (parts.timer.textContent !== text) parts.timer.textContent = text;
  }
}
