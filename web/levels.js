/** Shows how loud both sides are: two meters, and the orb unless the visitor wants no motion. */
import { optional } from "./optional.js";
import { parts } from "./parts.js";

const SPOKEN_EVERY_MS = 250;
const FALLS = 0.86; // a frame; what rises is shown at once
const calm = optional("the wish for less motion", () => matchMedia("(prefers-reduced-motion: reduce)"));

/** @typedef {{caller: number | null, agent: number | null}} Loudness  Each from 0 to 1; null: it isn't known. */

export class Levels {
  #caller = 0;
  #agent = 0;
  #frame = 0;
  #saidAt = 0;
  #read;

  /** @param {() => Loudness} read */
  constructor(read) {
    this.#read = read;
  }

  begin() {
    this.close();
    this.#frame = requestAnimationFrame(this.#next);
  }

  close() {
    cancelAnimationFrame(this.#frame);
    show(0, 0);
    say({ caller: 0, agent: 0 });
  }

  /** @param {number} nowMs */
  #next = (nowMs) => {
    optional("the level meters", () => this.#draw(nowMs));
    this.#frame = requestAnimationFrame(this.#next);
  };

  /** @param {number} nowMs */
  #draw(nowMs) {
    const levels = this.#read();
    this.#caller = Math.max(levels.caller ?? 0, this.#caller * FALLS);
    this.#agent = Math.max(levels.agent ?? 0, this.#agent * FALLS);
    show(this.#caller, this.#agent);
    if (nowMs - this.#saidAt < SPOKEN_EVERY_MS) return;
    this.#saidAt = nowMs;
    say(levels);
  }
}

/**
 * @param {number} caller
 * @param {number} agent
 */
function show(caller, agent) {
  parts.callerLevel.style.setProperty("--level", caller.toFixed(3));
  parts.agentLevel.style.setProperty("--level", agent.toFixed(3));
  parts.orb.style.setProperty("--caller", calm?.matches ? "0" : caller.toFixed(3));
  parts.orb.style.setProperty("--agent", calm?.matches ? "0" : agent.toFixed(3));
}

/** @param {Loudness} levels  A meter without a level is hidden: it would look as if nothing were heard. */
function say({ caller, agent }) {
  parts.callerMeter.hidden = caller === null;
  parts.agentMeter.hidden = agent === null;
  parts.callerLevel.setAttribute("aria-valuenow", String(Math.round((caller ?? 0) * 100)));
  parts.agentLevel.setAttribute("aria-valuenow", String(Math.round((agent ?? 0) * 100)));
}
