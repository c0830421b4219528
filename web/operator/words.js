/** Codes, times and amounts as people read them. Pure. */

/** @type {Record<string, string>} The reasons why a call ends (docs/events.md). */
export const ENDINGS = {
  caller_left: "Caller left",
  caller_lost: "Caller’s connection lost",
  hung_up: "Agent hung up",
  silence: "Nobody spoke",
  too_long: "Longest length",
  cost_cap: "Cost cap",
  nobody_joined: "Nobody joined",
  room_gone: "Room closed",
  shut_down: "Worker shut down",
  no_answer: "Model didn’t answer",
  model_failed: "Model’s session failed",
  model_refused: "Model’s service refused",
  model_unreachable: "Model unreachable",
  worker_failed: "Worker failed",
  no_worker: "No worker could go on",
  taken_over: "Taken over",
};

/** @type {Record<string, string>} What went wrong in a call (records/search.py). */
const FAULTS = {
  no_summary: "No summary",
  ending: "Unwanted ending",
  link: "Link lost",
  tool: "Tool failed",
  lost: "Input lost",
  recording: "Recording incomplete",
  broken_off: "Broken off",
};

/** @param {string} code */
export function faultInWords(code) {
  return FAULTS[code] ?? plain(code);
}

/** @param {string} code  A name such as `tool_started`. */
export function plain(code) {
  const words = code.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * LiveKit's response latency, from the end of the caller's speech; or, of older recordings, from their finished words.
 *
 * @param {import("./types.js").Summary | null} summary
 */
export function responseOf(summary) {
  return summary?.response_latency ?? summary?.response ?? null;
}

/** @param {import("./types.js").Call} call */
export function endingInWords(call) {
  const ending = call.summary?.ending;
  if (ending) return ENDINGS[ending] ?? plain(ending);
  return call.is_running ? "Is running" : "Broken off";
}

/** @param {import("./types.js").Call} call  @returns {"good" | "bad" | "runs"} */
export function endingKind(call) {
  if (!call.summary?.ending) return call.is_running ? "runs" : "bad";
  return call.summary.is_fault ? "bad" : "good";
}

/**
 * A position in a call, such as 1:02.5.
 *
 * @param {number} seconds
 * @param {number} digits  After the point.
 */
export function position(seconds, digits = 0) {
  const scale = 10 ** digits;
  const whole = Math.floor(Math.max(seconds, 0) * scale + 1e-6) / scale;
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = (whole % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** @param {number | null | undefined} seconds  A short time. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
}

/** @param {number | null | undefined} usd */
export function dollars(usd) {
  if (usd === null || usd === undefined) return "–";
  return `$${usd.toFixed(usd < 0.1 ? 4 : 2)}`;
}

/** @param {number} number  A count, with separators. */
export function count(number) {
  return number.toLocaleString("en");
}

/**
 * @param {string} iso  A time.
 * @param {"short" | "full"} form
 */
export function dateTime(iso, form) {
  const at = new Date(iso);
  return at.toLocaleString("en-GB", {
    weekday: form === "full" ? "long" : undefined,
    day: "numeric",
    month: form === "full" ? "long" : "short",
    year: form === "full" ? "numeric" : undefined,
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
}

/**
 * The times at which a day begins and ends, for people who are here.
 *
 * @param {string} day  Such as 2026-11-29.
 * @returns {{since: string, until: string} | null}
 */
export function bounds(day) {
  const [year, month, date] = day.split("-").map(Number);
  if (!year || !month || !date) return null;
  const [since, until] = [date, date + 1].map((each) => new Date(year, month - 1, each).toISOString());
  return since && until ? { since, until } : null;
}
