/** The position in a call: that of its sound, or, without sound, one that can be set alone. */

export class Playhead {
  /**
   * @param {HTMLAudioElement} audio
   * @param {number} length  Of the call, in seconds, as far as its texts say.
   */
  constructor(audio, length) {
    this.audio = audio;
    this.length = length;
    this.hasSound = false;
    this.position = 0;
  }

  /** @param {string} address */
  load(address) {
    this.hasSound = true;
    this.audio.src = address;
  }

  get at() {
    return this.hasSound ? this.audio.currentTime : this.position;
  }

  get isPlaying() {
    return this.hasSound && !this.audio.paused && !this.audio.ended;
  }

  /** @param {number} seconds */
  seek(seconds) {
    this.position = Math.min(Math.max(seconds, 0), this.length);
    if (this.hasSound) this.audio.currentTime = this.position;
  }

  /** Play or pause. A sound that has failed is loaded anew; `error` of the audio says if it fails again. */
  toggle() {
    if (!this.hasSound) return;
    if (this.isPlaying) {
      this.audio.pause();
      return;
    }
    if (this.audio.error) {
      const { at } = this;
      this.audio.load();
      this.audio.currentTime = at;
    }
    this.audio.play().catch(() => undefined); // it was paused meanwhile, or the audio tells its error
  }
}
