/**
 * Every sentence that the page shows and that changes: states, and why a call ended or failed, with what to do.
 *
 * @typedef {object} Ending
 * @property {string} code  A key of `ENDINGS` or `FAILURES`.
 * @property {string} [failure]  The cause for which the connection to Gemini failed (docs/events.md).
 * @property {string} [message]  What the other side says about it, in a sentence for people.
 * @property {number} [retryAfterS]  Until then it is no use to try again.
 *
 * @typedef {object} Words
 * @property {boolean} failed
 * @property {string} state  What the status says.
 * @property {string} title
 * @property {string} message  What the other side says about it.
 * @property {string} advice
 * @property {boolean} offersTyping  The call would work without a microphone.
 * @property {number} retryAfterS
 */

const WORKER = "Is the worker running? If the demo was ended, start it again with “make demo”.";

/** @type {Record<import("./state.js").Shown, string>} */
export const STATES = {
  idle: "Ready when you are",
  connecting: "Connecting…",
  waiting: "Waiting for the agent…",
  listening: "Listening",
  thinking: "Thinking…",
  speaking: "Speaking",
  reconnecting: "Reconnecting…",
  ended: "The call has ended",
  failed: "The call failed",
};

/** @type {Record<import("./state.js").Shown, string>} */
export const HINTS = {
  idle: "",
  connecting: "If the browser asks for the microphone, allow it.",
  waiting: "It usually takes a second or two.",
  listening: "Say something, or type.",
  thinking: "",
  speaking: "You can interrupt at any time: just talk.",
  reconnecting: "",
  ended: "",
  failed: "",
};

/**
 * What the agent's connection to its model is up to, by the `kind` of docs/events.md, where callers may want to know; an empty
 * text is the end of it. Kinds that aren't here change nothing.
 *
 * @type {Record<string, string>}
 */
export const LINK = {
  lost: "The connection to the model was lost. One moment…",
  retrying: "The model can’t be reached. Trying again…",
  waiting: "The answer takes longer than usual. One moment…",
  connected: "",
  restored: "",
  handed_over: "",
  failed: "",
};

