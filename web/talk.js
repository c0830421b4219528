/**
 * The button that is held to talk, in calls whose agent takes turns by it: pointers, the space bar, and what assistive
 * tools do.
 */
import { optional } from "./optional.js";
import { parts } from "./parts.js";
import { OFF, pressed } from "./press.js";
import { SAY } from "./words.js";

const TURNS = "earshot.turns";
const PUSH_TO_TALK = "push_to_talk";
/** Where the space bar has a meaning of its own. */
const TAKES_SPACE = "input, textarea, select, button, summary, a[href], [contenteditable]";

/** The browser's own click comes within this time after the pointer that it belongs to, in milliseconds. */
const CLICK_AFTER_MS = 700;

export class Talk {
  #press = OFF;
  /** @type {import("livekit-client").Room | null} */
  #room = null;
  /** The agent's identity; empty while there is none. */
  #agent = "";
  #isOffered = false;
  #isEnabled = false;
  /** The agent was told of a press, once at least. */
  #isTold = false;
  #pointerUpAtMs = -Infinity;
  #changed;
  #advise;

  /**
   * @param {() => void} changed  What there is to draw has changed.
   * @param {(advice: string) => void} advise  Says what the caller should do.
   */
  constructor(changed, advise) {
    this.#changed = changed;
    this.#advise = advise;
    this.#watchButton(parts.talk);
    this.#watchKeys();
    window.addEventListener("blur", () => this.#learn({ type: "let_go" }));
    document.addEventListener("visibilitychange", () => document.hidden && this.#learn({ type: "end" }));
  }

  /** The agent takes turns by the button. */
  get isOffered() {
    return this.#isOffered;
  }

  /** The caller is to be heard. */
  get isOn() {
    return this.#press.isOn;
  }

  /** The button stays on by itself. */
  get isLatched() {
    return this.#press.isLatched;
  }

  /** @param {import("./extras.js").PageEvent} pageEvent */
  hear(pageEvent) {
    switch (pageEvent.type) {
      case "begun":
        this.#forget();
        this.#room = pageEvent.room;
        return;
      case "attributes":
        if (pageEvent.identity !== this.#agent) this.#forget();
        this.#agent = pageEvent.identity;
        this.#isOffered = pageEvent.attributes[TURNS] === PUSH_TO_TALK;
        return this.#changed();
      case "back":
        return this.#isTold ? void this.#tell() : undefined; // nobody knows whether the last word came through
      case "event":
        return this.#heardOf(pageEvent.event);
      case "agent_gone":
      case "over":
        this.#forget();
        return this.#changed();
    }
  }

  /**
   * Whether the caller can talk now: with an open microphone, to an agent that is there.
   *
   * @param {boolean} isEnabled
   */
  enable(isEnabled) {
    this.#isEnabled = isEnabled;
    if (!isEnabled) this.#learn({ type: "end" });
  }

  #forget() {
    this.#agent = "";
    this.#isOffered = false;
    this.#isTold = false;
    this.#press = OFF;
  }

  /** @param {import("./room.js").AgentEvent} event */
  #heardOf(event) {
    const isOwn = event.type === "activity" && event.identity === this.#room?.localParticipant.identity;
    if (isOwn && event.active === false && event.reason !== "released") this.#learn({ type: "end" });
    if (isOwn && event.reason === "too_long") this.#advise(SAY.talkedTooLong);
  }

  /** @param {import("./press.js").PressFact} fact */
  #learn(fact) {
    const before = this.#press;
    const mayPress = this.#isOffered && this.#isEnabled;
    this.#press = mayPress || fact.type === "end" ? pressed(before, fact) : before;
    if (this.#press.isOn !== before.isOn) void this.#tell();
    if (this.#press !== before) this.#changed();
  }

  async #tell() {
    const { isOn } = this.#press;
    const caller = this.#room?.localParticipant;
    if (!caller || this.#agent === "") return;
    this.#isTold = true;
    try {
      const payload = JSON.stringify({ active: isOn });
      await caller.performRpc({ destinationIdentity: this.#agent, method: "earshot.activity", payload });
    } catch (error) {
      console.warn(error);
      if (!isOn || !this.#press.isOn) return; // it is told again with the connection, or was given up meanwhile
      this.#learn({ type: "end" });
      this.#advise(SAY.notPressed);
    }
  }

  /** @param {HTMLButtonElement} button */
  #watchButton(button) {
    button.addEventListener("pointerdown", (pointer) => {
      if (pointer.button !== 0 || !pointer.isPrimary) return;
      // a finger that slides off the button still holds it
      optional("a pointer that slides off the button", () => button.setPointerCapture(pointer.pointerId));
      this.#learn({ type: "down", way: "pointer", atMs: pointer.timeStamp });
    });
    button.addEventListener("pointerup", (pointer) => {
      this.#pointerUpAtMs = pointer.timeStamp;
      this.#learn({ type: "up", way: "pointer", atMs: pointer.timeStamp });
    });
    button.addEventListener("pointercancel", () => this.#learn({ type: "cancel", way: "pointer" }));
    button.addEventListener("lostpointercapture", () => this.#learn({ type: "cancel", way: "pointer" }));
    button.addEventListener("click", (click) => {
      const isPointers = click.timeStamp - this.#pointerUpAtMs <= CLICK_AFTER_MS;
      this.#pointerUpAtMs = -Infinity; // a pointer has one click
      if (!isPointers) this.#learn({ type: "click" });
    });
    button.addEventListener("contextmenu", (menu) => menu.preventDefault()); // a long touch is no wish for one
  }

  #watchKeys() {
    document.addEventListener("keydown", (key) => {
      if (!this.#isMeant(key)) return;
      key.preventDefault(); // it neither scrolls nor clicks
      if (!key.repeat) this.#learn({ type: "down", way: "key", atMs: key.timeStamp });
    });
    document.addEventListener("keyup", (key) => {
      if (key.code !== "Space" && key.key !== "Enter") return;
      if (key.target === parts.talk) key.preventDefault();
      this.#learn({ type: "up", way: "key", atMs: key.timeStamp });
    });
  }

  /** @param {KeyboardEvent} key */
  #isMeant(key) {
    if (!this.#isOffered || key.ctrlKey || key.altKey || key.metaKey) return false;
    if (key.target === parts.talk) return key.code === "Space" || key.key === "Enter";
    const isElsewhere = key.target instanceof Element && key.target.closest(TAKES_SPACE) !== null;
    return key.code === "Space" && !isElsewhere;
  }
}
