/** Which participant is the agent, and whose text streams the page takes. Pure. */

/** Earshot's own attribute (docs/events.md). */
const IS_EARSHOT = "earshot.agent";
/** An avatar's attribute: the identity of the agent that it publishes for. */
const ON_BEHALF = "lk.publish_on_behalf";
/**
 * A stream that fits into its first packet has no last one, so finished streams are among those that are remembered.
 * Beyond this number the one that has been silent longest goes.
 */
const MOST_STREAMS = 200;

/**
 * What is known of another participant. `isAgent` follows from the token that LiveKit has checked (its kind or its `agent`
 * grant); a participant can change its name and attributes, but not this.
 *
 * @typedef {{identity: string, isAgent: boolean, joinedAt?: Date, attributes: Readonly<Record<string, string>>}} Other
 */

/**
 * The one agent that the page shows, if there are several: an Earshot before any other, then the one that the page
 * follows, then the one that has been there longest. An avatar is not one.
 *
 * @template {Other} T
 * @param {Iterable<T>} others
 * @param {string | null} followed  The identity of the agent that the page has shown so far.
 * @returns {T | null}
 */
export function agentAmong(others, followed) {
  const agents = [...others].filter((other) => other.isAgent && !(ON_BEHALF in other.attributes));
  /** @param {T} agent */
  const rank = (agent) => [
    Number(!(IS_EARSHOT in agent.attributes)),
    Number(agent.identity !== followed),
    Number(agent.joinedAt ?? 0),
  ];
  agents.sort((one, other) => compared(rank(one), rank(other)));
  return agents[0] ?? null;
}

/**
 * The order of two lists of numbers of equal length: the first difference decides.
 *
 * @param {number[]} one
 * @param {number[]} other
 */
function compared(one, other) {
  return one.map((number, index) => number - (other[index] ?? 0)).find((difference) => difference !== 0) ?? 0;
}

/**
 * Whether a participant's sound is the agent's: its own, or its avatar's.
 *
 * @param {Other} other
 * @param {string | null} agent
 */
export function speaksFor(other, agent) {
  return agent !== null && other.isAgent && [other.identity, other.attributes[ON_BEHALF]].includes(agent);
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
  /** @type {Map<string, string>} The stream's id to the sender that its first packet names, the most recently read one last. */
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
    if (!isOwn) return false;
    this.#owners.delete(id);
    if (kind === "streamChunk") this.#owners.set(id, owner);
    return true;
  }
}

/**
 * How the agent takes turns, by its attributes.
 *
 * @param {Readonly<Record<string, string>>} attributes
 * @returns {{mayInterrupt: boolean, translates: boolean}}  As `Situation` of view.js has them.
 */
export function turnsOf(attributes) {
  const [interruptions, turns] = [attributes["earshot.interruptions"], attributes["earshot.turns"]];
  return { mayInterrupt: interruptions !== "off", translates: turns === "translation" };
}