export const SAY = {
  needsKey: "Enter the key first: this server lets in only who has one.",
  key: { key: "Access key", jwt: "Your sign-in token" },
  /** In a call whose agent takes turns by a button: what the status says, and what there is to do. */
  talk: {
    ready: "Ready",
    hint: "The agent hears you while you hold the button.",
    interrupts: "Press the button to interrupt.",
    finishes: "The agent finishes what it says. What you say while you hold the button is answered next.",
    off: "Or hold the space bar. A short tap stays on.",
    held: "The agent hears you. Let go to send it.",
    latched: "The agent hears you. Press again to send it.",
    muted: "Your microphone is muted: switch it on to talk.",
    notYet: "One moment…",
  },
  /** In a call whose agent translates: what there is to do. */
  translation: {
    listening: "Say something: the agent translates it.",
    speaking: "You can speak on: the agent translates while you talk.",
    noMicrophone: "No microphone in this call: the agent hears nothing to translate.",
  },
  notPressed: "The agent didn’t notice the button. Press it again.",
  talkedTooLong: "The agent has stopped listening after five minutes. Press the button again to go on.",
  muted: "Your microphone is muted: the agent doesn’t hear you.",
  finishes: "The agent finishes what it says. It hears you meanwhile, and answers next.",
  noMicrophone: "No microphone in this call: type to the agent.",
  stillMuted: "The microphone can’t be opened: you stay muted. Choose another one below, or type.",
  stillQuiet: "The browser still plays no sound. Look for a muted speaker in its address bar, or read the captions.",
  notSent: "That wasn’t sent: try again.",
  notReady: "Not ready for a call",
  notStarted: "The call didn’t start",
  automatic: "Automatic",
  /** @type {Record<"on" | "off", string>} What the operator says about recordings (`TOKEN_RECORDING`). */
  recording: { on: "The call is recorded.", off: "The call is not recorded." },
  deviceFailed: "That device can’t be used: the one before is in use again.",
  noMicrophoneLeft: "Neither that microphone nor the one before can be opened. The agent hears nothing: choose another.",
  /** @type {Record<string, string>} By the `reason` of `audience` and `line_dropped` (docs/events.md). */
  notTaken: {
    another_caller: "The agent talks with somebody else in this room: it doesn’t hear you.",
    may_not_speak: "You may not speak in this call: type to the agent.",
    sound_refused: "The agent may not hear your microphone: type to it.",
    not_the_caller: "The agent didn’t take that line: it talks with somebody else in this room.",
    too_many: "The agent didn’t take that line: there were too many at once. Wait a few seconds and send it again.",
    sound_alone: "The agent didn’t take that line: it translates what you say, not what you type.",
  },
  /**
   * @param {string} asked
   * @param {string} instead
   * @param {string} near  A name that may have been meant, or nothing.
   */
  otherPersona: (asked, instead, near) =>
    `The agent has no persona “${asked}”: “${instead}” answers.${near ? ` Did you mean “${near}”?` : ""}`,
  agentGone: "The agent left without a goodbye. If another one takes the call over, it goes on here.",
  /**
   * Who answers: the model's name, or that no Gemini is involved.
   *
   * @param {{model?: string, service?: string}} who  By the attributes `earshot.model` and `earshot.service` (docs/events.md).
   */
  badge: ({ model = "", service = "" }) => {
    if (service === "emulator") return "Emulator, offline";
    return service === "vertex" && model ? `${model} on Vertex` : model;
  },
  interrupted: "interrupted",
  transcript: {
    copy: "Copy",
    copied: "Copied",
    announced: "The conversation was copied.",
    failed: "Not copied",
  },
  /** @param {string[]} answers */
  latencies: (answers) => `Latency of the last ${answers.length} answers: ${answers.join(", ")}`,
  /** @param {string} gap */
  restored: (gap) => `the model is back · ${gap} of silence`,
  sources: "Sources",
  /** @param {string} query */
  search: (query) => `Search with Google: ${query}`,
  code: "The model ran code",
  codeResult: "What the code returned",
  /**
   * @param {number} tokens
   * @param {number | null} usd  null: no prices of the model are known.
   */
  spent: (tokens, usd) => {
    const counted = `This call so far: ${tokens.toLocaleString("en-US")} tokens`;
    return usd === null ? `${counted}.` : `${counted}, about $${usd.toFixed(4)}.`;
  },
  /** @param {string} away  The time since the loss of the agent was noticed. */
  resumed: (away) => `the agent was lost · it is back after ${away}`,
  /** @param {string} reason  A word of Gemini's, such as RESPONSE_REJECTED. */
  endedFor: (reason) => `the model ended its answer · ${spoken(reason.slice(0, 100)).toLowerCase()}`,
  noCamera: "The camera can’t be opened. Allow it in the site settings, or close the program that uses it.",
  unseen: {
    camera: "Your camera is on. The agent doesn’t see it now.",
    screen_share: "Your screen is shared. The agent doesn’t see it now.",
  },
  seen: {
    camera: "The agent sees your camera: still pictures, one a second at most.",
    screen_share: "The agent sees your screen: still pictures, one a second at most.",
  },
  /** What the agent has asked of this page. */
  client: {
    located: "the agent was told where you are",
    locationRefused: "the agent asked where you are · not allowed in this browser",
    notLocated: "the agent asked where you are · not known here",
    /** @param {string} text */
    copied: (text) => `copied · ${text.length > 80 ? `${text.slice(0, 79)}…` : text}`,
    copy: "Copy this text",
  },
  you: "You",
  agent: "Agent",
};

/** @type {Record<string, [title: string, advice: string]>} */
const ENDINGS = {
  hung_up_here: ["You hung up", ""],
  told: ["The call has ended", "Call again whenever you like."],
  room_deleted: ["The call was ended", "Call again whenever you like."],
  removed: ["You were removed from the call", "Somebody who may do so took you out of the room."],
  elsewhere: ["The call goes on elsewhere", "You joined with the same name from another window or device."],
};

/** @type {Record<string, [title: string, advice: string]>} */
const FAILURES = {
  insecure: [
    "This address can’t use a microphone",
    "Browsers open the microphone on https:// or on localhost only. Open the page there, or carry on by typing.",
  ],
  microphone_refused: [
    "The microphone was refused",
    "Allow it in the site settings, beside the address bar, and call again. Or carry on by typing.",
  ],
  microphone_missing: ["No microphone was found", "Connect one and call again. Or carry on by typing."],
  microphone_unsupported: [
    "This browser gives no microphone to pages",
    "Open this page in Chrome, Edge, Firefox or Safari itself, not inside another app. Or carry on by typing.",
  ],
  microphone_busy: [
    "The microphone is in use",
    "Another program holds it. Close that program and call again. Or carry on by typing.",
  ],
  microphone_other: ["The microphone can’t be opened", "Try another one, or restart the browser. Or carry on by typing."],
  no_config: ["The page can’t reach its server", "Check that it is running (“make demo”) and reload the page."],
  no_start: ["The page can’t start", "Reload it. The browser’s console has the details."],
  token_server_unreachable: [
    "The token server doesn’t answer",
    "Check your connection and that it is running, then call again.",
  ],
  token_refused: ["You were not let in", ""],
  sfu_unreachable: [
    "The call server doesn’t answer",
    "The token server was reached, LiveKit was not. Check that it is running and that no firewall is in between.",
  ],
  sfu_refused: ["The call server refused the call", "The token may be too old, or signed for another server. Call again."],
  no_media: [
    "No sound gets through",
    "LiveKit was reached, but its media port was not. A firewall or VPN may block it: try another network.",
  ],
  no_media_firefox: [
    "No sound gets through",
    "Firefox needs a private address of this machine, for it uses no loopback address. Connect the machine to a network and " +
      "start the demo again with “make demo”, or use another browser.",
  ],
  no_agent: ["No agent joined", WORKER],
  agent_left: ["The agent left the call", "Something ended it without a goodbye, and no other agent came. Call again."],
  model_failed: ["The agent’s model failed", "Call again in a moment."],
  model_refused: ["The agent’s model refused the call", "Call again later. The agent’s log has the details."],
  model_unreachable: ["The agent’s model can’t be reached", "Call again in a few minutes."],
  worker_failed: ["The agent failed", "Call again. Its log has the details."],
  no_answer: ["The agent didn’t answer", "Call again in a moment."],
  connection_lost: ["The connection was lost", "It couldn’t be restored. Check your network, then call again."],
  server_shut_down: ["The call server was shut down", "Call again in a moment."],
  unknown: ["Something went wrong", "Call again. The browser’s console has the details."],
};

