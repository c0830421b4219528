/** The events of a call (docs/events.md) as people read them. Pure. */
import { dollars, duration, plain } from "./words.js";

/** @typedef {import("./types.js").CallEvent} CallEvent */
/**
 * @typedef {object} Told  What happened, with everything that belongs together.
 * @property {number} start  In seconds.
 * @property {number} end
 * @property {"tool" | "link" | "answer" | "other" | "count"} kind
 * @property {"" | "good" | "bad" | "warns"} mood
 * @property {number} [waited]  The caller's wait for an answer, in seconds.
 * @property {string} title
 * @property {string} detail
 * @property {[string, string][]} more  Long texts: their names and themselves.
 */

const COUNTS = new Set(["usage", "context"]);
const LONG = new Set(["arguments", "result", "code", "output", "text"]);
const BAD_LINK = new Set(["lost", "failed", "retrying", "dropped"]);
const GOOD_LINK = new Set(["connected", "restored", "handed_over"]);

/**
 * What happened in a call: a tool's beginning and end are one thing, and so are a loss of the link and its end.
 *
 * @param {CallEvent[]} events
 * @returns {Told[]}
 */
export function told(events) {
  /** @type {Map<string, Told>} */
  const running = new Map();
  /** @type {Told | null} */
  let loss = null;
  /** @type {Told[]} */
  const found = [];
  for (const event of events) {
    const before = running.get(String(event.id));
    if (event.type === "tool_ended" && before) {
      finish(before, event);
      running.delete(String(event.id));
      continue;
    }
    const one = describe(event);
    if (event.type === "tool_started") running.set(String(event.id), one);
    if (event.type === "link" && event.kind === "lost") loss = one;
    if (event.type === "link" && loss && (event.kind === "restored" || event.kind === "failed")) {
      loss.end = event.t;
      loss = null;
    }
    found.push(one);
  }
  return found;
}

/** @param {Told} tool  @param {CallEvent} ended */
function finish(tool, ended) {
  tool.end = ended.t;
  tool.mood = ended.status === "done" ? "good" : ended.status === "error" ? "bad" : "warns";
  const took = duration(number(ended.took_s));
  tool.detail = ended.status === "done" ? took : `${ended.status} · ${took}`;
  tool.more.push(...longTexts(ended));
}

/** @param {CallEvent} event  @returns {Told} */
function describe(event) {
  const { t, type } = event;
  /** @type {Told} */
  const one = { start: t, end: t, kind: "other", mood: "", title: plain(type), detail: facts(event), more: longTexts(event) };
  if (type === "tool_started" || type === "tool_ended") {
    const detail = type === "tool_ended" ? String(event.status ?? "") : "no end";
    return { ...one, kind: "tool", title: String(event.name ?? "tool"), detail };
  }
  if (type === "turn") return answer(one, event);
  if (type === "link") return link(one, event);
  if (COUNTS.has(type)) {
    return { ...one, kind: "count", detail: counts(event), more: [["numbers", JSON.stringify(event, null, 1)]] };
  }
  if (type === "call_ended") return { ...one, detail: String(event.text ?? event.reason ?? ""), more: [] };
  if (type === "sources") return sources(one, event);
  return one;
}

/** @param {Told} one  @param {CallEvent} event  @returns {Told} */
function answer(one, event) {
  const spoke = number(event.spoke_s) ?? 0;
  const waited = number(event.response_latency_s) ?? number(event.heard_to_sound_s);
  const began = Math.max(one.end - spoke, 0);
  return {
    ...one,
    ...(waited === null ? null : { waited }),
    kind: "answer",
    start: waited === null ? began : Math.max(began - waited, 0),
    end: waited === null ? one.end : began,
    mood: event.interrupted ? "warns" : "",
    title: waited === null ? "Agent spoke" : `Answer after ${duration(waited)}`,
    detail: [`spoke ${duration(spoke)}`, event.interrupted ? "was interrupted" : ""].filter(Boolean).join(" · "),
  };
}

/** @param {Told} one  @param {CallEvent} event  @returns {Told} */
function link(one, event) {
  const kind = String(event.kind);
  return {
    ...one,
    kind: "link",
    mood: BAD_LINK.has(kind) ? "bad" : GOOD_LINK.has(kind) ? "good" : "warns",
    title: `Link ${plain(kind).toLowerCase()}: ${plain(String(event.cause)).toLowerCase()}`,
    detail: facts(event, ["kind", "cause"]),
  };
}

/** @param {Told} one  @param {CallEvent} event  @returns {Told} */
function sources(one, event) {
  const list = Array.isArray(event.sources) ? event.sources : [];
  const lines = list.map((source) => `${source?.title || "source"}: ${source?.url ?? ""}`);
  const detail = `${list.length} web ${list.length === 1 ? "page" : "pages"}`;
  return { ...one, detail, more: lines.length ? [["pages", lines.join("\n")]] : [] };
}

/** @param {CallEvent} event */
function counts(event) {
  if (event.type === "context") return `${number(event.after_tokens) ?? 0} tokens`;
  return number(event.total_usd) === null ? "" : `${dollars(number(event.total_usd))} so far`;
}

/**
 * The short fields of an event.
 *
 * @param {CallEvent} event
 * @param {string[]} [known]  Fields that are told otherwise.
 */
function facts(event, known = []) {
  const skipped = new Set(["t", "type", "id", ...known]);
  return Object.entries(event)
    .filter(([name, value]) => !skipped.has(name) && !LONG.has(name) && value !== "" && typeof value !== "object")
    .map(([name, value]) => fact(name, value))
    .join(" · ");
}

/** @param {string} name  @param {unknown} value */
function fact(name, value) {
  const small = name.replaceAll("_", " ");
  if (name.endsWith("_ms") && typeof value === "number") return `${small.slice(0, -3)} ${duration(value / 1000)}`;
  if (name.endsWith("_s") && typeof value === "number") return `${small.slice(0, -2)} ${duration(value)}`;
  return value === true ? small : `${small}: ${value === false ? "no" : value}`;
}

/** @param {CallEvent} event  @returns {[string, string][]} */
function longTexts(event) {
  return Object.entries(event)
    .filter(([name, value]) => LONG.has(name) && typeof value === "string" && value !== "")
    .map(([name, value]) => [name, String(value)]);
}

/** @param {unknown} value */
function number(value) {
  return typeof value === "number" ? value : null;
}
