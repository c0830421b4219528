/**
 * One call through LiveKit, from the microphone to the goodbye. It tells the page what happens; it draws nothing.
 *
 * @typedef {import("./words.js").Ending} Ending
 * @typedef {{who: "caller" | "agent", segment: string, text: string, final: boolean}} Caption
 * @typedef {{type: string, t: number, [field: string]: unknown}} AgentEvent  One of docs/events.md.
 *
 * @typedef {{type: "joined"} | {type: "lost"} | {type: "back"} | {type: "agent_gone"}
 *   | {type: "agent", doing: string}
 *   | {type: "attributes", attributes: Record<string, string>, identity: string}
 *   | {type: "microphone", track: MediaStreamTrack, muted: boolean}
 *   | {type: "agent_sound", track: MediaStreamTrack}
 *   | {type: "caption", caption: Caption}
 *   | {type: "event", event: AgentEvent}
 *   | {type: "blocked", blocked: boolean}
 *   | {type: "over", ending: Ending}} CallEvent
 */
import { agentAmong, speaksFor, wordsOf } from "./agents.js";
import { MicrophoneError, openMicrophone, recordUntilHeard, stopRecording } from "./microphone.js";
import { guardStreams } from "./streams.js";
import { askForToken, TokenServerError } from "./token_server.js";

const { ConnectionError, ConnectionErrorReason, ConnectionState, DisconnectReason, RoomEvent, Track, TrackEvent } =
  LivekitClient;

const AGENT_PATIENCE_MS = 20_000;
const CAPTIONS = "lk.transcription";
const CHAT = "lk.chat";
const AGENT_EVENTS = "earshot.events";
/** The agent's track with the sound that plays while a tool runs: it is heard, and isn't the agent's voice. */
const BACKGROUND = "background_audio";
const DOING = "lk.agent.state";
const LONGEST_CAPTION = 20_000; // characters; what an agent says beyond them is not shown
/** Reasons of `call_ended` (docs/events.md) that are no end that anybody wanted; words.js has their words. */
const FAILED = new Set(["model_failed", "model_refused", "model_unreachable", "worker_failed", "no_answer"]);

/** @type {Partial<Record<import("livekit-client").DisconnectReason, string>>} */
const DISCONNECTED = {
  [DisconnectReason.DUPLICATE_IDENTITY]: "elsewhere",
  [DisconnectReason.PARTICIPANT_REMOVED]: "removed",
  [DisconnectReason.ROOM_DELETED]: "room_deleted",
  [DisconnectReason.ROOM_CLOSED]: "room_deleted",
  [DisconnectReason.SERVER_SHUTDOWN]: "server_shut_down",
};

