/**
 * How long a caller waits, by ear. Pure: levels and times in, turns out.
 *
 * Measured where it counts, in the page: from the caller's last audible moment at the microphone to the agent's first audible
 * moment at the loudspeaker, and from the caller's interruption to the agent's silence. Sound hardware is not included.
 *
 * @typedef {object} Turn
 * @property {number | null} answerMs  End of speech (or a typed line) to first sound; null if nobody had asked.
 * @property {number | null} bargeInMs  Start of the interruption to silence; null if there was none.
 * @property {Told | null} told  What the agent says about the turn: the `turn` event of docs/events.md.
 *
 * @typedef {{response_latency_s?: number | null, heard_to_sound_s: number | null, spoke_s: number, interrupted: boolean}} Told
 */

/** RMS of full scale above which something is heard: -46 dBFS, between a room's noise and a voice. */
export const AUDIBLE = 0.005;
/** Shorter sounds are coughs and clicks. */
const SPEECH_MS = 120;
/** Pauses up to this belong to the speech. */
const PAUSE_MS = 400;
/** An agent that tells nothing about its turns has ended one after so much quiet. */
const TURN_OVER_MS = 2000;
const MOST_TURNS = 200;

class Voice {
  startedAt = -Infinity;
  lastAt = -Infinity;

  /**
   * @param {number} level
   * @param {number} nowMs
   * @returns {boolean} Whether an utterance begins.
   */
  hear(level, nowMs) {
    if (level < AUDIBLE) return false;
    const begins = nowMs - this.lastAt > PAUSE_MS;
    if (begins) this.startedAt = nowMs;
    this.lastAt = nowMs;
    return begins;
  }

  get spokeMs() {
    return this.lastAt - this.startedAt;
  }
}

export class TurnClock {
  /** @type {Turn[]} */
  turns = [];
  #caller = new Voice();
  #agent = new Voice();
  #askedAt = -Infinity;
  #interruptedAt = Infinity;
  #open = false;

  /**
   * Both levels at a moment, as RMS of full scale. The agent's is taken first: what it says now answers what came before.
   *
   * @param {number} callerLevel
   * @param {number} agentLevel
   * @param {number} nowMs
   */
  hear(callerLevel, agentLevel, nowMs) {
    if (this.#over(nowMs)) this.#open = false;
    if (this.#agent.hear(agentLevel, nowMs) && !this.#open) this.#begin(nowMs);
    this.#caller.hear(callerLevel, nowMs);
    if (this.#caller.lastAt === nowMs && this.#caller.spokeMs >= SPEECH_MS) {
      this.#askedAt = nowMs;
      const wasSpeaking = this.#agent.startedAt < this.#caller.startedAt && this.#agent.lastAt > this.#caller.startedAt;
      if (this.#open && wasSpeaking) this.#interruptedAt = Math.min(this.#interruptedAt, this.#caller.startedAt);
    }
    this.#measureSilence();
  }

  /** @param {number} nowMs */
  typed(nowMs) {
    this.#askedAt = nowMs;
  }

  /**
   * The agent tells about the turn that it has just ended.
   *
   * @param {Told} told
   */
  told(told) {
    const turn = this.turns.at(-1);
    if (this.#open && turn) {
      turn.told = told;
      if (told.heard_to_sound_s === null) turn.answerMs = null; // a greeting answers nobody, whatever was heard before it
    }
    if (!told.interrupted) this.#askedAt = -Infinity; // what was said meanwhile was no question, or it goes on
    this.#measureSilence();
  }

  /** @param {number} nowMs */
  #begin(nowMs) {
    const asked = this.#askedAt > -Infinity;
    this.turns.push({ answerMs: asked ? nowMs - this.#askedAt : null, bargeInMs: null, told: null });
    if (this.turns.length > MOST_TURNS) this.turns.shift();
    this.#askedAt = -Infinity;
    this.#interruptedAt = Infinity;
    this.#open = true;
  }

  /** @param {number} nowMs */
  #over(nowMs) {
    const told = this.turns.at(-1)?.told != null;
    return nowMs - this.#agent.lastAt > (told ? PAUSE_MS : TURN_OVER_MS);
  }

  #measureSilence() {
    const turn = this.turns.at(-1);
    if (!this.#open || !turn?.told?.interrupted || this.#interruptedAt === Infinity) return;
    turn.bargeInMs = Math.max(this.#agent.lastAt - this.#interruptedAt, 0);
  }
}
