/** Copies the conversation, as text, to the clipboard of the reader who asks for it. */
import { optional } from "./optional.js";
import { parts } from "./parts.js";
import { SAY } from "./words.js";

const SAID_FOR_MS = 2500;

export class Transcript {
  #captions;
  #timer = 0;

  /** @param {import("./captions.js").Captions} captions */
  constructor(captions) {
    this.#captions = captions;
    parts.copy.addEventListener("click", () => optional("the copy of the conversation", () => this.#copy()));
  }

  /** Offer the button once there is something to copy. A page on plain http has no clipboard. */
  draw() {
    parts.copy.hidden = !navigator.clipboard || this.#captions.text() === "";
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.#captions.text());
      this.#say(SAY.transcript.copied, SAY.transcript.announced);
    } catch (error) {
      console.warn(error);
      this.#say(SAY.transcript.failed, SAY.transcript.failed);
    }
  }

  /**
   * @param {string} label  What the button says for a moment.
   * @param {string} announced  What a screen reader says.
   */
  #say(label, announced) {
    clearTimeout(this.#timer);
    parts.copy.textContent = label;
    parts.copied.textContent = announced;
    this.#timer = setTimeout(() => {
      parts.copy.textContent = SAY.transcript.copy;
      parts.copied.textContent = "";
    }, SAID_FOR_MS);
  }
}
