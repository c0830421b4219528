/** The page: one button, one call at a time. It hears what the call tells (room.js) and has it drawn (view.js). */
import { turnsOf } from "./agents.js";
import { waiting } from "./durations.js";
import { Extras } from "./extras.js";
import { optional } from "./optional.js";
import { parts } from "./parts.js";
import { Call } from "./room.js";
import { IDLE, next, running } from "./state.js";
import { Talk } from "./talk.js";
import { TokenServerError, readConfig } from "./token_server.js";
import { canType, drawConfig, drawFailure, drawState, field, keepFocus } from "./view.js";
import { LINK, SAY, worded } from "./words.js";

/** @typedef {import("./extras.js").PageEvent} PageEvent */

const extras = new Extras((advice) => drawFailure({ advice }));
const talk = new Talk(drawTalk, (advice) => drawFailure({ advice }));

let state = IDLE;
/** @type {import("./token_server.js").Config | null} */
let config = null;
/** @type {Call | null} */
let currentCall = null;
/** @type {import("./words.js").Words | null} */
let outcome = null;
let link = "";
/** @type {"" | "audience" | "line_dropped"} The event of the agent's whose advice is shown. */
let notTaken = "";
let muted = false;
let hasMicrophone = false;
let turns = turnsOf({});
let retryTimer = 0;
let retryAtMs = 0;

/** @param {PageEvent} pageEvent */
function hear(pageEvent) {
  optional("a step of the call", () => act(pageEvent));
  optional("the button to talk", () => talk.hear(pageEvent));
  extras.hear(pageEvent);
}

function draw() {
  talk.enable(hasMicrophone && !muted && canType(state));
  const mayUseMicrophone = config?.sources.includes("microphone") ?? false;
  drawState({ state, outcome, link, muted, hasMicrophone, mayUseMicrophone, ...turns, talk });
  drawRetry();
}

/** Whoever has just called would hang up with the space bar: the button to talk comes first. */
function drawTalk() {
  const wasHidden = parts.talking.hidden;
  draw();
  if (wasHidden && !parts.talking.hidden && document.activeElement === parts.call) parts.talk.focus();
  extras.hear({ type: "talk", isHeard: !talk.isOffered || talk.isOn });
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
    drawFailure({ advice: SAY.needsKey });
    return parts.key.focus();
  }
  outcome = null;
  link = "";
  notTaken = "";
  muted = false;
  turns = turnsOf({});
  hasMicrophone = wantsMicrophone && (config?.sources.includes("microphone") ?? false);
  drawFailure();
  parts.title.textContent = parts.persona.selectedOptions[0]?.text ?? parts.title.textContent;
  learn({ type: "call" });
  const call = new Call((pageEvent) => currentCall === call && hear(pageEvent));
  currentCall = call;
  hear({ type: "begun", room: call.room });
  await call.begin({
    microphone: hasMicrophone,
    microphoneId: extras.microphoneId,
    persona: parts.persona.value === config?.default_persona ? "" : parts.persona.value,
    language: parts.language.value,
    key: parts.key.value.trim(),
  });
}

/**
 * Call. What nobody has thought of is said, too, instead of nothing.
 *
 * @param {boolean} wantsMicrophone
 */
async function start(wantsMicrophone) {
  try {
    await begin(wantsMicrophone);
  } catch (error) {
    console.error(error);
    if (currentCall) currentCall.end({ code: "unknown" });
    else over({ code: "unknown" });
  }
}

/**
 * What the call itself is about: its state, and what is said about it.
 *
 * @param {PageEvent} pageEvent
 */