export class Call {
  room = new LivekitClient.Room();
  #tell;
  /** @type {import("./microphone.js").LocalAudioTrack | null} */
  #microphone = null;
  #over = new AbortController();
  /** @type {Ending | null} What the agent itself says about the end. */
  #farewell = null;
  /** @type {string | null} */
  #agent = null;
  #lookAtStreams = guardStreams(this.room, () => {
    this.#seekAgent();
    return this.#agent;
  });
  #whyNobody = "no_agent";
  #patience = 0;
  #joined = false;

  /** @param {(event: CallEvent) => void} tell  It must not throw: the call would end with it. */
  constructor(tell) {
    this.#tell = tell;
    this.#watch();
  }

  /**
   * Open the microphone, get a token, join. Any failure ends the call.
   *
   * @param {import("./token_server.js").Wishes & {microphone: boolean, microphoneId: string}} wishes
   */
  async begin(wishes) {
    try {
      if (wishes.microphone) await this.#openMicrophone(wishes.microphoneId);
      const grant = await askForToken(wishes, this.#over.signal);
      await this.room.connect(grant.url, grant.token);
      this.#joined = true;
      this.#welcome(); // what the agent says while the microphone is published counts, too
      if (this.#microphone) {
        await this.room.localParticipant.publishTrack(this.#microphone, { source: Track.Source.Microphone });
      }
    } catch (error) {
      if (!this.#over.signal.aborted) this.end(endingOf(error));
      return;
    }
    if (this.#over.signal.aborted) return;
    this.#tell({ type: "joined" });
    this.#awaitAgent();
  }

  /**
   * End the call: the microphone is released at once, whatever else still has to be closed.
   *
   * @param {Ending} ending
   */
  end(ending) {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    clearTimeout(this.#patience);
    if (this.#microphone) stopRecording(this.#microphone);
    this.#microphone?.stop();
    void this.room.disconnect();
    this.#tell({ type: "over", ending });
  }

  /** @param {boolean} muted */
  async mute(muted) {
    await (muted ? this.#microphone?.mute() : this.#microphone?.unmute());
  }

  /** @param {string} text */
  async type(text) {
    await this.room.localParticipant.sendText(text, { topic: CHAT });
  }

  /** @param {string} deviceId */
  async #openMicrophone(deviceId) {
    const track = await openMicrophone(deviceId);
    this.#microphone = track;
    if (this.#over.signal.aborted) return track.stop(); // hung up while the browser was asking
    recordUntilHeard(track);
    const show = () => this.#tell({ type: "microphone", track: track.mediaStreamTrack, muted: track.isMuted });
    track.on(TrackEvent.Muted, show).on(TrackEvent.Unmuted, show).on(TrackEvent.Restarted, show);
    show();
  }

  #watch() {
    this.room
      .on(RoomEvent.ParticipantConnected, () => this.#welcome())
      .on(RoomEvent.ParticipantDisconnected, (participant) => this.#part(participant))
      .on(RoomEvent.ParticipantAttributesChanged, (_, participant) => this.#changed(participant))
      .on(RoomEvent.TrackSubscribed, (track, publication, participant) => this.#play(track, publication, participant))
      .on(RoomEvent.TrackUnsubscribed, (track) => track.detach().forEach((element) => element.remove()))
      .on(RoomEvent.AudioPlaybackStatusChanged, () => this.#tell({ type: "blocked", blocked: !this.room.canPlaybackAudio }))
      .on(RoomEvent.SignalReconnecting, () => this.#lost())
      .on(RoomEvent.Reconnecting, () => this.#lost())
      .on(RoomEvent.Reconnected, () => this.#back())
      .on(RoomEvent.Disconnected, (reason) => this.#disconnected(reason));
    this.room.registerTextStreamHandler(CAPTIONS, (reader, from) => this.#caption(reader, from.identity));
    this.room.registerTextStreamHandler(AGENT_EVENTS, (reader, from) => this.#event(reader, from.identity));
  }

  #lost() {
    clearTimeout(this.#patience); // whoever is missing now may be there once the connection is
    this.#tell({ type: "lost" });
  }

  #back() {
    this.#tell({ type: "back" });
    const agent = this.room.remoteParticipants.get(this.#agent ?? "");
    if (agent) this.#changed(agent);
    this.#seekAgent();
    this.#awaitAgent();
  }

  /** Somebody is there: perhaps the agent, perhaps with words that came before. */
  #welcome() {
    this.#seekAgent();
    this.#lookAtStreams();
  }

  /** Follow the agent that is there; an Earshot that comes later takes the place of an agent that is none. */
  #seekAgent() {
    if (this.#over.signal.aborted) return;
    const agent = agentAmong(this.room.remoteParticipants.values(), this.#agent);
    if (agent === null || agent.identity === this.#agent) return;
    this.#agent = agent.identity;
    this.#whyNobody = "agent_left";
    clearTimeout(this.#patience);
    this.#changed(agent);
    for (const { track, trackName } of agent.audioTrackPublications.values()) {
      if (track && trackName !== BACKGROUND) this.#tell({ type: "agent_sound", track: track.mediaStreamTrack });
    }
  }

  /** @param {import("livekit-client").Participant} participant */
  #changed(participant) {
    if (participant.identity !== this.#agent || this.#over.signal.aborted) return;
    this.#tell({ type: "agent", doing: participant.attributes[DOING] ?? "initializing" });
    this.#tell({ type: "attributes", attributes: participant.attributes, identity: participant.identity });
  }

  /** @param {import("livekit-client").Participant} participant */
  #part(participant) {
    if (participant.identity !== this.#agent) return;
    this.#agent = null;
    if (this.#farewell !== null) return this.end(this.#farewell);
    this.#tell({ type: "agent_gone" });
    this.#seekAgent();
    this.#awaitAgent();
  }

  /** A full reconnect begins with everybody's departure, as livekit-client tells it: nobody is awaited before it is over. */
  #awaitAgent() {
    clearTimeout(this.#patience);
    if (this.#agent !== null || this.#over.signal.aborted || this.room.state !== ConnectionState.Connected) return;
    this.#patience = setTimeout(() => this.end({ code: this.#whyNobody }), AGENT_PATIENCE_MS);
  }

  /**
   * @param {import("livekit-client").RemoteTrack} track
   * @param {import("livekit-client").RemoteTrackPublication} publication
   * @param {import("livekit-client").RemoteParticipant} participant
   */
  #play(track, publication, participant) {
    if (track.kind !== Track.Kind.Audio) return;
    const element = track.attach();
    element.hidden = true;
    document.body.append(element);
    this.#seekAgent();
    if (publication.trackName === BACKGROUND) return;
    if (speaksFor(participant, this.#agent)) this.#tell({ type: "agent_sound", track: track.mediaStreamTrack });
  }

  /**
   * The agent's segment is one stream of pieces; the caller's is a new stream with the whole text each time it changes.
   *
   * @param {import("livekit-client").TextStreamReader} reader
   * @param {string} sender
   */
  async #caption(reader, sender) {
    const segment = reader.info.attributes?.["lk.segment_id"] ?? reader.info.id;
    let text = "";
    const show = (/** @type {boolean} */ final) => {
      const who = wordsOf(sender, this.#agent, this.room.localParticipant.identity);
      if (who !== null && text) this.#tell({ type: "caption", caption: { who, segment, text, final } });
    };
    await unlessCutOff(async () => {
      for await (const piece of reader) {
        text = (text + piece).slice(0, LONGEST_CAPTION);
        show(false);
      }
    });
    show(reader.info.attributes?.["lk.transcription_final"] === "true");
  }

  /**
   * @param {import("livekit-client").TextStreamReader} reader
   * @param {string} sender
   */
  async #event(reader, sender) {
    await unlessCutOff(async () => {
      const text = await reader.readAll();
      if (wordsOf(sender, this.#agent, "") === "agent") this.#hear(JSON.parse(text));
    });
  }

  /** @param {AgentEvent} event */
  #hear(event) {
    const reason = String(event.reason);
    if (event.type === "call_ended") {
      const code = FAILED.has(reason) ? reason : "told";
      const failure = code === "told" ? "" : String(event.failure ?? "");
      this.#farewell = { code, failure, message: String(event.text ?? "") };
    }
    this.#tell({ type: "event", event });
  }

  /** @param {import("livekit-client").DisconnectReason | undefined} reason */
  #disconnected(reason) {
    if (!this.#joined) return; // LiveKit tells it before connect() throws, which knows more
    if (this.#farewell !== null) return this.end(this.#farewell);
    this.end({ code: (reason !== undefined && DISCONNECTED[reason]) || "connection_lost" });
  }
}

/**
 * Read a stream. One that is cut off with its sender has brought what it brought.
 *
 * @param {() => Promise<void>} read
 */
async function unlessCutOff(read) {
  try {
    await read();
  } catch (error) {
    if (!(error instanceof LivekitClient.DataStreamError)) throw error;
  }
}

/**
 * Why a call couldn't begin.
 *
 * @param {unknown} error
 * @returns {Ending}
 */
function endingOf(error) {
  if (error instanceof MicrophoneError) return { code: error.code };
  if (error instanceof TokenServerError) return { code: error.code, message: error.message, retryAfterS: error.retryAfterS };
  if (!(error instanceof ConnectionError)) {
    console.error(error);
    return { code: "unknown" };
  }
  if (error.reason === ConnectionErrorReason.NotAllowed) return { code: "sfu_refused" };
  if (error.reason === ConnectionErrorReason.InternalError) return { code: "no_media" };
  return { code: "sfu_unreachable" };
}
