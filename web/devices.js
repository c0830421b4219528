/** The microphone and speaker pickers. They are filled once the browser names its devices, and follow what is plugged in. */

const { Room, RoomEvent } = LivekitClient;
const MIXES_TO_SPEAKERS = "setSinkId" in HTMLMediaElement.prototype;

export class Devices {
  #pickers;
  #failed;
  /** @type {import("livekit-client").Room | null} */
  #room = null;

  /**
   * @param {{audioinput: HTMLSelectElement, audiooutput: HTMLSelectElement}} pickers
   * @param {() => void} failed A device couldn't be switched to.
   */
  constructor(pickers, failed) {
    this.#pickers = pickers;
    this.#failed = failed;
    for (const kind of /** @type {const} */ (["audioinput", "audiooutput"])) {
      pickers[kind].addEventListener("change", () => void this.#choose(kind));
    }
  }

  /** What the caller wants to be heard with; empty: the browser's choice. */
  get microphoneId() {
    return this.#pickers.audioinput.value;
  }

  /**
   * Serve this call.
   *
   * @param {import("livekit-client").Room} room
   */
  follow(room) {
    this.#room = room;
    room.on(RoomEvent.MediaDevicesChanged, () => void this.fill());
    if (this.#pickers.audiooutput.value) void this.#choose("audiooutput");
  }

  /** Read the devices anew. Without permission the browser doesn't name them: the pickers stay hidden. */
  async fill() {
    if (!navigator.mediaDevices) return;
    for (const kind of /** @type {const} */ (["audioinput", "audiooutput"])) {
      const found = await Room.getLocalDevices(kind, false);
      this.#show(this.#pickers[kind], kind === "audiooutput" && !MIXES_TO_SPEAKERS ? [] : found);
    }
  }

  /**
   * @param {HTMLSelectElement} picker
   * @param {MediaDeviceInfo[]} devices
   */
  #show(picker, devices) {
    const chosen = picker.value;
    const named = devices.filter((device) => device.label);
    picker.replaceChildren(...named.map((device) => new Option(device.label, device.deviceId)));
    if (named.some((device) => device.deviceId === chosen)) picker.value = chosen;
    const field = picker.closest("label");
    if (field) field.hidden = named.length === 0;
  }

  /** @param {"audioinput" | "audiooutput"} kind */
  async #choose(kind) {
    if (!this.#room) return;
    try {
      await this.#room.switchActiveDevice(kind, this.#pickers[kind].value);
    } catch (error) {
      console.warn(error);
      this.#failed();
    }
  }
}
