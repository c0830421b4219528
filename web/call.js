/** The page: one button, one call at a time. It hears what the call tells (room.js) and has it drawn (view.js). */
import { Captions } from "./captions.js";
import { Devices } from "./devices.js";
import { readConfig } from "./door.js";
import { Levels } from "./levels.js";
import { parts } from "./parts.js";
import { Call } from "./room.js";
import { Sound } from "./sound.js";
import { IDLE, next, running } from "./state.js";
import { canType, drawAttributes, drawConfig, drawFailure, drawState, drawTools, drawTurns, field, keepFocus } from "./view.js";
import { duration, LINK, SAY, spoken, waiting, worded } from "./words.js";

const captions = new Captions(parts.captions, parts.scroller);
const pickers = { audioinput: parts.microphone, audiooutput: parts.speaker };
const devices = new Devices(pickers, (isSilent) => drawFailure("", isSilent ? SAY.noMicrophoneLeft : SAY.deviceFailed));

let state = IDLE;
/** @type {import("./door.js").Config | null} */
let config = null;
/** @type {{call: Call, sound: Sound, levels: Levels} | null} */
let line = null;
/** @type {import("./words.js").Words | null} */
let outcome = null;
let link = "";
let muted = false;
let hasMicrophone = false;
/** @type {Map<string, string>} Tools that run: id to name. */
const tools = new Map();
let retryTimer = 0;
let retryAtMs = 0;

function draw() {
  drawState({ state, outcome, link, muted, hasMicrophone, sources: config?.sources ?? [] });
  drawRetry();
}

/** @param {import("./state.js").Fact} fact */
function learn(fact) {
  state = next(state, fact);
  draw();
}

/** @param {boolean} wantsMicrophone  It is opened if callers may use one here. */
async function begin(wantsMicrophone) {
  if (running(state) || performance.now() < retryAtMs) return;
  if (!field(parts.key).hidden && parts.key.value.trim() === "") {
    drawFailure("", SAY.needsKey);
    return parts.key.focus();
  }
  outcome = null;
  link = "";
  muted = false;
  hasMicrophone = wantsMicrophone && (config?.sources.includes("microphone") ?? false);
  captions.clear();
  drawFailure();
  drawTurns([]);
  drawAttributes({});
  parts.title.textContent = parts.persona.selectedOptions[0]?.text ?? parts.title.textContent;
  const sound = new Sound();
  const call = new Call((news) => line?.call === call && hear(news));
  line = { call, sound, levels: new Levels(() => sound.levels()) };
  devices.follow(call.room);
  learn({ type: "call" });
  await call.begin({
    microphone: hasMicrophone,
    microphoneId: devices.microphoneId,
    persona: parts.persona.value === config?.default_persona ? "" : parts.persona.value,
    language: parts.language.value,
    key: parts.key.value.trim(),
  });
}

/** @param {import("./room.js").News} news */
function hear(news) {
  switch (news.type) {
    case "microphone":
      muted = news.muted;
      line?.sound.caller(news.track);
      void devices.fill();
      return draw();
    case "agent_sound":
      return line?.sound.agent(news.track);
    case "joined":
      learn(news);
      return hasMicrophone ? undefined : startTyping();
    case "lost":
      drawFailure(); // whatever it was about, the banner knows better now
      return learn(news);
    case "agent_gone":
      tools.clear();
      drawTools([]);
      if (!state.lost) drawFailure("", SAY.agentGone);
      return learn(news);
    case "attributes":
      return drawAttributes(news.attributes);
    case "caption":
      return captions.show(news.caption);
    case "event":
      return hearEvent(news.event);
    case "blocked":
      return drawBlocked(news.blocked);
    case "shared":
      return preview(news.source, news.track);
    case "over":
      return over(news.ending);
    case "agent":
      if (state.agent === null) drawFailure();
      return learn(news);
    default:
      return learn(news);
  }
}

/** @param {boolean} blocked */
function drawBlocked(blocked) {
  const focused = document.activeElement;
  parts.listen.hidden = !blocked;
  keepFocus(focused);
}

/** Without a microphone the next thing is to type, unless the caller has gone to another control meanwhile. */
function startTyping() {
  if (document.activeElement === parts.call || document.activeElement === document.body) parts.line.focus();
}

/** @param {import("./room.js").AgentEvent} event */
function hearEvent(event) {
  const name = String(event.name ?? "");
  if (event.type === "tool_started") tools.set(String(event.id), name);
  if (event.type === "tool_ended") {
    tools.delete(String(event.id));
    captions.note(`${spoken(name)} · ${event.status === "done" ? duration(Number(event.took_s)) : event.status}`);
  }
  if (event.type === "turn") line?.sound.clock.told(/** @type {any} */ (event));
  if (event.type === "turn") learnOfLink("connected"); // whatever it was: there has been an answer
  if (event.type === "link") learnOfLink(String(event.kind), Number(event.gap_ms ?? 0));
  drawTools([...tools.values()]);
}

/**
 * @param {string} kind
 * @param {number} gapMs  The silence that the caller heard.
 */
