/** The caller's camera and screen in one call. Whoever opens them here owns them and stops them. */

/** @typedef {"camera" | "screen_share"} Shared */

const { Track } = LivekitClient;
const SOURCES = { camera: Track.Source.Camera, screen_share: Track.Source.ScreenShare };

export class Sharing {
  #me;
  /** @type {Set<import("livekit-client").LocalTrack>} */
  #open = new Set();
  /** @type {Set<Shared>} What the browser is asking for. */
  #asked = new Set();
  #over = false;

  /** @param {import("livekit-client").LocalParticipant} me */
  constructor(me) {
    this.#me = me;
  }

  /**
   * Open it and show it to the room. What the browser gives after the end of the call is stopped at once.
   *
   * @param {Shared} source
   */
  async start(source) {
    if (this.#over || this.#asked.has(source)) return;
    this.#asked.add(source);
    try {
      const opened = await (source === "camera" ? this.#me.createTracks({ video: true }) : this.#me.createScreenTracks());
      for (const track of opened) this.#open.add(track);
      if (this.#over) return this.close();
      await Promise.all(opened.map((track) => this.#publish(track)));
    } finally {
      this.#asked.delete(source);
    }
  }

  /** @param {Shared} source */
  async stop(source) {
    const track = this.#me.getTrackPublication(SOURCES[source])?.track;
    if (!track) return;
    this.#open.delete(track);
    await this.#me.unpublishTrack(track, true); // setCameraEnabled(false) would only mute it
  }

  /** The call is over: nothing stays open, whether it was published or not. */
  close() {
    this.#over = true;
    for (const track of this.#open) track.stop();
    this.#open.clear();
  }

  /** @param {import("livekit-client").LocalTrack} track */
  async #publish(track) {
    try {
      await this.#me.publishTrack(track);
    } catch (error) {
      track.stop();
      this.#open.delete(track);
      throw error;
    }
  }
}
