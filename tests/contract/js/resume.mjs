// A session over three connections, each closed without a code and resumed at once; the second one is barged in on, typing and
// speaking. Arguments: URL, CA file, sound file.
import { readFile } from "node:fs/promises";
import { Talk } from "./talk.mjs";

const [url, , sound] = process.argv.slice(2);

const first = await Talk.open(url);
await first.hold("told", () => first.type("Remember the number 42. Just acknowledge it."));
await first.close();

const second = await Talk.open(url, first.handle);
await second.hold("asked", () => second.type("What number did I ask you to remember?"));
await second.provoke("Tell me a long story.");
await second.bargeIn("typed over", () => second.type("What number did I ask you to remember?"));
await second.provoke("Tell me a long story.");
await second.bargeIn("spoken over", async () => second.speak(await readFile(sound)));
await second.close();

const third = await Talk.open(url, second.handle);
await third.hold("asked again", () => third.type("What number did I ask you to remember?"));
await third.close();
