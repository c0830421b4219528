/** The list of recorded calls, and the search in it. The search is in the page's address, so that it can be kept and sent. */
import { onShortcuts } from "./keys.js";
import { make, part } from "./parts.js";
import { findCalls } from "./server.js";
import { bounds, count, dateTime, dollars, duration, endingInWords, endingKind, ENDINGS, faultInWords } from "./words.js";
import { position, responseOf } from "./words.js";

const TYPES_FOR_MS = 250;
/** Pages of calls that are shown at once. */
const MOST_ROWS = 2000;

const form = part("search", HTMLFormElement);
const text = part("text", HTMLInputElement);
const day = part("day", HTMLInputElement);
const ending = part("ending", HTMLSelectElement);
const faults = part("faults", HTMLInputElement);
const found = part("found", HTMLElement);
const calls = part("calls", HTMLOListElement);
const more = part("more", HTMLButtonElement);

let asked = new AbortController();
let next = "";

/**
 * Show the calls that the address asks for.
 *
 * @param {() => void} ready  Called when there is something to show.
 * @param {(error: unknown) => void} failed  Called when a later search fails.
 */
export async function showList(ready, failed) {
  document.title = "Recorded calls";
  const endings = [["", "Any"], ["none", "No ending"], ...Object.entries(ENDINGS)];
  ending.replaceChildren(...endings.map(([code, words]) => new Option(words, code)));
  read();
  await search();
  ready();
  let timer = 0;
  form.oninput = () => {
    clearTimeout(timer);
    timer = setTimeout(() => search().catch(failed), TYPES_FOR_MS);
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    clearTimeout(timer);
    search().catch(failed);
  };
  more.onclick = () => search(next).catch(failed);
  onShortcuts({ "/": () => (text.focus(), text.select()) });
}

/** Fill the form from the page's address. */
function read() {
  const given = new URLSearchParams(location.search);
  text.value = given.get("text") ?? "";
  day.value = given.get("day") ?? "";
  ending.value = given.get("ending") ?? "";
  faults.checked = given.get("faults") === "true";
}

/** @param {string} before  The name of the call to go on before; empty: a new search. */
async function search(before = "") {
  asked.abort();
  asked = new AbortController();
  const { signal } = asked;
  const fields = { text: text.value.trim(), day: day.value, ending: ending.value, faults: faults.checked ? "true" : "" };
  const address = new URLSearchParams(Object.entries(fields).filter(([, value]) => value));
  history.replaceState(null, "", address.size ? `/calls?${address}` : "/calls");
  const { day: onDay, ...rest } = Object.fromEntries(address);
  const wanted = { ...rest, ...(onDay ? bounds(onDay) : null), ...(before ? { before } : null) };
  let answer;
  try {
    answer = await findCalls(wanted, signal);
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  if (signal.aborted) return;
  if (!before) calls.replaceChildren();
  calls.append(...answer.calls.map(row));
  next = answer.next ?? "";
  more.hidden = !next || calls.childElementCount >= MOST_ROWS;
  found.textContent = said(calls.childElementCount, Boolean(next), address.size > 0);
  part("heads", HTMLElement).hidden = calls.childElementCount === 0;
}

/**
 * @param {number} number
 * @param {boolean} hasMore
 * @param {boolean} isSearch
 */
function said(number, hasMore, isSearch) {
  if (number === 0) return isSearch ? "No call is like that." : "No call has been recorded yet.";
  return `${hasMore ? "The latest " : ""}${count(number)} ${number === 1 ? "call" : "calls"}`;
}

/** @param {import("./types.js").Call} call */
function row(call) {
  const { summary } = call;
  const link = make("a", { class: "row" });
  link.href = `/calls/${call.call}`;
  const room = make("span", { class: "room" }, make("bdi", { text: summary?.room ?? call.call }));
  if (summary) room.append(make("small", { text: summary.persona }));
  const length = summary?.duration_s;
  const response = responseOf(summary);
  link.append(
    make("time", { class: "when", text: dateTime(call.started_at, "short"), title: `${call.started_at} · ${call.call}` }),
    room,
    make("span", { class: "length", text: length === null || length === undefined ? "–" : position(length) }),
    make("span", { class: "end" }, ...chips(call)),
    make("span", { class: response ? "response" : "response none", text: duration(response?.p50_s) }),
    make("span", { class: "cost", text: dollars(summary?.cost_usd) }),
  );
  return make("li", {}, link);
}

/** @param {import("./types.js").Call} call  How it ended, and what went wrong. */
export function chips(call) {
  const others = call.faults.filter((code) => code !== "ending" && code !== "broken_off"); // the first chip says these
  return [
    make("span", { class: `chip ${endingKind(call)}`, text: endingInWords(call) }),
    ...others.map((code) => make("span", { class: "chip warns", text: faultInWords(code) })),
  ];
}
