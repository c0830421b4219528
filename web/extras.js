/**
 * What accompanies a call and what it can do without: level meters, timings, captions, device lists, the camera, what tools do.
 *
 * Each of them gets all events by itself: one that fails keeps nothing from the others or from the call.
 *
 * @typedef {import("./room.js").CallEvent | {type: "opened"} | {type: "begun", room: import("livekit-client").Room}
 *   | {type: "typed", text: string, atMs: number} | {type: "talk", isHeard: boolean}} PageEvent  The page's own: it is ready; a
 *   call begins; a line was sent; the agent hears the caller from now on, or doesn't.
 */
import { Captions } from "./captions.js";
import { ClientTools } from "./client_tools.js";
import { Devices } from "./devices.js";
import { duration } from "./durations.js";
import { Eyes } from "./eyes.js";
import { drawLatency } from "./latency.js";
import { Levels } from "./levels.js";
import { optional } from "./optional.js";
import { parts } from "./parts.js";
import { Sound } from "./sound.js";
import { linksOf } from "./sources.js";
import { CallTimer } from "./timer.js";
import { toolNote } from "./tool_notes.js";
import { Transcript } from "./transcript.js";
import { drawAttributes, drawBadge, drawSpent, drawTools } from "./view.js";
import { SAY } from "./words.js";

const DRAW_TIMINGS_EVERY_MS = 500;

export class Extras {
  #captions = new Captions(parts.captions, parts.scroller);
  #transcript = new Transcript(this.#captions);
  #clientTools = new ClientTools(this.#captions);
  #callTimer = new CallTimer();
  #sound = new Sound();
  #levels = new Levels(() => this.#sound.levels());
  #devices;
  #eyes;
  #timer = 0;
  /** @type {Map<string, string>} Tools that run: id to name. */
  #tools = new Map();
  /** @type {Map<string, unknown>} What the tools that run were given: id to the arguments of `tool_started`. */
  #given = new Map();

  /** @param {(advice: string) => void} advise  Says what the caller should do. */
  constructor(advise) {
    const pickers = { audioinput: parts.microphone, audiooutput: parts.speaker };
    this.#devices = new Devices(pickers, (isSilent) => advise(isSilent ? SAY.noMicrophoneLeft : SAY.deviceFailed));
    this.#eyes = new Eyes(advise);
  }

  /** What the caller wants to be heard with; empty: the browser's choice. */
  get microphoneId() {
    return this.#devices.microphoneId;
  }

