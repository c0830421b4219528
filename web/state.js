/**
 * What a call goes through. Pure: a fact in, the next state out.
 *
 * @typedef {"idle" | "connecting" | "waiting" | "listening" | "thinking" | "speaking" | "reconnecting" | "ended"
 *   | "failed"} Shown
 *
 * @typedef {object} CallState
 * @property {"idle" | "connecting" | "joined" | "ended" | "failed"} stage
 * @property {boolean} lost  The connection is being mended.
 * @property {string | null} agent  What the agent says of itself (`lk.agent.state`); null while there is none.
 *
 * @typedef {{type: "call"} | {type: "joined"} | {type: "agent", doing: string} | {type: "agent_gone"} | {type: "lost"}
 *   | {type: "back"} | {type: "ended"} | {type: "failed"}} Fact
 */

/** @type {CallState} */
export const IDLE = { stage: "idle", lost: false, agent: null };

/**
 * A call that is over stays over, whatever still trickles in; only a new call leaves that state.
 *
 * @param {CallState} state
 * @param {Fact} fact
 * @returns {CallState}
 */
export function next(state, fact) {
  if (fact.type === "call") return running(state) ? state : { ...IDLE, stage: "connecting" };
  if (!running(state)) return state;
  switch (fact.type) {
    case "joined":
      return { ...state, stage: "joined" };
    case "agent":
      return { ...state, agent: fact.doing };
    case "agent_gone":
      return { ...state, agent: null };
    case "lost":
      return { ...state, lost: true };
    case "back":
      return { ...state, lost: false };
    case "ended":
    case "failed":
      return { ...IDLE, stage: fact.type };
  }
}

/**
 * The one state that the page puts into words.
 *
 * @param {CallState} state
 * @returns {Shown}
 */
export function shown(state) {
  if (state.stage !== "joined") return state.stage;
  if (state.lost) return "reconnecting";
  if (state.agent === null || state.agent === "initializing") return "waiting";
  return state.agent === "thinking" || state.agent === "speaking" ? state.agent : "listening";
}

/**
 * Whether there is something to hang up.
 *
 * @param {CallState} state
 */
export function running(state) {
  return state.stage === "connecting" || state.stage === "joined";
}
