/** Lets a room's text streams through only from those who may write them (agents.js). */
import { StreamGate } from "./agents.js";

const MOST_WAITING = 100;

/**
 * Guard the text streams of a room.
 *
 * A packet may be faster than the news of its sender's coming, and waits for that. When `MOST_WAITING` wait, the oldest goes.
 * livekit-client has no public place for this: in its version in vendor/, each packet comes through `handleDataStream`.
 *
 * @param {import("livekit-client").Room} room
 * @param {() => string | null} findAgent  The identity of the agent, if it is there.
 * @returns {() => void}  To be called when somebody has come: looks again at what waits.
 */
export function guardStreams(room, findAgent) {
  const inner = /** @type {any} */ (room);
  const take = inner.handleDataStream;
  const gate = new StreamGate();
  /** @type {[any, unknown][]} */
  let waiting = [];

  const judge = (/** @type {any} */ packet, /** @type {unknown} */ encryption) => {
    const sender = packet.participantIdentity;
    const caller = room.localParticipant.identity;
    const other = room.remoteParticipants.get(sender);
    if (!other && sender !== caller) {
      waiting.push([packet, encryption]);
      if (waiting.length > MOST_WAITING) waiting.shift();
      return;
    }
    const named = { kind: packet.value.case, id: packet.value.value.streamId, sender };
    if (gate.admits(named, { agent: findAgent(), caller, isStranger: other?.isAgent === false })) take(packet, encryption);
  };

  const lookAgain = () => {
    const again = waiting;
    waiting = [];
    for (const [packet, encryption] of again) judge(packet, encryption);
  };

  inner.handleDataStream = (/** @type {any} */ packet, /** @type {unknown} */ encryption) => {
    lookAgain(); // in the order in which they came
    if (packet.participantIdentity !== "") judge(packet, encryption); // nobody sees a hidden participant
  };
  return lookAgain;
}