function act(pageEvent) {
  switch (pageEvent.type) {
    case "microphone":
      muted = pageEvent.muted;
      return draw();
    case "joined":
      learn(pageEvent);
      return hasMicrophone ? undefined : startTyping();
    case "lost":
      drawFailure(); // whatever it was about, the banner knows better now
      return learn(pageEvent);
    case "agent_gone":
      if (!state.lost) drawFailure({ advice: SAY.agentGone });
      return learn(pageEvent);
    case "agent":
      if (state.agent === null) drawFailure();
      return learn(pageEvent);
    case "back":
      return learn(pageEvent);
    case "attributes":
      turns = turnsOf(pageEvent.attributes);
      return draw();
    case "event":
      return learnOfEvent(pageEvent.event);
    case "blocked":
      return drawBlocked(pageEvent.blocked);
    case "over":
      return over(pageEvent.ending);
    default:
      return undefined;
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
function learnOfEvent(event) {
  if (event.type === "turn") learnOfLink("connected"); // whatever it was: there has been an answer
  if (event.type === "link") learnOfLink(String(event.kind));
  if (event.type === "persona_replaced") {
    const near = String(event.did_you_mean ?? "");
    drawFailure({ advice: SAY.otherPersona(String(event.asked), String(event.instead), near) });
  }
  if (event.identity === currentCall?.room.localParticipant.identity) learnOfCaller(event.type, String(event.reason));
}

/**
 * Whether the agent takes what this caller says and types.
 *
 * @param {string} type  Of the event that names this caller.
 * @param {string} reason
 */
function learnOfCaller(type, reason) {
  if (type === "caller") return takenAgain();
  if (type !== "audience" && type !== "line_dropped") return;
  if (reason === "may_not_speak" && !hasMicrophone) return; // the hint says that this call is a written one
  if (!SAY.notTaken[reason]) return;
  notTaken = type;
  drawFailure({ advice: SAY.notTaken[reason] });
}

/** Take back the advice of `learnOfCaller`. */
function takenAgain() {
  if (notTaken) drawFailure();
  notTaken = "";
}

/** @param {string} kind */
function learnOfLink(kind) {
  link = LINK[kind] ?? link;
  draw();
}

/** @param {import("./words.js").Ending} ending */
function over(ending) {
  currentCall = null;
  outcome = worded(ending);
  state = next(state, { type: outcome.failed ? "failed" : "ended" }); // before all that is drawn, which may fail
  waitToRetry(outcome.retryAfterS);
  optional("the end of the call", draw);
  optional("the button for the sound", () => drawBlocked(false));
  drawFailure(outcome.failed ? outcome : {});
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
 * Do something with this call. If that fails while the call goes on, it is said.
 *
 * @param {(call: Call) => Promise<void>} act
 * @param {string} failure
 * @returns {Promise<boolean>} Whether it was done.
 */
async function attempt(act, failure) {
  if (!currentCall) return false;
  const call = currentCall;
  try {
    await act(call);
    return true;
  } catch (error) {
    console.warn(error);
    if (currentCall === call) drawFailure({ advice: failure });
    return false;
  }
}

/** @param {SubmitEvent} submit */
async function type(submit) {
  submit.preventDefault();
  const text = parts.line.value.trim();
  if (!currentCall || !text || !canType(state)) return;
  const call = currentCall;
  const typedAtMs = performance.now();
  parts.line.value = "";
  const isSent = await attempt(() => call.type(text), SAY.notSent);
  if (!isSent && parts.line.value === "") parts.line.value = text;
  if (!isSent || currentCall !== call) return;
  if (notTaken === "line_dropped") takenAgain(); // that was about the line before
  extras.hear({ type: "typed", text, atMs: typedAtMs });
}

async function open() {
  config = await readConfig();
  drawConfig(config);
  if (!window.isSecureContext) {
    outcome = worded({ code: "insecure" });
    drawFailure(outcome);
  }
  parts.call.disabled = parts.typeInstead.disabled = false;
  draw();
  extras.hear({ type: "opened" });
}

/** @param {unknown} error  Why nobody can call here. */
function closed(error) {
  if (!(error instanceof TokenServerError)) console.error(error);
  outcome = worded({ code: error instanceof TokenServerError ? "no_config" : "no_start" });
  state = { ...IDLE, stage: "failed" };
  drawFailure(outcome);
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
  if (running(state)) currentCall?.end({ code: "hung_up_here" });
  else void start(true);
});
parts.typeInstead.addEventListener("click", () => void start(false));
parts.mute.addEventListener("click", () => void attempt((call) => call.mute(!muted), SAY.stillMuted));
parts.listen.addEventListener("click", () => {
  extras.wake();
  void attempt((call) => call.room.startAudio(), SAY.stillQuiet);
});
parts.composer.addEventListener("submit", (submit) => void type(submit));
parts.announce.addEventListener("change", () => {
  parts.captions.setAttribute("aria-live", parts.announce.checked ? "polite" : "off");
});
window.addEventListener("pagehide", () => currentCall?.end({ code: "hung_up_here" }));

/** For whoever looks at a call from the browser's console, tests among them. */
Object.defineProperty(window, "earshot", { value: { get room() { return currentCall?.room ?? null; } } });

LivekitClient.setLogLevel("warn");
document.documentElement.dataset.started = "";
if (!("lacks" in document.documentElement.dataset)) open().catch(closed); // start.js says what is lacking
