/**
 * What the agent may ask of this page by RPC: where the caller is, and to copy a text. docs/client_tools.md describes it for
 * other clients. Nobody but the call's agent is answered, and each thing that is done or refused is a note in the conversation.
 *
 * @typedef {(wishes: any, untilMs: number) => Promise<object>} Tool  Gets the payload, and when the agent stops waiting.
 */
import { optional } from "./optional.js";
import { SAY } from "./words.js";

const { RpcError } = LivekitClient;

/** The attribute of the caller by which the agent learns what it may ask for. */
const OFFERED = "earshot.client_tools";
const [UNREADABLE, NOT_THE_AGENT, NOT_DONE] = [2001, 2002, 2003]; // LiveKit keeps 1001 to 1999 for its own
const LONGEST_TEXT = 10_000; // characters
const PERMISSION_DENIED = 1; // of GeolocationPositionError
/** A position may be a minute old, and finding one may take as long as an agent waits. */
const POSITION = { maximumAge: 60_000, timeout: 25_000 };

export class ClientTools {
  /** @type {import("livekit-client").Room | null} */
  #room = null;
  #agent = "";
  #captions;
  /** @type {Record<string, Tool>} The RPC methods. */
  #tools = {
    "earshot.location": (_, untilMs) => this.#locate(untilMs),
    "earshot.copy_text": (wishes) => this.#copy(wishes?.text),
  };

  /** @param {import("./captions.js").Captions} captions  Shows what was done. */
  constructor(captions) {
    this.#captions = captions;
  }

  /** @param {import("./extras.js").PageEvent} pageEvent */
  hear(pageEvent) {
    if (pageEvent.type === "begun") this.#begin(pageEvent.room);
    if (pageEvent.type === "attributes") this.#agent = pageEvent.identity;
    if (pageEvent.type === "agent_gone" || pageEvent.type === "over") this.#agent = "";
    return pageEvent.type === "joined" || pageEvent.type === "back" ? this.#offer() : undefined;
  }

  /** @param {import("livekit-client").Room} room */
  #begin(room) {
    this.#room = room;
    for (const [method, tool] of Object.entries(this.#tools)) {
      room.registerRpcMethod(method, (call) => this.#answer(room, tool, call));
    }
  }

  /** A connection that was made anew has no attributes any more. */
  async #offer() {
    const offered = [];
    if (window.isSecureContext && navigator.geolocation) offered.push("earshot.location");
    if (navigator.clipboard) offered.push("earshot.copy_text"); // not on plain http
    if (offered.length === 0) return;
    await this.#room?.localParticipant.setAttributes({ [OFFERED]: offered.join(",") });
  }

  /**
   * @param {import("livekit-client").Room} room
   * @param {Tool} tool
   * @param {import("livekit-client").RpcInvocationData} call
   */
  async #answer(room, tool, { callerIdentity, payload, responseTimeout }) {
    const isAgents = room === this.#room && this.#agent !== "" && callerIdentity === this.#agent;
    if (!isAgents) throw new RpcError(NOT_THE_AGENT, "only the agent of the call may ask for this");
    return JSON.stringify(await tool(wishesOf(payload), performance.now() + responseTimeout));
  }

  /** @param {number} untilMs */
  async #locate(untilMs) {
    try {
      const { coords } = await position();
      if (performance.now() < untilMs) this.#note(SAY.client.located);
      return { latitude: coords.latitude, longitude: coords.longitude, accuracy_m: Math.round(coords.accuracy) };
    } catch (error) {
      const isRefused = /** @type {any} */ (error)?.code === PERMISSION_DENIED;
      this.#note(isRefused ? SAY.client.locationRefused : SAY.client.notLocated);
      const reason = isRefused ? "the caller doesn't share their location" : "the device doesn't know where it is";
      throw new RpcError(NOT_DONE, reason);
    }
  }

  /** @param {unknown} text */
  async #copy(text) {
    if (typeof text !== "string" || text.trim() === "" || text.length > LONGEST_TEXT) {
      throw new RpcError(UNREADABLE, `send {"text": "..."}, with ${LONGEST_TEXT} characters at most`);
    }
    const copied = await this.#toClipboard(text);
    if (!copied) this.#captions.offer(text, SAY.client.copy, () => this.#toClipboard(text));
    return { copied };
  }

  /**
   * Copy a text, and say so. Many browsers let a page copy only when its reader has just clicked.
   *
   * @param {string} text
   */
  async #toClipboard(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch (error) {
      console.warn(error);
      return false;
    }
    this.#note(SAY.client.copied(text));
    return true;
  }

  /** @param {string} text */
  #note(text) {
    optional("a note of what the agent asked for", () => this.#captions.note(text));
  }
}

/**
 * Where the browser is; it asks the caller first.
 *
 * @returns {Promise<GeolocationPosition>}
 */
function position() {
  return new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(resolve, reject, POSITION));
}

/** @param {string} payload */
function wishesOf(payload) {
  try {
    return JSON.parse(payload || "{}");
  } catch {
    throw new RpcError(UNREADABLE, "the payload is no JSON");
  }
}
