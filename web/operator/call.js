/** The page of one call: its sound, what was said, and what happened, on one time scale. */
import { drawEvents } from "./event_list.js";
import { told } from "./event_words.js";
import { drawFigures } from "./figures.js";
import { onCallKeys } from "./keys.js";
import { LanesView, lanesOf } from "./lanes.js";
import { chips } from "./list.js";
import { make, part } from "./parts.js";
import { Playhead } from "./playhead.js";
import { checkSound, readCall, readWaveform, Refused, soundAddress } from "./server.js";
import { following, moved, ticks, whole, zoomed } from "./span.js";
import { Transcript } from "./transcript.js";
import { WaveformView } from "./waveform.js";
import { dateTime, position } from "./words.js";

const audio = part("audio", HTMLAudioElement);
const play = part("play", HTMLButtonElement);
const wave = part("wave", HTMLElement);
const tracks = part("tracks", HTMLElement);
const now = part("now", HTMLElement);
const find = part("find", HTMLInputElement);
const countsToo = part("counts", HTMLInputElement);
const TICK_PX = 80;
const ZOOM = 2;

/**
 * @param {string} name
 * @param {() => void} ready  Called when the page is there; the sound may come later.
 * @param {(error: unknown) => void} failed  Called with what went wrong later; null: nothing any more.
 */
export async function showCall(name, ready, failed) {
  const record = await readCall(name);
  drawTitle(record.call);
  if (record.call.summary) drawFigures(part("figures", HTMLElement), record.call.summary);
  const happened = told(record.events);
  const playhead = new Playhead(audio, lengthOf(record));
  const page = new CallPage(playhead, record, happened);
  ready();
  page.begin();
  if (!record.sound) return;
  audio.onerror = () => whySilent(name).then(failed);
  audio.onplaying = () => failed(null);
  playhead.load(soundAddress(name));
  const download = part("download", HTMLAnchorElement);
  download.href = soundAddress(name);
  download.hidden = false;
  await readWaveform(name).then((waveform) => page.showWaveform(waveform), failed);
}

/**
 * Why the sound can't be played: the server's sentence, which the browser doesn't give to an audio element.
 *
 * @param {string} name
 * @returns {Promise<unknown>}
 */
async function whySilent(name) {
  try {
    await checkSound(name);
  } catch (error) {
    return error;
  }
  return new Refused("unplayable", "The sound can’t be played by this browser. Press play to try again, or save the file.");
}

/** @param {import("./types.js").CallRecord} record */
function lengthOf({ call, lines, events }) {
  return Math.max(call.summary?.duration_s ?? 0, ...lines.slice(-50).map((line) => line.end_s), events.at(-1)?.t ?? 0);
}

/** @param {import("./types.js").Call} call */
function drawTitle(call) {
  const room = call.summary?.room ?? call.call;
  document.title = `${room} – recorded call`;
  part("room", HTMLElement).textContent = room;
  const about = [dateTime(call.started_at, "full"), call.summary?.persona, call.summary?.model].filter(Boolean);
  part("about", HTMLElement).replaceChildren(...about.map((text) => make("span", { text })));
  part("marks", HTMLElement).replaceChildren(...chips(call));
  part("ids", HTMLElement).replaceChildren(
    ...idsOf(call).map(([name, id]) => make("div", {}, make("dt", { text: name }), make("dd", { text: id }))),
  );
}

/**
 * What the HTTP API, webhooks, the log, traces and the folder call it.
 *
 * @param {import("./types.js").Call} call
 * @returns {[string, string][]}
 */
function idsOf({ call, summary }) {
  /** @type {[string, string | undefined][]} */
  const ids = [["Call", summary?.call_id], ["Job", summary?.job], ["Trace", summary?.traces.join(" ")], ["Folder", call]];
  return ids.flatMap(([name, id]) => (id ? [[name, id]] : []));
}

class CallPage {
  /**
   * @param {Playhead} playhead
   * @param {import("./types.js").CallRecord} record
   * @param {import("./event_words.js").Told[]} happened
   */
  constructor(playhead, record, happened) {
    this.playhead = playhead;
    this.happened = happened;
    this.span = whole(playhead.length);
    this.frame = 0;
    const seek = this.seek.bind(this);
    this.view = new WaveformView(part("canvas", HTMLCanvasElement));
    this.lanes = new LanesView(part("lanes", HTMLElement), lanesOf(happened, record.lines), seek);
    this.transcript = new Transcript(part("lines", HTMLElement), record.lines, seek);
    part("no-sound", HTMLElement).hidden = Boolean(record.sound);
    play.hidden = part("speed", HTMLSelectElement).hidden = !record.sound;
    this.drawEvents();
    say("no-lines", record.lines.length ? "" : "Nothing was said, or RECORD didn’t have the word “transcript”.");
    const left = record.events_left_out;
    const rest = left ? `${left} more events are in timeline.jsonl.` : "";
    say("no-events", record.events.length ? rest : "RECORD didn’t have the word “timeline”.");
  }

