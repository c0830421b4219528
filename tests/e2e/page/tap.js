// Runs in the page before its own scripts: the test speaks into the microphone and hears what the loudspeaker gets.
// The browser is asked first, so that a refused or missing microphone is the browser's own.
(() => {
  const RATE_HZ = 48_000;
  const context = new AudioContext({ sampleRate: RATE_HZ });
  addEventListener("click", () => void context.resume(), true);

  const voice = new GainNode(context);
  const ear = context.createScriptProcessor(4096, 1, 1);
  const heard = [];
  ear.onaudioprocess = ({ inputBuffer }) => heard.push(Int16Array.from(inputBuffer.getChannelData(0), (x) => x * 32767));
  ear.connect(new GainNode(context, { gain: 0 })).connect(context.destination);

  const tap = {
    asked: [],
    tracks: [],
    violations: [],
    refuseWith: null, // the name of a DOMException: for every device, or for `refused` alone
    refused: null,
    isReal: false, // the browser's own microphone, unchanged
    gate: null, // a promise: nothing is given before
    isFirewalled: false, // no way for media: only relays may be used, and there are none
    hurry: new Map(), // from a waiting time in ms to the one that is waited for instead
    get heardSamples() {
      return heard.length * 4096;
    },
    get quietS() {
      let blocks = 0;
      while (blocks < heard.length && heard.at(-1 - blocks).every((x) => Math.abs(x) < 104)) blocks += 1;
      return (blocks * 4096) / RATE_HZ;
    },
    say(base64) {
      const samples = new Int16Array(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);
      const buffer = context.createBuffer(1, samples.length, RATE_HZ);
      buffer.copyToChannel(Float32Array.from(samples, (x) => x / 32768), 0);
      const source = new AudioBufferSourceNode(context, { buffer });
      source.connect(voice);
      return new Promise((done) => {
        source.onended = () => done();
        source.start();
      });
    },
    hear(fromSample) {
      const bytes = heard.slice(Math.floor(fromSample / 4096)).flatMap((block) => [...new Uint8Array(block.buffer)]);
      let text = "";
      for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.slice(i, i + 8192));
      return btoa(text);
    },
  };
  Object.defineProperty(window, "tap", { value: tap });
  addEventListener("securitypolicyviolation", (event) => tap.violations.push(`${event.violatedDirective} ${event.blockedURI}`));

  const wait = window.setTimeout;
  window.setTimeout = (act, ms, ...given) => wait(act, tap.hurry.get(ms) ?? ms, ...given);

  const devices = navigator.mediaDevices;
  if (devices) {
    const ask = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (constraints) => {
      tap.asked.push(constraints);
      const isMeant = !tap.refused || JSON.stringify(constraints).includes(tap.refused);
      if (tap.refuseWith && isMeant) throw new DOMException("by the test", tap.refuseWith);
      const real = await ask(constraints);
      await tap.gate;
      if (!constraints.audio || tap.isReal) {
        tap.tracks.push(...real.getTracks());
        return real;
      }
      for (const track of real.getAudioTracks()) track.stop();
      const destination = context.createMediaStreamDestination();
      voice.connect(destination);
      tap.tracks.push(...destination.stream.getTracks());
      return destination.stream;
    };
  }

  const reachable = (configuration) =>
    tap.isFirewalled ? { ...configuration, iceTransportPolicy: "relay", iceServers: [] } : configuration;
  const known = new Set(); // a track is announced again when the connection is renegotiated
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    setConfiguration(configuration) {
      super.setConfiguration(reachable(configuration));
    }
    constructor(configuration, ...given) {
      super(reachable(configuration), ...given);
      this.addEventListener("track", ({ track }) => {
        if (track.kind !== "audio" || known.has(track.id)) return;
        known.add(track.id);
        context.createMediaStreamSource(new MediaStream([track])).connect(ear);
      });
    }
  };
})();
