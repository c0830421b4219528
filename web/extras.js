/**
 * What accompanies a call and what it can do without: level meters, timings, captions, device lists, what tools do.
 *
 * Each of them hears all news by itself: one that fails keeps nothing from the others or from the call.
 *
 * @typedef {import("./room.js").News | {type: "opened"} | {type: "begun", room: import("livekit-client").Room}
 *   | {type: "typed", text: string, atMs: number}} News  The page's own news are: it is ready; a call begins; a line was sent.
 */
import { Captions } from "./captions.js";
import { Devices } from "./devices.js";
import { Levels } from "./levels.js";
import { optional } from "./optional.js";
import { parts } from "./parts.js";
import { Sound } from "./sound.js";
import { drawAttributes, drawTools, drawTurns } from "./view.js";
import { duration, SAY, spoken } from "./words.js";

const DRAW_TIMINGS_EVERY_MS = 500;

export class Extras {
  #captions = new Captions(parts.captions, parts.scroller);
  #sound = new Sound();
  #levels = new Levels(() => this.#sound.levels());
  #devices;
  #timer = 0;
  /** @type {Map<string, string>} Tools that run: id to name. */
  #tools = new Map();

  /** @param {(advice: string) => void} advise  Says what the caller should do. */
  constructor(advise) {
    const pickers = { audioinput: parts.microphone, audiooutput: parts.speaker };
    this.#devices = new Devices(pickers, (isSilent) => advise(isSilent ? SAY.noMicrophoneLeft : SAY.deviceFailed));
  }

  /** What the caller wants to be heard with; empty: the browser's choice. */
  get microphoneId() {
    return this.#devices.microphoneId;
  }

  /** The caller has clicked: a browser that keeps sound back until then may let the meters hear. */
  wake() {
    optional("the level meters", () => this.#sound.wake());
  }

  /** @param {News} news */
  hear(news) {
    optional("the level meters", () => this.#listen(news));
    optional("the drawn level meters", () => this.#drawLevels(news));
    optional("the timings", () => this.#time(news));
    optional("the captions", () => this.#write(news));
    optional("the device lists", () => this.#list(news));
    optional("the tools", () => this.#showTools(news));
    optional("the agent's attributes", () => this.#showAttributes(news));
  }

  /** @param {News} news */
  #listen(news) {
    if (news.type === "begun") this.#sound.begin();
    if (news.type === "microphone") this.#sound.take("caller", news.track);
    if (news.type === "agent_sound") this.#sound.take("agent", news.track);
    if (news.type === "over") this.#sound.close();
  }

  /** @param {News} news */
  #drawLevels(news) {
    if (news.type === "begun") this.#levels.begin();
    if (news.type === "over") this.#levels.close();
  }

  /** @param {News} news */
  #time(news) {
    const { clock } = this.#sound;
    if (news.type === "typed") clock.typed(news.atMs);
    if (news.type === "event" && news.event.type === "turn") clock.told(/** @type {any} */ (news.event));
    if (news.type !== "begun" && news.type !== "over") return;
    clearInterval(this.#timer);
    drawTurns(clock.turns);
    if (news.type === "begun") this.#timer = setInterval(this.#drawTimings, DRAW_TIMINGS_EVERY_MS);
  }

  #drawTimings = () => optional("the timings", () => drawTurns(this.#sound.clock.turns));

  /** @param {News} news */
  #write(news) {
    if (news.type === "begun") this.#captions.clear();
    if (news.type === "caption") this.#captions.show(news.caption);
    if (news.type === "typed") this.#captions.typed(news.text);
    if (news.type === "event") this.#note(news.event);
  }

  /** @param {import("./room.js").AgentEvent} event */
  #note(event) {
    if (event.type === "tool_ended") {
      const end = event.status === "done" ? duration(Number(event.took_s)) : event.status;
      this.#captions.note(`${spoken(String(event.name ?? ""))} · ${end}`);
    }
    const gapMs = Number(event.gap_ms ?? 0); // the silence that the caller heard
    if (event.type === "link" && gapMs > 0) this.#captions.note(SAY.restored(duration(gapMs / 1000)));
  }

  /** @param {News} news */
  async #list(news) {
    if (news.type === "begun") this.#devices.follow(news.room);
    if (news.type === "microphone" || news.type === "opened") await this.#devices.fill();
  }

  /** @param {News} news */
  #showTools(news) {
    if (news.type === "agent_gone" || news.type === "over") this.#tools.clear();
    if (news.type === "event" && news.event.type === "tool_started") {
      this.#tools.set(String(news.event.id), String(news.event.name ?? ""));
    }
    if (news.type === "event" && news.event.type === "tool_ended") this.#tools.delete(String(news.event.id));
    drawTools([...this.#tools.values()]);
  }

  /** @param {News} news */
  #showAttributes(news) {
    if (news.type === "begun") drawAttributes({});
    if (news.type === "attributes") drawAttributes(news.attributes);
  }
}
