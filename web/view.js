/** Draws what there is to see: the state, failures, what tools changed, the turns' timings. It decides nothing. */
import { parts } from "./parts.js";
import { running, shown } from "./state.js";
import { duration, HINTS, SAY, spoken, STATES } from "./words.js";

const PRIVATE = /^(lk|earshot)\./;
const MOST_ROWS = 50;

/**
 * @typedef {object} Situation
 * @property {import("./state.js").CallState} state
 * @property {import("./words.js").Words | null} outcome  How the last call ended.
 * @property {string} link  What there is to say about the agent's connection to its model.
 * @property {boolean} muted
 * @property {boolean} hasMicrophone
 * @property {string[]} sources
 */

/** @param {Situation} situation */
export function drawState({ state, outcome, link, muted, hasMicrophone, sources }) {
  const now = shown(state);
  const isRunning = running(state);
  const focused = document.activeElement;
  const over = now === "ended" || now === "failed" ? outcome : null;
  document.body.dataset.state = now;
  parts.state.textContent = over?.state ?? STATES[now];
  parts.outcome.textContent = over && !over.failed ? over.advice : ""; // a failure's is in the alert
  parts.hint.textContent = hint(now, link, muted, hasMicrophone);
  parts.banner.hidden = now !== "reconnecting";
  parts.entry.hidden = isRunning;
  parts.typeInstead.hidden = isRunning || !sources.includes("microphone"); // then every call is one without
  parts.typeInstead.classList.toggle("secondary", outcome?.offersTyping ?? false);
  parts.typeInstead.textContent = outcome?.offersTyping ? "Carry on by typing" : "Type instead, without a microphone";
  parts.callText.textContent = isRunning ? "Hang up" : now === "idle" ? "Call" : "Call again";
  parts.meters.hidden = !isRunning;
  parts.mute.hidden = !isRunning || !hasMicrophone;
  parts.mute.setAttribute("aria-pressed", String(muted));
  parts.camera.hidden = state.stage !== "joined" || !sources.includes("camera");
  const hasScreen = navigator.mediaDevices && "getDisplayMedia" in navigator.mediaDevices;
  parts.screen.hidden = state.stage !== "joined" || !sources.includes("screen_share") || !hasScreen;
  parts.composer.hidden = !isRunning;
  parts.send.setAttribute("aria-disabled", String(!canType(state)));
  if (isRunning) parts.conversation.hidden = state.stage === "connecting"; // the last call's words stay until the next one
  keepFocus(focused);
}

/**
 * Whoever was at a control that is hidden now goes on at the button, which is always there.
 *
 * @param {Element | null} focused  The control, asked for before it was hidden: a browser may forget it at once.
 */
export function keepFocus(focused) {
  if (focused?.closest("[hidden]")) parts.call.focus();
}

/** @param {import("./state.js").CallState} state */
export function canType(state) {
  return ["listening", "thinking", "speaking"].includes(shown(state));
}

/**
 * @param {import("./state.js").Shown} now
 * @param {string} link
 * @param {boolean} muted
 * @param {boolean} hasMicrophone
 */
function hint(now, link, muted, hasMicrophone) {
  if (now === "connecting" && !hasMicrophone) return "";
  if (link && (now === "listening" || now === "thinking")) return link; // while it speaks, nobody misses the model
  if (now !== "listening" && now !== "speaking") return HINTS[now];
  if (!hasMicrophone) return SAY.noMicrophone;
  return muted ? SAY.muted : HINTS[now];
}

/**
 * Say what went wrong and what to do; nothing clears it.
 *
 * @param {string} title
 * @param {string} advice
 */
export function drawFailure(title = "", advice = "") {
  const lines = [["strong", title], ["span", advice]].filter(([, text]) => text);
  parts.failure.replaceChildren(
    ...lines.map(([tag, text]) => Object.assign(document.createElement(tag ?? "span"), { textContent: text })),
  );
}

/** @param {string[]} tools The names of those that run. */
export function drawTools(tools) {
  parts.tool.hidden = tools.length === 0;
  parts.tool.textContent = tools.map((name) => `${spoken(name)}…`).join(" ");
}

/**
 * What the agent's tools changed: the lights as a bulb, anything else as a name and a value.
 *
 * @param {Record<string, string>} attributes
 */
export function drawAttributes(attributes) {
  const lights = attributes.lights;
  const isBulb = lights === "on" || lights === "off";
  parts.lights.hidden = !isBulb;
  document.body.dataset.lights = isBulb ? lights : "";
  const text = parts.lights.querySelector("span");
  if (text) text.textContent = isBulb ? SAY.lights[lights] : "";
  const others = Object.entries(attributes).filter(([name]) => !PRIVATE.test(name) && !(isBulb && name === "lights"));
  parts.facts.replaceChildren(
    ...others.map(([name, value]) => {
      const fact = Object.assign(document.createElement("div"), { className: "chip" });
      fact.append(
        Object.assign(document.createElement("dt"), { textContent: spoken(name) }),
        Object.assign(document.createElement("dd"), { textContent: value }),
      );
      return fact;
    }),
  );
}

/** @param {import("./turns.js").Turn[]} turns */
export function drawTurns(turns) {
  const rows = turns.map((turn, index) => [
    String(index + 1),
    turn.answerMs === null ? "–" : duration(turn.answerMs / 1000),
    turn.bargeInMs === null ? "–" : duration(turn.bargeInMs / 1000),
    turn.told?.heard_to_sound_s == null ? "–" : duration(turn.told.heard_to_sound_s),
  ]);
  parts.turns.replaceChildren(
    ...rows.slice(-MOST_ROWS).map((cells) => {
      const row = document.createElement("tr");
      row.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
      return row;
    }),
  );
}

/**
 * What can be chosen before the call; where there is no choice, nothing is asked.
 *
 * @param {import("./door.js").Config} config
 */
export function drawConfig(config) {
  choices(
    parts.persona,
    config.personas.map(({ name, title }) => new Option(title, name, false, name === config.default_persona)),
  );
  const languages = config.languages.map(({ code, name }) => new Option(name, code));
  choices(parts.language, languages.length > 1 ? [new Option("As the agent likes", ""), ...languages] : languages);
  if (config.auth !== "open") parts.keyName.textContent = SAY.key[config.auth];
  field(parts.key).hidden = config.auth === "open";
  parts.asks.hidden = !config.sources.includes("microphone");
}

/**
 * @param {HTMLSelectElement} picker
 * @param {HTMLOptionElement[]} options
 */
function choices(picker, options) {
  picker.replaceChildren(...options);
  field(picker).hidden = options.length < 2;
}

/**
 * A control with its label.
 *
 * @param {HTMLElement} control
 */
export function field(control) {
  return control.closest("label") ?? control;
}