  /** The caller has clicked: a browser that keeps sound back until then may let the meters hear. */
  wake() {
    optional("the level meters", () => this.#sound.wake());
  }

  /** @param {PageEvent} pageEvent */
  hear(pageEvent) {
    optional("the level meters", () => this.#listen(pageEvent));
    optional("the drawn level meters", () => this.#drawLevels(pageEvent));
    optional("the timings", () => this.#time(pageEvent));
    optional("the call's timer", () => this.#callTimer.hear(pageEvent));
    optional("the captions", () => this.#write(pageEvent));
    optional("the copy of the conversation", () => this.#transcript.draw());
    optional("the device lists", () => this.#list(pageEvent));
    optional("the camera and the screen", () => this.#eyes.hear(pageEvent));
    optional("the tools of this side", () => this.#clientTools.hear(pageEvent));
    optional("the tools", () => this.#showTools(pageEvent));
    optional("the agent's attributes", () => this.#showAttributes(pageEvent));
  }

  /** @param {PageEvent} pageEvent */
  #listen(pageEvent) {
    if (pageEvent.type === "begun") this.#sound.begin();
    if (pageEvent.type === "microphone") this.#sound.take("caller", pageEvent.track);
    if (pageEvent.type === "agent_sound") this.#sound.take("agent", pageEvent.track);
    if (pageEvent.type === "talk") this.#sound.hearCaller(pageEvent.isHeard);
    if (pageEvent.type === "over") this.#sound.close();
  }

  /** @param {PageEvent} pageEvent */
  #drawLevels(pageEvent) {
    if (pageEvent.type === "begun") this.#levels.begin();
    if (pageEvent.type === "over") this.#levels.close();
  }

  /** @param {PageEvent} pageEvent */
  #time(pageEvent) {
    const { clock } = this.#sound;
    if (pageEvent.type === "typed") clock.typed(pageEvent.atMs);
    if (pageEvent.type === "event" && pageEvent.event.type === "turn") clock.told(/** @type {any} */ (pageEvent.event));
    if (pageEvent.type === "event" && pageEvent.event.type === "usage") drawSpent(pageEvent.event);
    if (pageEvent.type !== "begun" && pageEvent.type !== "over") return;
    if (pageEvent.type === "begun") drawSpent(null);
    clearInterval(this.#timer);
    drawLatency(clock.turns);
    if (pageEvent.type === "begun") this.#timer = setInterval(this.#drawTimings, DRAW_TIMINGS_EVERY_MS);
  }

  #drawTimings = () => optional("the timings", () => drawLatency(this.#sound.clock.turns));

  /** @param {PageEvent} pageEvent */
  #write(pageEvent) {
    if (pageEvent.type === "begun") {
      this.#captions.clear();
      this.#given.clear();
    }
    if (pageEvent.type === "caption") this.#captions.show(pageEvent.caption);
    if (pageEvent.type === "typed") this.#captions.typed(pageEvent.text);
    if (pageEvent.type === "event") this.#note(pageEvent.event);
  }

  /** @param {import("./room.js").AgentEvent} event */
  #note(event) {
    const id = String(event.id);
    if (event.type === "tool_started") this.#given.set(id, event.arguments);
    if (event.type === "tool_ended") {
      const { text, detail } = toolNote(event, this.#given.get(id));
      this.#given.delete(id);
      this.#captions.note(text, detail);
    }
    if (event.type === "turn" && event.interrupted === true) this.#captions.interrupted();
    if (event.type === "sources") this.#captions.links(linksOf(event));
    if (event.type === "code") this.#captions.folded(SAY.code, String(event.code ?? ""));
    if (event.type === "code_result") this.#captions.folded(SAY.codeResult, String(event.output ?? ""));
    if (event.type === "turn_complete_reason") this.#captions.note(SAY.endedFor(String(event.reason ?? "")));
    if (event.type === "resumed") this.#captions.note(SAY.resumed(duration(Number(event.away_s ?? 0))));
    const gapMs = Number(event.gap_ms ?? 0); // the silence that the caller heard
    if (event.type === "link" && gapMs > 0) this.#captions.note(SAY.restored(duration(gapMs / 1000)));
  }

  /** @param {PageEvent} pageEvent */
  async #list(pageEvent) {
    if (pageEvent.type === "begun") this.#devices.follow(pageEvent.room);
    if (pageEvent.type === "microphone" || pageEvent.type === "opened") await this.#devices.fill();
  }

  /** @param {PageEvent} pageEvent */
  #showTools(pageEvent) {
    if (pageEvent.type === "agent_gone" || pageEvent.type === "over") this.#tools.clear();
    if (pageEvent.type === "event" && pageEvent.event.type === "tool_started") {
      this.#tools.set(String(pageEvent.event.id), String(pageEvent.event.name ?? ""));
    }
    if (pageEvent.type === "event" && pageEvent.event.type === "tool_ended") this.#tools.delete(String(pageEvent.event.id));
    drawTools([...this.#tools.values()]);
  }

  /** @param {PageEvent} pageEvent */
  #showAttributes(pageEvent) {
    if (pageEvent.type !== "begun" && pageEvent.type !== "attributes") return;
    const attributes = pageEvent.type === "begun" ? {} : pageEvent.attributes;
    optional("who answers", () => drawBadge(attributes));
    drawAttributes(attributes);
  }
}
