/** Shows how loud both sides are: two meters, and the orb unless the visitor wants no motion. */
import { parts } from "./parts.js";

const SPOKEN_EVERY_MS = 250;
const FALLS = 0.86; // a frame; what rises is shown at once
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Levels {
  #caller = 0;
  #agent = 0;
  #frame = 0;
  #saidAt = 0;
  #read;

  /** @param {() => {caller: number, agent: number}} read Each from 0 to 1. */
  constructor(read) {
    this.#read = read;
    this.#frame = requestAnimationFrame(this.#draw);
  }

  close() {
    cancelAnimationFrame(this.#frame);
    show(0, 0);
    say(0, 0);
  }

  /** @param {number} nowMs */
  #draw = (nowMs) => {
    const { caller, agent } = this.#read();
    this.#caller = Math.max(caller, this.#caller * FALLS);
    this.#agent = Math.max(agent, this.#agent * FALLS);
    show(this.#caller, this.#agent);
    if (nowMs - this.#saidAt >= SPOKEN_EVERY_MS) {
      this.#saidAt = nowMs;
      say(caller, agent);
    }
    this.#frame = requestAnimationFrame(this.#draw);
  };
}

/**
 * @param {number} caller
 * @param {number} agent
 */
function show(caller, agent) {
  parts.callerLevel.style.setProperty("--level", caller.toFixed(3));
  parts.agentLevel.style.setProperty("--level", agent.toFixed(3));
  parts.orb.style.setProperty("--caller", calm.matches ? "0" : caller.toFixed(3));
  parts.orb.style.setProperty("--agent", calm.matches ? "0" : agent.toFixed(3));
}

/**
 * @param {number} caller
 * @param {number} agent
 */
function say(caller, agent) {
  parts.callerLevel.setAttribute("aria-valuenow", String(Math.round(caller * 100)));
  parts.agentLevel.setAttribute("aria-valuenow", String(Math.round(agent * 100)));
}