  begin() {
    audio.onplay = audio.onpause = audio.onended = () => this.changed();
    audio.onseeked = audio.ontimeupdate = () => this.draw();
    audio.onloadedmetadata = () => Number.isFinite(audio.duration) && this.resize(audio.duration);
    play.onclick = () => this.playhead.toggle();
    const speed = part("speed", HTMLSelectElement);
    speed.onchange = () => (audio.playbackRate = Number(speed.value));
    part("zoom-in", HTMLElement).onclick = () => this.zoom(1 / ZOOM);
    part("zoom-out", HTMLElement).onclick = () => this.zoom(ZOOM);
    part("zoom-all", HTMLElement).onclick = () => this.zoom(Infinity);
    find.oninput = () => say("no-lines", this.transcript.find(find.value) ? "" : "Nobody said that.");
    countsToo.onchange = () => this.drawEvents();
    this.onPointer();
    onCallKeys({
      toggle: () => this.playhead.toggle(),
      skip: (seconds) => this.seek(this.playhead.at + seconds),
      find: () => (find.focus(), find.select()),
      zoom: (inwards) => this.zoom(inwards === null ? Infinity : inwards ? 1 / ZOOM : ZOOM),
    });
    new ResizeObserver(() => this.drawAll()).observe(wave);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.drawAll();
  }

  /** @param {Awaited<ReturnType<typeof readWaveform>>} waveform */
  showWaveform(waveform) {
    this.view.waveform = waveform;
    this.resize(waveform.caller.length * waveform.bucketS);
    this.draw();
  }

  /** @param {number} length  The sound's, which may be longer than what the texts say. */
  resize(length) {
    if (length <= this.playhead.length) return;
    const isWhole = this.span.to - this.span.from === this.span.length;
    this.playhead.length = length;
    this.span = isWhole ? whole(length) : { ...this.span, length };
    this.drawAll();
  }

  /** The pointer sets the position, and moves it while it is down; a wheel that turns sideways moves what is shown. */
  onPointer() {
    const at = (/** @type {PointerEvent} */ event) => {
      const box = wave.getBoundingClientRect();
      return this.span.from + ((event.clientX - box.left) / box.width) * (this.span.to - this.span.from);
    };
    wave.onpointerdown = (event) => {
      if (event.button !== 0) return;
      wave.setPointerCapture(event.pointerId);
      this.seek(at(event));
    };
    wave.onpointermove = (event) => wave.hasPointerCapture(event.pointerId) && this.seek(at(event));
    tracks.onwheel = (event) => {
      if (Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
      event.preventDefault();
      this.span = moved(this.span, (event.deltaX / wave.clientWidth) * (this.span.to - this.span.from));
      this.drawAll();
    };
  }

  /** @param {number} seconds */
  seek(seconds) {
    this.playhead.seek(seconds);
    this.span = following(this.span, this.playhead.at);
    this.drawAll();
  }

  /** @param {number} factor */
  zoom(factor) {
    this.span = zoomed(this.span, factor, this.playhead.at);
    this.drawAll();
  }

  changed() {
    play.setAttribute("aria-label", this.playhead.isPlaying ? "Pause" : "Play");
    play.classList.toggle("playing", this.playhead.isPlaying);
    cancelAnimationFrame(this.frame);
    const tick = () => {
      this.draw();
      if (this.playhead.isPlaying) this.frame = requestAnimationFrame(tick);
    };
    tick();
  }

  drawAll() {
    this.lanes.place(this.span);
    part("length", HTMLElement).textContent = position(this.playhead.length);
    wave.setAttribute("aria-valuemax", this.playhead.length.toFixed(1));
    const shown = this.span.to - this.span.from;
    part("ticks", HTMLElement).replaceChildren(
      ...ticks(this.span, Math.max(wave.clientWidth / TICK_PX, 1)).map((at) => {
        const tick = make("span", { text: position(at, shown < 5 ? 1 : 0) });
        tick.style.left = `${(100 * (at - this.span.from)) / shown}%`;
        return tick;
      }),
    );
    this.draw();
  }

  /** What changes while the sound plays. */
  draw() {
    const { at } = this.playhead;
    const span = this.playhead.isPlaying ? following(this.span, at) : this.span;
    if (span !== this.span) {
      this.span = span;
      this.drawAll();
      return;
    }
    now.textContent = position(at, 1);
    wave.setAttribute("aria-valuenow", at.toFixed(1));
    wave.setAttribute("aria-valuetext", position(at, 1));
    const share = (at - span.from) / (span.to - span.from);
    tracks.style.setProperty("--at", String(share));
    part("cursor", HTMLElement).hidden = share < 0 || share > 1;
    this.view.draw(span, at);
    this.transcript.follow(at);
  }

  drawEvents() {
    const shown = this.happened.filter((one) => one.kind !== "count" || countsToo.checked);
    drawEvents(part("events", HTMLElement), shown, (seconds) => this.seek(seconds));
  }
}

/**
 * @param {string} id
 * @param {string} text  Empty: nothing to say.
 */
function say(id, text) {
  const element = part(id, HTMLElement);
  element.textContent = text;
  element.hidden = !text;
}
