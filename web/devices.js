/** The microphone and speaker pickers. They are filled once the browser names its devices, and follow what is plugged in. */
import { optional } from "./optional.js";
import { parts } from "./parts.js";
import { field, option } from "./view.js";

const { Room, RoomEvent } = LivekitClient;
const MIXES_TO_SPEAKERS = "setSinkId" in HTMLMediaElement.prototype;

export class Devices {
  #pickers;
  #failed;
  /** @type {import("livekit-client").Room | null} */
  #room = null;
  #inUse = { audioinput: "", audiooutput: "" };

  /**
   * @param {{audioinput: HTMLSelectElement, audiooutput: HTMLSelectElement}} pickers
   * @param {(isSilent: boolean) => void} failed A device couldn't be switched to; and whether no microphone is open now.
   */
  constructor(pickers, failed) {
    this.#pickers = pickers;
    this.#failed = failed;
    for (const kind of /** @type {const} */ (["audioinput", "audiooutput"])) {
      pickers[kind].addEventListener("change", () => optional("the choice of a device", () => this.#choose(kind)));
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
    room.on(RoomEvent.MediaDevicesChanged, () => optional("the device lists", () => this.fill()));
    if (this.#pickers.audiooutput.value) optional("the choice of a device", () => this.#choose("audiooutput"));
  }

  /** Read the devices anew. Without permission the browser doesn't name them: the pickers stay hidden. */
  async fill() {
    if (!navigator.mediaDevices) return;
    const found = await Room.getLocalDevices(undefined, false);
    for (const kind of /** @type {const} */ (["audioinput", "audiooutput"])) {
      const isOffered = kind === "audioinput" || MIXES_TO_SPEAKERS;
      this.#show(this.#pickers[kind], isOffered ? found.filter((device) => device.kind === kind) : []);
      this.#inUse[kind] = this.#pickers[kind].value;
    }
    parts.noDevices.hidden = !field(this.#pickers.audioinput).hidden || !field(this.#pickers.audiooutput).hidden;
  }

  /**
   * @param {HTMLSelectElement} picker
   * @param {MediaDeviceInfo[]} devices
   */
  #show(picker, devices) {
    const chosen = picker.value;
    const named = devices.filter((device) => device.label);
    picker.replaceChildren(...named.map((device) => option(device.label, device.deviceId)));
    if (named.some((device) => device.deviceId === chosen)) picker.value = chosen;
    field(picker).hidden = named.length === 0;
  }

  /** @param {"audioinput" | "audiooutput"} kind */
  async #choose(kind) {
    const picker = this.#pickers[kind];
    const before = this.#inUse[kind];
    if (!this.#room || (await this.#use(this.#room, kind, picker.value))) return;
    picker.value = before;
    // livekit-client has stopped the microphone before it asked for the other one: the one before must be opened anew
    const isBack = await this.#use(this.#room, kind, before);
    this.#failed(kind === "audioinput" && !isBack);
  }

  /**
   * @param {import("livekit-client").Room} room
   * @param {"audioinput" | "audiooutput"} kind
   * @param {string} deviceId
   * @returns {Promise<boolean>} Whether it could be used.
   */
  async #use(room, kind, deviceId) {
    try {
      await room.switchActiveDevice(kind, deviceId);
    } catch (error) {
      console.warn(error);
      return false;
    }
    this.#inUse[kind] = deviceId;
    return true;
  }
}
