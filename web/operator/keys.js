/** The keys of a call's page. Whoever types in a field, or is at another control, keeps their keys. */

const SKIP_S = 5;
const SMALL_SKIP_S = 1;

/**
 * @param {object} act
 * @param {() => void} act.toggle
 * @param {(seconds: number) => void} act.skip
 * @param {(direction: 1 | -1) => void} act.line
 * @param {() => void} act.find
 * @param {(inwards: boolean | null) => void} act.zoom  null: all.
 */
export function onKeys(act) {
  /** @type {Record<string, (event: KeyboardEvent) => void>} */
  const keys = {
    " ": () => act.toggle(),
    ArrowLeft: (event) => act.skip(event.shiftKey ? -SMALL_SKIP_S : -SKIP_S),
    ArrowRight: (event) => act.skip(event.shiftKey ? SMALL_SKIP_S : SKIP_S),
    ArrowUp: () => act.line(-1),
    ArrowDown: () => act.line(1),
    "/": () => act.find(),
    "+": () => act.zoom(true),
    "=": () => act.zoom(true),
    "-": () => act.zoom(false),
    0: () => act.zoom(null),
  };
  document.onkeydown = (event) => {
    const does = keys[event.key];
    const { target } = event;
    if (!does || event.ctrlKey || event.metaKey || event.altKey || !(target instanceof Element)) return;
    if (target.closest("input, select, textarea")) return;
    if (event.key === " " && target.closest("button:not(.said, .happened), summary, a")) return; // it presses them
    event.preventDefault();
    does(event);
  };
  document.onkeyup = (event) => {
    // Firefox presses a button when the key comes up
    const { target } = event;
    if (event.key === " " && target instanceof Element && target.closest(".said, .happened")) event.preventDefault();
  };
}
