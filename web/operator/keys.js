/**
 * The keys of the pages. Fields keep all of theirs; buttons, links and folds keep those that press them; lists keep those that
 * scroll them. The shortcuts can be switched off.
 */
import { part } from "./parts.js";

const SKIP_S = 5;
const SMALL_SKIP_S = 1;
const LARGE_SKIP_S = 30;
const KEPT = "earshot.shortcuts";
const FIELDS = "input:not([type=checkbox]), select, textarea";
const SCROLLED = "ol, pre";
const PRESSED = "button, summary, a, input";
/** Buttons of lists, at which the space bar plays. Enter presses them. */
const ITEMS = ".said, .happened";

/** @typedef {Record<string, (event: KeyboardEvent) => void>} Shortcuts  By key. */

const choice = part("shortcuts", HTMLInputElement);

/** @param {Shortcuts} shortcuts  What the keys do anywhere on the page, unless the operator has switched them off. */
export function onShortcuts(shortcuts) {
  choice.checked = localStorage.getItem(KEPT) !== "off";
  choice.onchange = () => {
    localStorage.setItem(KEPT, choice.checked ? "on" : "off");
    announce();
  };
  announce();
  document.onkeydown = (event) => {
    const does = shortcuts[event.key];
    if (!does || !choice.checked || event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
    event.preventDefault();
    does(event);
  };
  document.onkeyup = (event) => {
    // Firefox presses a button when the key comes up
    const { target } = event;
    if (event.key === " " && choice.checked && target instanceof Element && target.matches(ITEMS)) event.preventDefault();
  };
}

/** @param {KeyboardEvent} event  Whether the element that has the focus has a use of its own for the key. */
function isTaken({ key, target }) {
  if (!(target instanceof Element) || target.matches(FIELDS)) return true;
  if (key === " ") return target.matches(SCROLLED) || (target.matches(PRESSED) && !target.matches(ITEMS));
  return key.startsWith("Arrow") && target.matches(SCROLLED);
}

/** Tell assistive technology of the shortcuts that there are. */
function announce() {
  for (const element of document.querySelectorAll("[data-shortcuts]")) {
    if (choice.checked) element.setAttribute("aria-keyshortcuts", element.getAttribute("data-shortcuts") ?? "");
    else element.removeAttribute("aria-keyshortcuts");
  }
}

/**
 * The seconds that a key moves the position in the call; infinite: to its beginning or its end.
 *
 * @param {KeyboardEvent} event
 * @returns {number | null}  null: none.
 */
function skip({ key, shiftKey }) {
  const small = shiftKey ? SMALL_SKIP_S : SKIP_S;
  /** @type {Record<string, number>} */
  const skips = { ArrowLeft: -small, ArrowRight: small, ArrowDown: -small, ArrowUp: small };
  const far = { PageDown: -LARGE_SKIP_S, PageUp: LARGE_SKIP_S, Home: -Infinity, End: Infinity };
  return { ...skips, ...far }[key] ?? null;
}

/**
 * The keys of a call's page.
 *
 * @param {object} act
 * @param {() => void} act.toggle
 * @param {(seconds: number) => void} act.skip
 * @param {() => void} act.find
 * @param {(inwards: boolean | null) => void} act.zoom  null: all.
 */
export function onCallKeys(act) {
  const skips = (/** @type {KeyboardEvent} */ event) => act.skip(skip(event) ?? 0);
  onShortcuts({
    " ": () => act.toggle(),
    ArrowLeft: skips,
    ArrowRight: skips,
    "/": () => act.find(),
    "+": () => act.zoom(true),
    "=": () => act.zoom(true),
    "-": () => act.zoom(false),
    0: () => act.zoom(null),
  });
  part("wave", HTMLElement).onkeydown = (event) => {
    const seconds = skip(event);
    if (seconds === null || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation(); // it is a slider's key, and no shortcut
    act.skip(seconds);
  };
}
