// Google's JavaScript SDK, unmodified: two typed turns, a tool round and a spoken turn. Arguments: URL, CA file, sound file.
// The CA is trusted through NODE_EXTRA_CA_CERTS, which Node reads before this file.
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { GoogleGenAI, Modality } from "@google/genai";

const [url, , sound] = process.argv.slice(2);
const lights = { name: "turn_on_the_lights", description: "Turns the lights on." };
const ai = new GoogleGenAI({ apiKey: "any", httpOptions: { baseUrl: url } });

let turn = emptyTurn();
let answered = () => {};
let failed = () => {};

const session = await ai.live.connect({
  model: "gemini-3.8-live",
  config: {
    responseModalities: [Modality.AUDIO],
    outputAudioTranscription: {},
    inputAudioTranscription: {},
    tools: [{ functionDeclarations: [lights] }],
  },
  callbacks: { onmessage, onclose: (event) => failed(new Error(`closed: ${event.code} ${event.reason}`)) },
});

await hold("told", () => type("Remember the number 42. Just acknowledge it."));
await hold("asked", () => type("What number did I ask you to remember?"));
await hold("typed", () => type("Please turn on the lights."));
await hold("spoken", speak);
session.close();

function emptyTurn() {
  return { audio_bytes: 0, transcript: "", calls: [] };
}

function type(text) {
  session.sendClientContent({ turns: text, turnComplete: true });
}

async function hold(name, say) {
  turn = emptyTurn();
  const answer = new Promise((resolve, reject) => ([answered, failed] = [resolve, reject]));
  await Promise.all([say(), answer]);
  console.log(JSON.stringify({ turn: name, ...turn }));
}

function onmessage(message) {
  const content = message.serverContent;
  for (const part of content?.modelTurn?.parts ?? []) {
    turn.audio_bytes += Buffer.from(part.inlineData?.data ?? "", "base64").length;
  }
  turn.transcript += content?.outputTranscription?.text ?? "";
  const calls = message.toolCall?.functionCalls ?? [];
  turn.calls.push(...calls.map((call) => call.name));
  if (calls.length) {
    const functionResponses = calls.map(({ id, name }) => ({ id, name, response: { result: "The lamp is violet now." } }));
    session.sendToolResponse({ functionResponses });
  }
  // a tool's turn is completed before its answer has begun
  if (content?.turnComplete && turn.audio_bytes) answered();
}

async function speak() {
  const pcm = await readFile(sound);
  const started = performance.now();
  for (let at = 0; at < pcm.length; at += 640) {
    const data = pcm.subarray(at, at + 640).toString("base64");
    session.sendRealtimeInput({ audio: { data, mimeType: "audio/pcm;rate=16000" } });
    await sleep(Math.max(started + (at / 640 + 1) * 20 - performance.now(), 0));
  }
}
