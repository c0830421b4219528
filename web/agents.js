/** Which participant is the agent, and whose text streams the page takes. Pure. */

/** An avatar's attribute: the identity of the agent that it publishes for. */
const ON_BEHALF = "lk.publish_on_behalf";
/** A stream that fits into its first packet has no last one, so finished streams are among those that are remembered. */
const MOST_STREAMS = 200;

/**
 * What is known of another participant. `isAgent` follows from the token that LiveKit has checked (its kind or its `agent`
 * grant); a participant can change its name and attributes, but not this.
 *
 * @typedef {{identity: string, isAgent: boolean, joinedAt?: Date, attributes: Readonly<Record<string, string>>}} Other
 */

/**
 * The one agent that the page shows, if there are several: the one that has been there longest. An avatar is not one.
 *
 * @template {Other} T
 * @param {Iterable<T>} others
 * @returns {T | null}
 */
export function agentAmong(others) {
  const agents = [...others].filter((other) => other.isAgent && !(ON_BEHALF in other.attributes));
  agents.sort((one, other) => Number(one.joinedAt ?? 0) - Number(other.joinedAt ?? 0));
  return agents[0] ?? null;
}

/**
 * Whose words a text stream has. livekit-server replaces the sender's name in every stream but an agent's
 * (handleReceivedDataMessage in its pkg/rtc/participant.go): what comes under the caller's own name was written by an agent.
 *
 * @param {string} sender  As the stream's first packet names it; empty for a sender that nobody sees.
 * @param {string | null} agent
 * @param {string} caller
 * @returns {"agent" | "caller" | null}  null: somebody else's.
 */
export function wordsOf(sender, agent, caller) {
  if (sender === "") return null;
  if (sender === agent) return "agent";
  return sender === caller ? "caller" : null;
}

/**
 * Keeps every text stream to those who may write it.
 *
 * livekit-client 2.23.0 adds each piece to the stream that it names, whoever sent it (`handleStreamChunk` in its
 * IncomingDataStreamManager), and everybody in the room learns the names of the agent's streams.
 */
export class StreamGate {
  /** @type {Map<string, string>} The stream's id to the sender that its first packet names; the oldest goes when it is full. */
  #owners = new Map();

  /**
   * Whether a packet may be read.
   *
   * @param {{kind: "streamHeader" | "streamChunk" | "streamTrailer", id: string, sender: string}} packet
   * @param {{agent: string | null, caller: string, isStranger: boolean}} room  `isStranger`: the sender is there, and no agent.
   */
  admits({ kind, id, sender }, { agent, caller, isStranger }) {
    if (isStranger) return false;
    if (kind === "streamHeader") {
      if (this.#owners.has(id)) return false;
      this.#owners.set(id, sender);
      if (this.#owners.size > MOST_STREAMS) this.#owners.delete(/** @type {string} */ (this.#owners.keys().next().value));
      return true;
    }
    const owner = this.#owners.get(id);
    const isOwn = owner !== undefined && (sender === owner || (owner === caller && sender === agent));
    if (isOwn && kind === "streamTrailer") this.#owners.delete(id);
    return isOwn;
  }
}
