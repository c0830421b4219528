/** What the conversation says about a tool that has run: its name, how it went, and in short what it got and returned. Pure. */
import { duration } from "./durations.js";
import { spoken } from "./words.js";

const LONGEST_ARGUMENTS = 120; // characters
const LONGEST_RESULT = 160;

/** @typedef {{text: string, detail: string}} ToolNote  `detail` is empty if there is nothing to tell. */

/**
 * @param {import("./room.js").AgentEvent} ended  The event `tool_ended` of docs/events.md.
 * @param {unknown} given  The `arguments` of its `tool_started`.
 * @returns {ToolNote}
 */
export function toolNote(ended, given) {
  const end = ended.status === "done" ? duration(Number(ended.took_s)) : ended.status === "error" ? "failed" : "cancelled";
  const result = short(String(ended.result ?? ""), LONGEST_RESULT);
  return {
    text: `${spoken(String(ended.name ?? ""))} · ${end}`,
    detail: [argumentsOf(given), result].filter((part) => part !== "").join(" → "),
  };
}

/**
 * The arguments as people read them. JSON that was cut is shown as it is.
 *
 * @param {unknown} json
 */
function argumentsOf(json) {
  if (typeof json !== "string") return "";
  try {
    const found = Object.entries(JSON.parse(json)).map(([name, value]) => `${spoken(name)}: ${plain(value)}`);
    return short(found.join(", "), LONGEST_ARGUMENTS);
  } catch {
    return short(json, LONGEST_ARGUMENTS);
  }
}

/** @param {unknown} value */
function plain(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * @param {string} text
 * @param {number} longest
 */
function short(text, longest) {
  const line = text.replaceAll(/\s+/g, " ").trim();
  const characters = [...line.slice(0, 2 * longest + 2)]; // by characters, so that none is cut in two
  return characters.length > longest ? `${characters.slice(0, longest - 1).join("")}…` : characters.join("");
}
