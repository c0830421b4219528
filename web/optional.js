/**
 * Everything that a call can do without is done through `optional`: level meters, captions, timings, device lists, drawing.
 *
 * What it throws, or what its promise rejects with, goes to the console and no further, so that the call goes on. Nobody waits
 * for its promise, so one that never settles holds nothing up.
 */

/** @type {Set<string>} The names that the console was told about: a level meter fails fifty times in a second. */
const reported = new Set();

/**
 * Do something that may fail.
 *
 * @template T
 * @param {string} name  What is missing if it fails, for the console.
 * @param {() => T} act
 * @returns {T | undefined}  What it returned; undefined if it threw.
 */
export function optional(name, act) {
  try {
    const result = act();
    if (result instanceof Promise) result.catch((error) => report(name, error));
    return result;
  } catch (error) {
    report(name, error);
    return undefined;
  }
}

/**
 * @param {string} name
 * @param {unknown} error
 */
function report(name, error) {
  if (reported.has(name)) return;
  reported.add(name);
  console.warn(`The call goes on without this: ${name}.`, error);
}
