/** What the pages ask the token server for. */

const SESSION = "/operator/session";

/** An answer that is none: `code` is for programs, `message` for people. */
export class Refused extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * @param {string} path
 * @param {RequestInit} [how]
 */
async function ask(path, how = {}) {
  let answer;
  try {
    answer = await fetch(path, { cache: "no-store", credentials: "same-origin", ...how });
  } catch {
    throw new Refused("unreachable", "The server can’t be reached. Check your connection, and try again.");
  }
  if (answer.ok) return answer;
  const { code, message } = await answer.json().catch(() => ({}));
  throw new Refused(code ?? "unknown", message ?? `The server answered with status ${answer.status}.`);
}

/** @param {string} key */
export async function signIn(key) {
  await ask(SESSION, { method: "POST", headers: { Authorization: `Bearer ${key}` } });
}

export async function signOut() {
  await ask(SESSION, { method: "DELETE" });
}

/**
 * @param {Record<string, string>} wanted  The fields of the search that aren't empty.
 * @param {AbortSignal} signal
 * @returns {Promise<import("./types.js").Found>}
 */
export async function findCalls(wanted, signal) {
  return (await ask(`/records?${new URLSearchParams(wanted)}`, { signal })).json();
}

/**
 * @param {string} name
 * @returns {Promise<import("./types.js").CallRecord>}
 */
export async function readCall(name) {
  return (await ask(`/records/${encodeURIComponent(name)}`)).json();
}

/**
 * @param {string} name
 * @returns {Promise<{bucketS: number, caller: Uint8Array, agent: Uint8Array}>}
 */
export async function readWaveform(name) {
  const found = await (await ask(`/records/${encodeURIComponent(name)}/waveform`)).json();
  return { bucketS: found.bucket_s, caller: bytes(found.caller), agent: bytes(found.agent) };
}

/**
 * Ask for the first byte of a call's sound.
 *
 * @param {string} name
 */
export async function checkSound(name) {
  await ask(soundAddress(name), { headers: { Range: "bytes=0-0" } });
}

/** @param {string} name */
export function soundAddress(name) {
  return `/records/${encodeURIComponent(name)}/sound`;
}

/** @param {string} base64 */
function bytes(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
