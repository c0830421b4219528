/** The caller's camera and screen: buttons if the agent looks at them, their own picture, and whether the agent has it. */
import { optional } from "./optional.js";
import { parts } from "./parts.js";
import { keepFocus } from "./view.js";
import { SAY } from "./words.js";

const { RoomEvent, Track } = LivekitClient;

const LOOKS_AT = "earshot.eyes";
/** The model is sent a picture a second at most: more frames would cost the caller's machine and network for nothing. */
const FRAMES_PER_S = 5;
const CAMERA = { width: 1280, height: 720, frameRate: FRAMES_PER_S };
const SCREEN = { width: 1920, height: 1080, frameRate: FRAMES_PER_S };
/** @type {import("livekit-client").TrackPublishOptions} */
const PUBLISHED = {
  simulcast: false,
  videoEncoding: { maxBitrate: 900_000, maxFramerate: FRAMES_PER_S },
  screenShareEncoding: { maxBitrate: 1_500_000, maxFramerate: FRAMES_PER_S },
};

/** @typedef {"camera" | "screen_share"} Source  The sources' names in LiveKit's tokens, in `earshot.eyes` and in `sees`. */
/** @type {Record<Source, import("livekit-client").Track.Source>} */
const TRACKS = { camera: Track.Source.Camera, screen_share: Track.Source.ScreenShare };
const SOURCES = /** @type {Source[]} */ (Object.keys(TRACKS));

export class Eyes {
  /** @type {import("livekit-client").Room | null} */
  #room = null;
  /** @type {Set<string>} The sources that the agent looks at. */
  #looksAt = new Set();
  /** @type {Set<string>} The sources of which the agent was sent a picture. */
  #seen = new Set();
  #advise;

  /** @param {(advice: string) => void} advise  Says what the caller should do. */
  constructor(advise) {
    this.#advise = advise;
    for (const source of SOURCES) {
      button(source).addEventListener("click", () => optional("the camera and the screen", () => this.#toggle(source)));
    }
  }

  /** @param {import("./extras.js").PageEvent} pageEvent */
  hear(pageEvent) {
    if (pageEvent.type === "begun") return this.#begin(pageEvent.room);
    if (pageEvent.type === "attributes") this.#looksAt = new Set((pageEvent.attributes[LOOKS_AT] ?? "").split(","));
    if (pageEvent.type === "event" && pageEvent.event.type === "sees") this.#see(pageEvent.event);
    if (pageEvent.type === "agent_gone" || pageEvent.type === "over") this.#forgetAgent();
    if (pageEvent.type === "over") this.#room = null;
    this.#draw();
  }

  /** @param {import("livekit-client").Room} room */
  #begin(room) {
    this.#room = room;
    this.#forgetAgent();
    const draw = () => optional("the caller's own picture", () => this.#draw());
    room
      .on(RoomEvent.LocalTrackPublished, draw)
      .on(RoomEvent.LocalTrackUnpublished, draw)
      .on(RoomEvent.ParticipantPermissionsChanged, draw)
      .on(RoomEvent.TrackMuted, draw)
      .on(RoomEvent.TrackUnmuted, draw);
    this.#draw();
  }

  #forgetAgent() {
    this.#looksAt.clear();
    this.#seen.clear();
  }

  /** @param {import("./room.js").AgentEvent} event */
  #see(event) {
    if (event.active === true) this.#seen.add(String(event.source));
    else this.#seen.delete(String(event.source));
  }

  /** @param {Source} source */
  async #toggle(source) {
    const caller = this.#room?.localParticipant;
    if (!caller) return;
    const isOn = shown(caller, source) === null;
    try {
      if (source === "camera") await caller.setCameraEnabled(isOn, { resolution: CAMERA }, PUBLISHED);
      else await caller.setScreenShareEnabled(isOn, { audio: false, resolution: SCREEN, contentHint: "text" }, PUBLISHED);
    } catch (error) {
      console.warn(error); // the browser's own words, which the page's sentence leaves out
      if (source === "camera") this.#advise(SAY.noCamera); // who closes the choice of a screen has thought better of it
    }
    this.#draw();
  }

  #draw() {
    const caller = this.#room?.localParticipant;
    const focused = document.activeElement;
    for (const source of SOURCES) {
      const track = caller ? shown(caller, source) : null;
      const isOffered = caller !== undefined && this.#looksAt.has(source) && mayShow(caller, source);
      button(source).hidden = !isOffered && track === null; // what is on can be switched off, whoever looks
      button(source).setAttribute("aria-pressed", String(track !== null));
      drawPicture(source, track, this.#seen.has(source));
    }
    keepFocus(focused);
  }
}

/**
 * The track of that source that the caller shows now.
 *
 * @param {import("livekit-client").LocalParticipant} caller
 * @param {Source} source
 * @returns {import("livekit-client").LocalTrack | null}
 */
function shown(caller, source) {
  const published = caller.getTrackPublication(TRACKS[source]);
  return published?.track && !published.isMuted ? published.track : null;
}

/**
 * Whether the browser can show that source, and the caller's token lets them publish it.
 *
 * @param {import("livekit-client").LocalParticipant} caller
 * @param {Source} source
 */
function mayShow(caller, source) {
  const asks = source === "camera" ? navigator.mediaDevices?.getUserMedia : navigator.mediaDevices?.getDisplayMedia;
  const { canPublish = false, canPublishSources = [] } = caller.permissions ?? {};
  const isAllowed = canPublishSources.length === 0 || canPublishSources.includes(Track.sourceToProto(TRACKS[source]));
  return asks !== undefined && canPublish && isAllowed;
}

/**
 * @param {Source} source
 * @param {import("livekit-client").LocalTrack | null} track
 * @param {boolean} isSeen  The agent was sent a picture of it.
 */
function drawPicture(source, track, isSeen) {
  const view = source === "camera" ? parts.cameraView : parts.screenView;
  const video = view.querySelector("video");
  const sentence = view.querySelector("p");
  if (!video || !sentence) return;
  if (track === null) video.srcObject = null;
  else if (!track.attachedElements.includes(video)) track.attach(video);
  sentence.textContent = isSeen ? SAY.seen[source] : SAY.unseen[source];
  view.hidden = track === null;
}

/** @param {Source} source */
function button(source) {
  return source === "camera" ? parts.camera : parts.screen;
}
