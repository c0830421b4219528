/** How long the caller waited: the newest answer, a small curve of the last ones, and a table of all. */
import { seconds } from "./durations.js";
import { parts } from "./parts.js";
import { SAY } from "./words.js";

const MOST_ROWS = 50;
const MOST_POINTS = 20;
const [WIDTH, HEIGHT, MARGIN] = [96, 24, 3]; // of the curve's viewBox
const LEAST_SPAN_MS = 300; // so that a steady latency is drawn as a steady line

/** @param {import("./turns.js").Turn[]} turns */
export function drawLatency(turns) {
  const rows = turns.map(measuresOf).filter((measures) => measures.some((measure) => measure !== null));
  drawTable(rows);
  drawCurve(rows.flatMap(([answer]) => answer ?? []));
}

/**
 * In seconds, in the order of the table's columns; null: not measured. A greeting answers nobody and has no measures.
 *
 * @param {import("./turns.js").Turn} turn
 * @returns {(number | null)[]}
 */
function measuresOf({ answerMs, bargeInMs, told }) {
  const [answer, bargeIn] = [answerMs, bargeInMs].map((ms) => (ms === null ? null : ms / 1000));
  return [answer ?? null, bargeIn ?? null, told?.response_latency_s ?? told?.heard_to_sound_s ?? null];
}

/** @param {(number | null)[][]} rows */
function drawTable(rows) {
  const shown = (/** @type {number | null} */ measure) => (measure === null ? "–" : seconds(measure));
  const cells = rows.map((measures, index) => [String(index + 1), ...measures.map(shown)]);
  parts.turns.replaceChildren(
    ...cells.slice(-MOST_ROWS).map((texts) => {
      const row = document.createElement("tr");
      row.append(...texts.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
      return row;
    }),
  );
}

/** @param {number[]} answers  In seconds, the newest last. */
function drawCurve(answers) {
  const shown = answers.slice(-MOST_POINTS);
  parts.latest.textContent = shown.slice(-1).map(seconds).join("");
  const points = pointsOf(shown);
  parts.sparkline.toggleAttribute("hidden", points.length < 2);
  const [line, dot] = parts.sparkline.children;
  const [x = 0, y = 0] = points.at(-1) ?? [];
  line?.setAttribute("points", points.map((point) => point.join(",")).join(" "));
  dot?.setAttribute("cx", String(x));
  dot?.setAttribute("cy", String(y));
  parts.sparkline.setAttribute("aria-label", SAY.latencies(shown.map(seconds)));
}

/**
 * @param {number[]} answers
 * @returns {[x: number, y: number][]}  In the curve's viewBox: the slowest is on top.
 */
export function pointsOf(answers) {
  const least = Math.min(...answers);
  const span = Math.max(Math.max(...answers) - least, LEAST_SPAN_MS / 1000);
  const step = (WIDTH - 2 * MARGIN) / Math.max(answers.length - 1, 1);
  return answers.map((answer, index) => [
    round(MARGIN + index * step),
    round(HEIGHT - MARGIN - ((answer - least) / span) * (HEIGHT - 2 * MARGIN)),
  ]);
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}
