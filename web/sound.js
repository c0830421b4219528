/** What both sides sound like: two level meters and the clock of the turns, fed every 20 ms. */
import { TurnClock } from "./turns.js";

const EVERY_MS = 20;
const WINDOW = 1024; // 21 ms at 48 kHz: no sound falls between two looks
const QUIETEST_DB = -60;
const LOUDEST_DB = -12;

export class Sound {
  clock = new TurnClock();
  #context = new AudioContext();
  #caller = new Tap(this.#context);
  #agent = new Tap(this.#context);
  #timer = setInterval(() => this.#hear(), EVERY_MS);

  /** @param {MediaStreamTrack} track */
  caller(track) {
    this.#caller.take(track);
    this.wake();
  }

  /** @param {MediaStreamTrack} track */
  agent(track) {
    this.#agent.take(track);
    this.wake();
  }

  /** Both sides, from 0 (silence) to 1 (loud), as the ear would say. */
  levels() {
    return { caller: loudness(this.#caller.level), agent: loudness(this.#agent.level) };
  }

  /** A browser that keeps sound back until a click keeps this back too. */
  wake() {
    if (this.#context.state === "suspended") void this.#context.resume();
  }

  close() {
    clearInterval(this.#timer);
    void this.#context.close();
  }

  #hear() {
    this.#caller.hear();
    this.#agent.hear();
    this.clock.hear(this.#caller.level, this.#agent.level, performance.now());
  }
}

class Tap {
  level = 0;
  #context;
  #analyser;
  #samples = new Float32Array(WINDOW);
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null;

  /** @param {AudioContext} context */
  constructor(context) {
    this.#context = context;
    this.#analyser = new AnalyserNode(context, { fftSize: WINDOW });
  }

  /** @param {MediaStreamTrack} track */
  take(track) {
    if (this.#source?.mediaStream.getAudioTracks()[0] === track) return;
    this.#source?.disconnect();
    this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(this.#analyser);
  }

  hear() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const power = this.#samples.reduce((sum, sample) => sum + sample * sample, 0) / WINDOW;
    this.level = Math.sqrt(power);
  }
}

/** @param {number} rms */
function loudness(rms) {
  const db = 20 * Math.log10(Math.max(rms, 1e-6));
  return Math.min(Math.max((db - QUIETEST_DB) / (LOUDEST_DB - QUIETEST_DB), 0), 1);
}