function learnOfLink(kind, gapMs = 0) {
  if (gapMs > 0) captions.note(SAY.restored(duration(gapMs / 1000)));
  link = LINK[kind] ?? link;
  draw();
}

/** @param {import("./words.js").Ending} ending */
function over(ending) {
  const turns = line?.sound.clock.turns ?? [];
  line?.sound.close();
  line?.levels.close();
  line = null;
  tools.clear();
  drawTools([]);
  drawTurns(turns);
  parts.previews.replaceChildren();
  drawBlocked(false);
  outcome = worded(ending);
  if (outcome.failed) drawFailure(outcome.title, outcome.advice);
  else drawFailure();
  waitToRetry(outcome.retryAfterS);
  learn({ type: outcome.failed ? "failed" : "ended" });
}

/** @param {number} seconds */
function waitToRetry(seconds) {
  clearInterval(retryTimer);
  retryAtMs = performance.now() + seconds * 1000;
  if (seconds > 0) retryTimer = setInterval(draw, 1000);
}

function drawRetry() {
  const leftS = Math.ceil((retryAtMs - performance.now()) / 1000);
  const waits = leftS > 0 && !running(state);
  for (const button of [parts.call, parts.typeInstead]) button.setAttribute("aria-disabled", String(waits));
  if (waits) parts.callText.textContent = `Call again in ${waiting(leftS)}`;
  else clearInterval(retryTimer);
}

/**
 * @param {import("./sharing.js").Shared} source
 * @param {import("livekit-client").LocalTrack | null} track
 */
function preview(source, track) {
  parts.previews.querySelector(`[data-source=${source}]`)?.remove();
  const button = source === "camera" ? parts.camera : parts.screen;
  button.setAttribute("aria-pressed", String(track !== null));
  if (track === null) return;
  const video = track.attach();
  video.dataset.source = source;
  video.setAttribute("aria-label", source === "camera" ? "What your camera shows" : "What you share of your screen");
  parts.previews.append(video);
}

/**
 * Do something with this call. If that fails while the call goes on, it is said.
 *
 * @param {(call: Call) => Promise<void>} act
 * @param {string} failure
 * @returns {Promise<boolean>} Whether it was done.
 */
async function attempt(act, failure) {
  if (!line) return false;
  const { call } = line;
  try {
    await act(call);
    return true;
  } catch (error) {
    console.warn(error);
    if (line?.call === call) drawFailure("", failure);
    return false;
  }
}

/** @param {import("./sharing.js").Shared} source */
function share(source) {
  const button = source === "camera" ? parts.camera : parts.screen;
  const on = button.getAttribute("aria-pressed") !== "true";
  void attempt((call) => call.share(source, on), SAY.captureFailed);
}

/** @param {SubmitEvent} submit */
async function type(submit) {
  submit.preventDefault();
  const text = parts.line.value.trim();
  if (!line || !text || !canType(state)) return;
  const { sound } = line;
  const typedAtMs = performance.now();
  parts.line.value = "";
  const isSent = await attempt((call) => call.type(text), SAY.notSent);
  if (!isSent && parts.line.value === "") parts.line.value = text;
  if (!isSent || line?.sound !== sound) return;
  captions.typed(text);
  sound.clock.typed(typedAtMs);
}

async function open() {
  config = await readConfig().catch(() => null);
  if (config === null) {
    outcome = worded({ code: "no_config" });
    state = { ...IDLE, stage: "failed" };
    drawFailure(outcome.title, outcome.advice);
    return draw();
  }
  drawConfig(config);
  if (!window.isSecureContext) {
    outcome = worded({ code: "insecure" });
    drawFailure(outcome.title, outcome.advice);
  }
  await devices.fill();
  parts.call.disabled = parts.typeInstead.disabled = false;
  draw();
}

parts.call.addEventListener("click", (click) => {
  if (click.detail > 1) click.preventDefault(); // the second half of a double click must not hang up
});
parts.call.addEventListener("keydown", (key) => {
  if (key.repeat) key.preventDefault(); // nor a key that is held
});
parts.entry.addEventListener("submit", (submit) => {
  submit.preventDefault();
  if (running(state)) line?.call.end({ code: "hung_up_here" });
  else void begin(true);
});
parts.typeInstead.addEventListener("click", () => void begin(false));
parts.mute.addEventListener("click", () => void attempt((call) => call.mute(!muted), SAY.stillMuted));
parts.camera.addEventListener("click", () => share("camera"));
parts.screen.addEventListener("click", () => share("screen_share"));
parts.listen.addEventListener("click", () => {
  line?.sound.wake();
  void line?.call.room.startAudio();
});
parts.composer.addEventListener("submit", (submit) => void type(submit));
parts.announce.addEventListener("change", () => {
  parts.captions.setAttribute("aria-live", parts.announce.checked ? "polite" : "off");
});
window.addEventListener("pagehide", () => line?.call.end({ code: "hung_up_here" }));
setInterval(() => line && drawTurns(line.sound.clock.turns), 500);

/** For whoever looks at a call from the browser's console, tests among them. */
Object.defineProperty(window, "earshot", { value: { get room() { return line?.call.room ?? null; } } });

LivekitClient.setLogLevel("warn");
void open();
