/** What both sides sound like: two level meters and the clock of the turns, fed every 20 ms. */
import { optional } from "./optional.js";
import { TurnClock } from "./turns.js";

const EVERY_MS = 20;
const WINDOW = 1024; // 21 ms at 48 kHz: no sound falls between two looks
const QUIETEST_DB = -60;
const LOUDEST_DB = -12;

/** @typedef {"caller" | "agent"} Side */

export class Sound {
  /** The clock of the last call that began. */
  clock = new TurnClock();
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {Map<Side, Tap>} */
  #taps = new Map();
  /** @type {Set<Side>} The sides that the browser doesn't let the page listen to. */
  #refused = new Set();
  #timer = 0;
  #isCallerHeard = true;

  /** A call begins. A browser that keeps sound back until a click should see this happen in one. */
  begin() {
    this.close();
    this.clock = new TurnClock();
    this.#isCallerHeard = true;
    this.#refused = new Set(["caller", "agent"]);
    this.#context = new AudioContext();
    this.#refused.clear();
    this.#timer = setInterval(() => optional("the level meters", () => this.#hear()), EVERY_MS);
  }

  /**
   * Listen to this track from now on.
   *
   * @param {Side} side
   * @param {MediaStreamTrack} track
   * @throws {DOMException} The browser refuses, as Firefox does for a microphone whose sample rate is not the loudspeaker's.
   */
  take(side, track) {
    if (!this.#context) return;
    this.wake();
    if (this.#taps.get(side)?.track === track) return;
    this.#taps.get(side)?.close();
    this.#taps.delete(side);
    this.#refused.add(side);
    this.#taps.set(side, new Tap(this.#context, track));
    this.#refused.delete(side);
  }

  /** Both sides, from 0 (silence) to 1 (loud), as the ear would say; null for a side that can't be listened to. */
  levels() {
    const level = (/** @type {Side} */ side) => {
      return this.#refused.has(side) ? null : loudness(this.#level(side));
    };
    return { caller: level("caller"), agent: level("agent") };
  }

  /**
   * What the agent doesn't hear is silence here, too.
   *
   * @param {boolean} isHeard
   */
  hearCaller(isHeard) {
    this.#isCallerHeard = isHeard;
  }

  /** A browser that keeps sound back until a click keeps this back too. */
  wake() {
    const context = this.#context;
    if (context?.state === "suspended") optional("the level meters", () => context.resume());
  }

  close() {
    clearInterval(this.#timer);
    const context = this.#context;
    this.#context = null;
    this.#taps.clear();
    if (context) optional("the end of the level meters", () => context.close());
  }

  #hear() {
    for (const tap of this.#taps.values()) tap.hear();
    this.clock.hear(this.#level("caller"), this.#level("agent"), performance.now());
  }

  /** @param {Side} side */
  #level(side) {
    return side === "caller" && !this.#isCallerHeard ? 0 : (this.#taps.get(side)?.level ?? 0);
  }
}

class Tap {
  level = 0;
  track;
  #analyser;
  #samples = new Float32Array(WINDOW);
  #source;

  /**
   * @param {AudioContext} context
   * @param {MediaStreamTrack} track
   */
  constructor(context, track) {
    this.track = track;
    this.#analyser = new AnalyserNode(context, { fftSize: WINDOW });
    this.#source = context.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(this.#analyser);
  }

  hear() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const power = this.#samples.reduce((sum, sample) => sum + sample * sample, 0) / WINDOW;
    this.level = Math.sqrt(power);
  }

  close() {
    this.#source.disconnect();
  }
}

/** @param {number} rms */
function loudness(rms) {
  const db = 20 * Math.log10(Math.max(rms, 1e-6));
  return Math.min(Math.max((db - QUIETEST_DB) / (LOUDEST_DB - QUIETEST_DB), 0), 1);
}
