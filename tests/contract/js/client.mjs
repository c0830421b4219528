// Two typed turns, a tool round and a spoken turn. Arguments: URL, CA file, sound file.
import { readFile } from "node:fs/promises";
import { Talk } from "./talk.mjs";

const [url, , sound] = process.argv.slice(2);
const talk = await Talk.open(url);

await talk.hold("told", () => talk.type("Remember the number 42. Just acknowledge it."));
await talk.hold("asked", () => talk.type("What number did I ask you to remember?"));
await talk.hold("typed", () => talk.type("Please turn on the lights."));
await talk.hold("spoken", async () => talk.speak(await readFile(sound)));
await talk.close();
