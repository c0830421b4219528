/** Lengths of time as the page shows them. Pure. */

/** @param {number} seconds */
export function duration(seconds) {
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(2)} s`;
}

/**
 * In one unit, for a column of numbers.
 *
 * @param {number} value
 */
export function seconds(value) {
  return `${value.toFixed(2)} s`;
}

/**
 * As a clock shows it: 0:42, 12:05, 1:02:05.
 *
 * @param {number} seconds
 */
export function clock(seconds) {
  const [s, m, h] = [Math.floor(seconds) % 60, Math.floor(seconds / 60) % 60, Math.floor(seconds / 3600)];
  const ss = String(s).padStart(2, "0");
  return h > 0 ? `${h}:${String(m).padStart(2, "0")}:${ss}` : `${m}:${ss}`;
}

/** @param {number} seconds */
export function waiting(seconds) {
  return seconds < 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} minutes`;
}
