/** The figures of a call, as tiles. */
import { make } from "./parts.js";
import { count, dollars, duration, position, responseOf } from "./words.js";

/**
 * @param {HTMLElement} box
 * @param {import("./types.js").Summary} summary
 */
export function drawFigures(box, summary) {
  const tools = Object.values(summary.tools).reduce((sum, number) => sum + number, 0);
  const losses = Object.entries(summary.link).filter(([name]) => name.startsWith("lost.") || name.startsWith("failed."));
  const lost = losses.reduce((sum, [, number]) => sum + number, 0);
  const { duration_s: length, interrupted_turns: interrupted, failed_tools: failed, processes } = summary;
  const { greeting_latency_s: greeting } = summary;
  const response = responseOf(summary);
  const spread = [response && `p95 ${duration(response.p95_s)}`, greeting && `greeting ${duration(greeting)}`];
  /** @type {[string, string, string][]} */
  const tiles = [
    ["Length", length === null ? "–" : position(length), processes > 1 ? `${processes} processes` : ""],
    ["Response, median", duration(response?.p50_s), spread.filter(Boolean).join(" · ")],
    ["Answers", count(summary.turns), interrupted ? `${count(interrupted)} interrupted` : ""],
    ["Tools", count(tools), failed ? `${count(failed)} failed` : Object.keys(summary.tools).join(", ")],
    ["Link losses", count(lost), losses.map(([name]) => name.split(".")[1]).join(", ")],
    ["Tokens", count(total(summary.tokens.input_tokens) + total(summary.tokens.output_tokens)), ""],
    ["Cost", dollars(summary.cost_usd), summary.cost_usd === null ? "no price known" : ""],
  ];
  box.replaceChildren(
    ...tiles.map(([name, figure, note]) => {
      const value = make("dd", {}, make("b", { text: figure }));
      if (note) value.append(make("small", { text: note, title: note }));
      return make("div", {}, make("dt", { text: name }), value);
    }),
  );
}

/** @param {number | Record<string, number> | undefined} tokens */
function total(tokens) {
  return typeof tokens === "object" ? Object.values(tokens).reduce((sum, number) => sum + number, 0) : tokens ?? 0;
}
