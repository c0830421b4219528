/**
 * The token server: what it offers (GET /config) and who may come in (POST /token, LiveKit's token endpoint).
 *
 * @typedef {object} Config
 * @property {"open" | "key" | "jwt"} auth
 * @property {{name: string, title: string}[]} personas
 * @property {string} default_persona
 * @property {{code: string, name: string}[]} languages
 * @property {string[]} sources  What a caller may publish.
 *
 * @typedef {object} Wishes
 * @property {string} persona  Empty: the default.
 * @property {string} language  Empty: the persona's own.
 * @property {string} key  What the door asks for; empty if it asks for nothing.
 *
 * @typedef {object} Grant
 * @property {string} url
 * @property {string} token
 */

const PATIENCE_MS = 15_000;

export class DoorError extends Error {
  /**
   * @param {"door_unreachable" | "door_refused"} code
   * @param {string} [message] The door's own sentence.
   * @param {number} [retryAfterS]
   */
  constructor(code, message = "", retryAfterS = 0) {
    super(message);
    this.code = code;
    this.retryAfterS = retryAfterS;
  }
}

/**
 * @returns {Promise<Config>}
 * @throws {DoorError}
 */
export async function readConfig() {
  const answer = await asked("/config", {});
  return answer.json();
}

/**
 * Ask for a token. It has no side effect.
 *
 * @param {Wishes} wishes
 * @param {AbortSignal} signal
 * @returns {Promise<Grant>}
 * @throws {DoorError}
 */
export async function askForToken(wishes, signal) {
  const chosen = Object.entries({ persona: wishes.persona, language: wishes.language }).filter(([, value]) => value);
  const metadata = JSON.stringify(Object.fromEntries(chosen));
  const body = chosen.length > 0 ? { room_config: { agents: [{ metadata }] } } : {};
  const headers = new Headers({ "Content-Type": "application/json" });
  if (wishes.key) headers.set("Authorization", `Bearer ${wishes.key}`);
  const answer = await asked("/token", { method: "POST", headers, body: JSON.stringify(body), signal });
  const grant = await answer.json();
  return { url: grant.server_url, token: grant.participant_token };
}

/**
 * @param {string} path
 * @param {RequestInit} request
 */
async function asked(path, request) {
  const late = AbortSignal.timeout(PATIENCE_MS);
  const signal = request.signal ? AbortSignal.any([request.signal, late]) : late;
  const answer = await fetch(path, { ...request, signal, cache: "no-store" }).catch(() => {
    throw new DoorError("door_unreachable");
  });
  if (answer.ok) return answer;
  const refusal = await answer.json().catch(() => ({}));
  const message = typeof refusal.message === "string" ? refusal.message : `The token server answered ${answer.status}.`;
  throw new DoorError("door_refused", message, Number(answer.headers.get("Retry-After")) || 0);
}
