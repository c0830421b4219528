/** The pages of recorded calls: the list at /calls, one call at /calls/NAME, and the form that asks for the operator's key. */
import { showCall } from "./call.js";
import { showList } from "./list.js";
import { part } from "./parts.js";
import { Refused, signIn, signOut } from "./server.js";

const form = part("sign-in-form", HTMLFormElement);
const key = part("key", HTMLInputElement);
const out = part("sign-out", HTMLButtonElement);
const problem = part("problem", HTMLElement);
const keys = part("keys", HTMLElement);
/** Whether the list or a call has been shown. */
let isShown = false;

/** @param {"sign-in" | "list" | "call" | ""} name  The one section that is shown. */
function show(name) {
  for (const id of ["sign-in", "list", "call"]) part(id, HTMLElement).hidden = id !== name;
  isShown ||= name !== "sign-in";
  out.hidden = keys.hidden = name === "sign-in";
  keys.classList.toggle("for-call", name === "call");
}

/** @param {unknown} error  What went wrong; null: nothing any more. */
function tell(error) {
  problem.hidden = error === null;
  if (error === null) return;
  if (error instanceof Refused && error.code === "unauthorized") {
    problem.hidden = true;
    show("sign-in");
    key.focus();
    return;
  }
  if (!(error instanceof Refused)) console.error(error);
  const fault = "Something went wrong on this page; the browser’s console has more.";
  problem.textContent = error instanceof Refused ? error.message : fault;
  problem.scrollIntoView({ block: "nearest" });
}

async function start() {
  problem.hidden = true;
  const name = decodeURIComponent(location.pathname.split("/")[2] ?? "");
  try {
    if (name) await showCall(name, () => show("call"), tell);
    else await showList(() => show("list"), tell);
  } catch (error) {
    tell(error);
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.hidden = true;
  try {
    await signIn(key.value);
    key.value = "";
  } catch (error) {
    problem.textContent = error instanceof Refused ? error.message : String(error);
    problem.hidden = false;
    key.select();
    return;
  }
  if (isShown) location.reload(); // the session had expired on a page that is there already
  else await start();
});

out.addEventListener("click", async () => {
  await signOut().catch(tell);
  location.replace("/calls");
});

await start();
