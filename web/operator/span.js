/** The part of a call that is shown: from one time to another, in seconds. Pure. */

/** @typedef {{from: number, to: number, length: number}} Span  `length` is the whole call's. */

const SHORTEST_S = 2;

/** @param {number} length  @returns {Span} */
export function whole(length) {
  return { from: 0, to: Math.max(length, 0.1), length: Math.max(length, 0.1) };
}

/**
 * A larger or smaller part around a time, which keeps its place on the screen.
 *
 * @param {Span} span
 * @param {number} factor  2 shows twice as much.
 * @param {number} around  In seconds.
 * @returns {Span}
 */
export function zoomed(span, factor, around) {
  const shown = span.to - span.from;
  const wanted = Math.min(Math.max(shown * factor, Math.min(SHORTEST_S, span.length)), span.length);
  const fixed = Math.min(Math.max(around, span.from), span.to);
  return placed(span, fixed - ((fixed - span.from) / shown) * wanted, wanted);
}

/**
 * The same length of time, with a time in it: the next page, if that is outside.
 *
 * @param {Span} span
 * @param {number} at
 * @returns {Span}
 */
export function following(span, at) {
  const shown = span.to - span.from;
  return at >= span.from && at <= span.to ? span : placed(span, at - shown * 0.05, shown);
}

/** @param {Span} span  @param {number} by  In seconds.  @returns {Span} */
export function moved(span, by) {
  return placed(span, span.from + by, span.to - span.from);
}

/** @param {Span} span  @param {number} from  @param {number} shown  @returns {Span} */
function placed(span, from, shown) {
  const start = Math.min(Math.max(from, 0), span.length - shown);
  return { from: start, to: start + shown, length: span.length };
}

/**
 * Round times for a ruler: at most that many, at the same distance.
 *
 * @param {Span} span
 * @param {number} most
 * @returns {number[]}
 */
export function ticks({ from, to }, most) {
  const steps = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
  const step = steps.find((each) => (to - from) / each <= most) ?? 14_400;
  const found = [];
  for (let number = Math.ceil(from / step - 1e-6); number * step <= to + 1e-6; number += 1) found.push(number * step);
  return found;
}
