/** The page's parts, found once. A part that is missing is a fault of index.html, and said so at once. */

/**
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
function part(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`index.html has no ${type.name} with id ${id}`);
  return element;
}

export const parts = {
  orb: part("orb", HTMLElement),
  badge: part("badge", HTMLElement),
  banner: part("banner", HTMLElement),
  title: part("title", HTMLElement),
  state: part("state", HTMLElement),
  outcome: part("outcome", HTMLElement),
  hint: part("hint", HTMLElement),
  tool: part("tool", HTMLElement),
  failure: part("failure", HTMLElement),
  listen: part("listen", HTMLButtonElement),
  asks: part("asks", HTMLElement),
  recording: part("recording", HTMLElement),
  entry: part("entry", HTMLFormElement),
  wishes: part("wishes", HTMLElement),
  persona: part("persona", HTMLSelectElement),
  language: part("language", HTMLSelectElement),
  key: part("key", HTMLInputElement),
  keyName: part("key-name", HTMLElement),
  call: part("call", HTMLButtonElement),
  callText: part("call-text", HTMLElement),
  mute: part("mute", HTMLButtonElement),
  talking: part("talking", HTMLElement),
  talk: part("talk", HTMLButtonElement),
  talkHint: part("talk-hint", HTMLElement),
  camera: part("camera", HTMLButtonElement),
  screen: part("screen", HTMLButtonElement),
  cameraView: part("camera-view", HTMLElement),
  screenView: part("screen-view", HTMLElement),
  typeInstead: part("type-instead", HTMLButtonElement),
  meters: part("meters", HTMLElement),
  callerMeter: part("caller-meter", HTMLElement),
  agentMeter: part("agent-meter", HTMLElement),
  callerLevel: part("caller-level", HTMLElement),
  agentLevel: part("agent-level", HTMLElement),
  microphone: part("microphone", HTMLSelectElement),
  speaker: part("speaker", HTMLSelectElement),
  noDevices: part("no-devices", HTMLElement),
  timer: part("timer", HTMLElement),
  copy: part("copy", HTMLButtonElement),
  copied: part("copied", HTMLElement),
  attributes: part("attributes", HTMLElement),
  facts: part("facts", HTMLElement),
  scroller: part("scroller", HTMLElement),
  captions: part("captions", HTMLElement),
  composer: part("composer", HTMLFormElement),
  line: part("line", HTMLInputElement),
  send: part("send", HTMLButtonElement),
  announce: part("announce", HTMLInputElement),
  latest: part("latest", HTMLElement),
  sparkline: part("sparkline", SVGElement),
  turns: part("turns", HTMLElement),
  spent: part("spent", HTMLElement),
};
