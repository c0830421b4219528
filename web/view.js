/** Draws what there is to see: the state, failures, what tools changed, the turns' timings. It decides nothing. */
import { parts } from "./parts.js";
import { running, shown } from "./state.js";
import { HINTS, SAY, spoken, STATES } from "./words.js";

const PRIVATE = /^(lk|earshot)\./;

/**
 * @typedef {object} Situation
 * @property {import("./state.js").CallState} state
 * @property {import("./words.js").Words | null} outcome  How the last call ended.
 * @property {string} link  What there is to say about the agent's connection to its model.
 * @property {boolean} muted
 * @property {boolean} hasMicrophone
 * @property {{isOffered: boolean, isOn: boolean, isLatched: boolean}} talk  The button that is held to talk.
 * @property {boolean} mayUseMicrophone  Callers may publish one here.
 * @property {boolean} mayInterrupt  The caller's voice interrupts the agent.
 * @property {boolean} translates  The agent translates what the caller says, and takes no typed lines.
 */

/** @param {Situation} situation */
export function drawState(situation) {
  const { state, outcome, muted, hasMicrophone, mayUseMicrophone, talk, translates } = situation;
  const now = shown(state);
  const isRunning = running(state);
  const focused = document.activeElement;
  const over = now === "ended" || now === "failed" ? outcome : null;
  document.body.dataset.state = now;
  parts.callText.textContent = isRunning ? "Hang up" : now === "idle" ? "Call" : "Call again";
  const isByButton = talk.isOffered && hasMicrophone;
  parts.state.textContent = over?.state ?? (isByButton && now === "listening" && !talk.isOn ? SAY.talk.ready : STATES[now]);
  parts.outcome.replaceChildren(...(over && !over.failed ? sentences(over) : [])); // a failure's are in the alert
  parts.hint.textContent = hint(now, situation, isByButton);
  drawTalk(talk, isRunning && isByButton, muted, canType(state));
  parts.banner.hidden = now !== "reconnecting";
  parts.entry.hidden = isRunning;
  parts.typeInstead.hidden = isRunning || !mayUseMicrophone; // then every call is one without
  parts.typeInstead.classList.toggle("secondary", outcome?.offersTyping ?? false);
  parts.typeInstead.textContent = outcome?.offersTyping ? "Carry on by typing" : "Type instead, without a microphone";
  parts.meters.hidden = !isRunning;
  parts.mute.hidden = !isRunning || !hasMicrophone;
  parts.mute.setAttribute("aria-pressed", String(muted));
  parts.composer.hidden = !isRunning || translates;
  parts.send.setAttribute("aria-disabled", String(!canType(state)));
  // the last call's words stay until the next one
  document.body.classList.toggle("with-conversation", isRunning || parts.captions.childElementCount > 0);
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
 * @param {Situation} situation
 * @param {boolean} isByButton  The agent takes turns by the button that is held to talk.
 */
function hint(now, { link, muted, hasMicrophone, mayInterrupt, translates }, isByButton) {
  if (now === "connecting" && !hasMicrophone) return "";
  if (link && (now === "listening" || now === "thinking")) return link; // while it speaks, nobody misses the model
  if (now !== "listening" && now !== "speaking") return HINTS[now];
  if (!hasMicrophone) return translates ? SAY.translation.noMicrophone : SAY.noMicrophone;
  if (muted) return SAY.muted;
  if (translates) return SAY.translation[now];
  if (now === "speaking" && !mayInterrupt) return isByButton ? SAY.talk.finishes : SAY.finishes;
  if (isByButton) return now === "speaking" ? SAY.talk.interrupts : SAY.talk.hint;
  return HINTS[now];
}

/**
 * The button that is held to talk.
 *
 * @param {Situation["talk"]} talk
 * @param {boolean} isOffered
 * @param {boolean} muted
 * @param {boolean} isReady  The agent can be talked to now.
 */
function drawTalk({ isOn, isLatched }, isOffered, muted, isReady) {
  parts.talking.hidden = !isOffered;
  document.body.classList.toggle("with-talk-button", isOffered);
  parts.talk.setAttribute("aria-pressed", String(isOn));
  parts.talk.setAttribute("aria-disabled", String(muted || !isReady));
  const off = muted ? SAY.talk.muted : isReady ? SAY.talk.off : SAY.talk.notYet;
  parts.talkHint.textContent = isLatched ? SAY.talk.latched : isOn ? SAY.talk.held : off;
}

/**
 * Say what went wrong and what to do; nothing clears it.
 *
 * @param {{title?: string, message?: string, advice?: string}} words
 */
export function drawFailure({ title = "", message = "", advice = "" } = {}) {
  const strong = Object.assign(document.createElement("strong"), { textContent: title });
  const span = document.createElement("span");
  span.append(...sentences({ message, advice }));
  parts.failure.replaceChildren(...[strong, span].filter((line) => line.textContent));
}

/**
 * The other side's sentence and the page's: each in its own direction.
 *
 * @param {{message: string, advice: string}} words
 */
function sentences({ message, advice }) {
  const bdi = Object.assign(document.createElement("bdi"), { textContent: message });
  return [...(message ? [bdi] : []), ...(message && advice ? [" "] : []), advice];
}

/** @param {string[]} tools The names of those that run. */
export function drawTools(tools) {
  parts.tool.hidden = tools.length === 0;
  parts.tool.textContent = tools.map((name) => `${spoken(name)}…`).join(" ");
}

/**
 * The states that the agent's tools show (docs/events.md), each as its name and its value; `on` is highlighted.
 *
 * @param {Record<string, string>} attributes
 */
export function drawAttributes(attributes) {
  const states = Object.entries(attributes).filter(([name, value]) => !PRIVATE.test(name) && value !== "");
  parts.facts.replaceChildren(
    ...states.map(([name, value]) => {
      const fact = Object.assign(document.createElement("div"), { className: value === "on" ? "chip on" : "chip" });
      fact.dataset.name = name;
      fact.append(
        Object.assign(document.createElement("dt"), { textContent: spoken(name) }),
        Object.assign(document.createElement("dd"), { textContent: value, dir: "auto" }),
      );
      return fact;
    }),
  );
  parts.attributes.hidden = states.length === 0;
}

/**
 * What the call has used, and what that costs, by an event `usage` (docs/events.md); null: nothing yet.
 *
 * @param {import("./room.js").AgentEvent | null} event
 */
export function drawSpent(event) {
  const total = /** @type {Record<string, any>} */ (event?.total ?? {});
  const voiced = [...Object.values(total.input_tokens ?? {}), ...Object.values(total.output_tokens ?? {})];
  const counts = [...voiced, total.thoughts_tokens, total.tool_use_tokens].map((count) => Number(count) || 0);
  const tokens = counts.reduce((sum, count) => sum + count, 0);
  const usd = typeof event?.total_usd === "number" ? event.total_usd : null;
  parts.spent.hidden = tokens === 0;
  parts.spent.textContent = SAY.spent(tokens, usd);
}

/**
 * Who answers: the model, or the emulator.
 *
 * @param {Record<string, string>} attributes  The agent's.
 */
export function drawBadge(attributes) {
  const who = { model: attributes["earshot.model"], service: attributes["earshot.service"] };
  parts.badge.textContent = SAY.badge(who);
  parts.badge.title = who.model ?? "";
  parts.badge.dataset.service = who.service ?? "";
  parts.badge.hidden = parts.badge.textContent === "";
}

/**
 * What can be chosen before the call; where there is no choice, nothing is asked.
 *
 * @param {import("./token_server.js").Config} config
 */
export function drawConfig(config) {
  choices(
    parts.persona,
    config.personas.map(({ name, title }) => option(title, name, name === config.default_persona)),
  );
  const languages = config.languages.map(({ code, name }) => option(name, code));
  choices(parts.language, languages.length > 1 ? [option(SAY.automatic, ""), ...languages] : languages);
  if (config.auth !== "open") parts.keyName.textContent = SAY.key[config.auth];
  field(parts.key).hidden = config.auth === "open";
  parts.wishes.hidden = [parts.persona, parts.language, parts.key].every((control) => field(control).hidden);
  parts.asks.hidden = !config.sources.includes("microphone");
  parts.recording.textContent = config.recording ? SAY.recording[config.recording] : "";
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
 * A choice, in its own direction: a name in Arabic goes from right to left.
 *
 * @param {string} text
 * @param {string} value
 * @param {boolean} isChosen
 */
export function option(text, value, isChosen = false) {
  return Object.assign(new Option(text, value, false, isChosen), { dir: "auto" });
}

/**
 * A control with its label.
 *
 * @param {HTMLElement} control
 */
export function field(control) {
  return control.closest("label") ?? control;
}
