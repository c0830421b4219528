/**
 * The rules of a button that is held to talk. Pure: what happens in, whether the caller is to be heard out.
 *
 * It can be held in two ways at once, by a pointer and by a key, and is held until both have let go. Who can't hold it
 * presses it for less than `TAP_MS`: then it stays on, and the next press ends it.
 *
 * @typedef {"pointer" | "key"} Way
 *
 * @typedef {object} Press
 * @property {boolean} isOn  The caller is to be heard.
 * @property {boolean} isLatched  It stays on by itself.
 * @property {readonly Way[]} holds  The ways in which it is held.
 * @property {number} sinceMs  The time at which it was pressed.
 *
 * @typedef {{type: "down", way: Way, atMs: number} | {type: "up", way: Way, atMs: number}
 *   | {type: "cancel", way: Way} | {type: "let_go"} | {type: "click"} | {type: "end"}} PressFact
 *   `cancel`: the browser has taken a pointer away. `let_go`: nobody can tell any more whether it is still held.
 *   `click`: it was activated without being pressed, as screen readers and switches do. `end`: the caller is not to be
 *   heard, whatever is held.
 */

/** A press that is shorter stays on, in milliseconds. */
export const TAP_MS = 300;

/** @type {Press} */
export const OFF = { isOn: false, isLatched: false, holds: [], sinceMs: 0 };

/**
 * @param {Press} press
 * @param {PressFact} fact
 * @returns {Press}
 */
export function pressed(press, fact) {
  switch (fact.type) {
    case "down":
      return down(press, fact.way, fact.atMs);
    case "up":
      return up(press, fact.way, fact.atMs);
    case "cancel":
      return up(press, fact.way, Infinity);
    case "let_go":
      return press.isLatched ? { ...press, holds: [] } : OFF;
    case "click":
      return press.isOn ? OFF : { ...OFF, isOn: true, isLatched: true };
    case "end":
      return OFF;
  }
}

/**
 * A press of a button that stays on ends that at once. The way is not kept, so that letting go means nothing.
 *
 * @param {Press} press
 * @param {Way} way
 * @param {number} atMs
 * @returns {Press}
 */
function down(press, way, atMs) {
  if (press.isLatched) return OFF;
  if (press.holds.includes(way)) return press;
  return { isOn: true, isLatched: false, holds: [...press.holds, way], sinceMs: press.isOn ? press.sinceMs : atMs };
}

/**
 * @param {Press} press
 * @param {Way} way
 * @param {number} atMs
 * @returns {Press}
 */
function up(press, way, atMs) {
  if (!press.holds.includes(way)) return press;
  const holds = press.holds.filter((other) => other !== way);
  if (holds.length > 0) return { ...press, holds };
  return atMs - press.sinceMs < TAP_MS ? { ...press, holds, isLatched: true } : OFF;
}
