/** The caller's microphone. Whoever opens it here owns it and stops it. */
import { optional } from "./optional.js";

/** @typedef {import("livekit-client").LocalAudioTrack} LocalAudioTrack */

export class MicrophoneError extends Error {
  /** @param {string} code A key of words.js. */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

const CODES = new Map([
  [LivekitClient.MediaDeviceFailure.PermissionDenied, "microphone_refused"],
  [LivekitClient.MediaDeviceFailure.NotFound, "microphone_missing"],
  [LivekitClient.MediaDeviceFailure.DeviceInUse, "microphone_busy"],
]);

/**
 * Ask for the microphone, cleaned of echo and noise.
 *
 * @param {string} deviceId Empty: the browser's choice.
 * @returns {Promise<LocalAudioTrack>}
 * @throws {MicrophoneError}
 */
export async function openMicrophone(deviceId) {
  if (!window.isSecureContext) throw new MicrophoneError("insecure");
  if (!navigator.mediaDevices?.getUserMedia) throw new MicrophoneError("microphone_unsupported");
  try {
    return await LivekitClient.createLocalAudioTrack({
      ...(deviceId && { deviceId }),
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
      voiceIsolation: true,
    });
  } catch (error) {
    console.warn(error); // the browser's own words, which the page's sentence leaves out
    const failure = LivekitClient.MediaDeviceFailure.getFailure(error);
    throw new MicrophoneError(CODES.get(failure ?? LivekitClient.MediaDeviceFailure.Other) ?? "microphone_other");
  }
}

/**
 * Record what the caller says from now on, until the agent hears the microphone: ten seconds at most. livekit-client sends it
 * to the agent once that is in the room (docs/facts.md L271).
 *
 * @param {LocalAudioTrack} track  Before it is published.
 */
export function recordUntilHeard(track) {
  optional("what is said before the agent is there", () => track.startPreConnectBuffer());
}

/** @param {LocalAudioTrack} track  Its owner is about to stop it. */
export function stopRecording(track) {
  optional("what is said before the agent is there", () => track.stopPreConnectBuffer());
}
