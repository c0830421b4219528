/**
 * The token server: what it offers (GET /config) and who may come in (POST /token, LiveKit's token endpoint).
 *
 * @typedef {object} Config
 * @property {"open" | "key" | "jwt"} auth
 * @property {{name: string, title: string}[]} personas
 * @property {string} default_persona
 * @property {{code: string, name: string}[]} languages
 * @property {string[]} sources  What a caller may publish.
 * @property {"on" | "off" | null} recording  What the operator says about recordings; null: nothing.
 *
 * @typedef {object} Wishes
 * @property {string} persona  Empty: the default.
 * @property {string} language  Empty: the persona's own.
 * @property {string} key  The access key of mode key; empty in the other modes.
 *
 * @typedef {object} Grant
 * @property {string} url
 * @property {string} token
 */

const PATIENCE_MS = 15_000;

export class TokenServerError extends Error {
  /**
   * @param {"token_server_unreachable" | "token_refused"} code
   * @param {string} [message] The token server's own sentence.
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
 * @throws {TokenServerError}
 */
export async function readConfig() {
  return asked("/config", {});
}

/**
 * Ask for a token. It has no side effect.
 *
 * @param {Wishes} wishes
 * @param {AbortSignal} signal
 * @returns {Promise<Grant>}
 * @throws {TokenServerError}
 */
export async function askForToken(wishes, signal) {
  const chosen = Object.entries({ persona: wishes.persona, language: wishes.language }).filter(([, value]) => value);
  const metadata = JSON.stringify(Object.fromEntries(chosen));
  const body = chosen.length > 0 ? { room_config: { agents: [{ metadata }] } } : {};
  const headers = new Headers({ "Content-Type": "application/json" });
  if (wishes.key) headers.set("Authorization", `Bearer ${wishes.key}`);
  const grant = await asked("/token", { method: "POST", headers, body: JSON.stringify(body) }, signal);
  return { url: grant.server_url, token: grant.participant_token };
}

/**
 * @param {string} path
 * @param {RequestInit} request
 * @param {AbortSignal} [over]
 * @returns {Promise<any>} What the token server answers.
 */
async function asked(path, request, over) {
  const stop = new AbortController();
  const end = () => stop.abort();
  const late = setTimeout(end, PATIENCE_MS);
  if (over?.aborted) end();
  over?.addEventListener("abort", end);
  try {
    return await answered(fetch(path, { ...request, signal: stop.signal, cache: "no-store" }));
  } finally {
    clearTimeout(late);
    over?.removeEventListener("abort", end);
  }
}

/** @param {Promise<Response>} asking */
async function answered(asking) {
  const [answer, content] = await asking
    .then(async (answer) => /** @type {const} */ ([answer, await answer.json().catch(() => null)]))
    .catch(() => {
      throw new TokenServerError("token_server_unreachable");
    });
  if (!answer.ok) {
    const message = typeof content?.message === "string" ? content.message : `The token server answered ${answer.status}.`;
    throw new TokenServerError("token_refused", message, Number(answer.headers.get("Retry-After")) || 0);
  }
  if (content === null) throw new TokenServerError("token_server_unreachable"); // a network's login page, for one
  return content;
}
