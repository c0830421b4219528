// A session of Google's JavaScript SDK, unmodified, turn by turn. The CA is trusted through NODE_EXTRA_CA_CERTS, which Node reads
// before this file. v1beta is said aloud, since the SDK's default is v1, which has no Live models.
import { setTimeout as sleep } from "node:timers/promises";
import { GoogleGenAI, Modality } from "@google/genai";

const lights = { name: "turn_on_the_lights", description: "Turns the lights on." };

export class Talk {
  handle = "";
  closed;
  #session;
  #turn = emptyTurn();
  #answered = () => {};
  #interrupted = () => {};
  #failed = () => {};

  // Connects; resumes the session of `handle` if there is one.
  static async open(url, handle = undefined) {
    const talk = new Talk();
    const ai = new GoogleGenAI({ apiKey: "any", httpOptions: { baseUrl: url, apiVersion: "v1beta" } });
    talk.closed = new Promise((resolve) => (talk.onclose = resolve));
    talk.#session = await ai.live.connect({
      model: "gemini-3.8-live",
      config: {
        responseModalities: [Modality.AUDIO],
        outputAudioTranscription: {},
        inputAudioTranscription: {},
        sessionResumption: { handle },
        tools: [{ functionDeclarations: [lights] }],
      },
      callbacks: {
        onmessage: (message) => talk.#take(message),
        onclose: (event) => {
          talk.onclose(event.code);
          talk.#failed(new Error(`closed: ${event.code} ${event.reason}`));
        },
      },
    });
    return talk;
  }

  type(text) {
    this.#session.sendClientContent({ turns: text, turnComplete: true });
  }

  async speak(pcm) {
    const started = performance.now();
    for (let at = 0; at < pcm.length; at += 640) {
      const data = pcm.subarray(at, at + 640).toString("base64");
      this.#session.sendRealtimeInput({ audio: { data, mimeType: "audio/pcm;rate=16000" } });
      await sleep(Math.max(started + (at / 640 + 1) * 20 - performance.now(), 0));
    }
  }

  // One turn: what is said, and the whole answer, printed as a line of JSON.
  async hold(name, say) {
    this.#turn = emptyTurn();
    await Promise.all([say(), this.#next((done) => (this.#answered = done))]);
    console.log(JSON.stringify({ turn: name, ...this.#turn }));
  }

  // The same while the model speaks: its turn is interrupted, and the new one is answered.
  async bargeIn(name, say) {
    const cut = this.#next((done) => (this.#interrupted = done));
    await Promise.all([say(), cut]);
    this.#turn = emptyTurn();
    await this.#next((done) => (this.#answered = done));
    console.log(JSON.stringify({ turn: name, ...this.#turn }));
  }

  // Says something and waits until the model has begun to answer it.
  async provoke(text) {
    this.#turn = emptyTurn();
    this.type(text);
    while (!this.#turn.audio_bytes) await sleep(20);
  }

  // As every page does: without a code.
  async close() {
    this.#failed = () => {};
    this.#session.close();
    await this.closed;
  }

  #next(arm) {
    return new Promise((resolve, reject) => {
      this.#failed = reject;
      arm(resolve);
    });
  }

  #take(message) {
    const content = message.serverContent;
    for (const part of content?.modelTurn?.parts ?? []) {
      this.#turn.audio_bytes += Buffer.from(part.inlineData?.data ?? "", "base64").length;
    }
    this.#turn.transcript += content?.outputTranscription?.text ?? "";
    this.handle = message.sessionResumptionUpdate?.newHandle ?? this.handle;
    const calls = message.toolCall?.functionCalls ?? [];
    this.#turn.calls.push(...calls.map((call) => call.name));
    if (calls.length) {
      const functionResponses = calls.map(({ id, name }) => ({ id, name, response: { result: "The lamp is violet now." } }));
      this.#session.sendToolResponse({ functionResponses });
    }
    if (content?.interrupted) this.#interrupted();
    // a tool's turn is completed before its answer has begun
    if (content?.turnComplete && this.#turn.audio_bytes) this.#answered();
  }
}

function emptyTurn() {
  return { audio_bytes: 0, transcript: "", calls: [] };
}
