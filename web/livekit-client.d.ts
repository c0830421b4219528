import * as client from "livekit-client";

declare global {
  /** What vendor/livekit-client-2.23.0.umd.js defines. */
  const LivekitClient: typeof client;
}