/**
 * By the cause for which the connection to Gemini failed for good. Whoever calls may not be the one who runs the agent.
 *
 * @type {Record<string, [title: string, advice: string]>}
 */
const GEMINI_FAILURES = {
  key: ["Gemini refused the agent’s API key", "If you run the agent: check GOOGLE_API_KEY in its .env, and start it again."],
  token_expired: [
    "The agent’s ephemeral token has expired",
    "If you run the agent: make a new one with “python -m agent.gemini token”, and start it again.",
  ],
  token_used_up: [
    "The agent’s ephemeral token is used up",
    "If you run the agent: make a new one with “python -m agent.gemini token”, and start it again.",
  ],
  quota: [
    "The agent’s quota at Gemini is used up",
    "Call again later. If you run the agent: Google shows the quota of your key, and raises it.",
  ],
  model: [
    "Gemini doesn’t serve the agent’s model",
    "If you run the agent: check GEMINI_MODEL; “python -m agent.gemini models” lists the known ones.",
  ],
  location: [
    "Gemini isn’t available where the agent runs",
    "If you run the agent: run it elsewhere, or with Vertex set GOOGLE_CLOUD_LOCATION.",
  ],
  settings: ["Gemini refused a setting of the agent", "If you run the agent: its log has Gemini’s own sentence about it."],
  unreachable: [
    "The agent can’t reach Gemini",
    "Call again in a few minutes. If you run the agent: check its network and HTTPS_PROXY.",
  ],
  mute: ["Gemini didn’t answer the agent", "Call again in a moment."],
};

const NOT_READY = new Set(["no_config", "no_start"]);
const NOT_STARTED = /^(insecure|microphone_.*|token_.*|sfu_.*|no_media)$/;
const OFFERS_TYPING = /^(insecure|microphone_.*)$/;

const FIREFOX = / Firefox\//; // not that of iOS, which is a Safari and says FxiOS
const LOOPBACK = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * Why a call ended, in words.
 *
 * @param {Ending} ending
 * @param {{hostname: string, userAgent: string}} place  Where the page is, and in which browser.
 * @returns {Words}
 */
export function worded(ending, place = { hostname: location.hostname, userAgent: navigator.userAgent }) {
  const needsAddress = ending.code === "no_media" && FIREFOX.test(place.userAgent) && LOOPBACK.test(place.hostname);
  const calm = ENDINGS[ending.code];
  const ofGemini = Object.hasOwn(GEMINI_FAILURES, ending.failure ?? "") ? GEMINI_FAILURES[ending.failure ?? ""] : undefined;
  const failure = ofGemini ?? FAILURES[needsAddress ? "no_media_firefox" : ending.code];
  const [title, advice] = calm ?? failure ?? /** @type {[string, string]} */ (FAILURES.unknown);
  return {
    failed: calm === undefined,
    state: calm ? title : failedState(ending.code),
    title,
    message: ofGemini ? "" : sentence(ending.message ?? ""), // the title says it
    advice,
    offersTyping: OFFERS_TYPING.test(ending.code),
    retryAfterS: ending.retryAfterS ?? 0,
  };
}

/** @param {string} code */
function failedState(code) {
  if (NOT_READY.has(code)) return SAY.notReady;
  return NOT_STARTED.test(code) ? SAY.notStarted : STATES.failed;
}

/**
 * A tool's name as people say it: `turn_on_the_lights` is "turn on the lights".
 *
 * @param {string} name
 */
export function spoken(name) {
  return name.replaceAll(/[_-]+/g, " ").trim();
}

/** @param {string} text */
function sentence(text) {
  const trimmed = text.trim();
  if (trimmed === "") return "";
  const closed = /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
  return closed.charAt(0).toUpperCase() + closed.slice(1);
}
