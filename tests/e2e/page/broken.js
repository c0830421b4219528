// Runs before the page's own scripts, with HOW replaced: what a call can do without is missing, throws, rejects or never settles.
// Animation frames are left alone: Playwright waits with them.
(() => {
  const HOW = "%HOW%";
  const no = () => new DOMException("by the test", "NotSupportedError");
  const fail = {
    throws: () => {
      throw no();
    },
    rejects: () => Promise.reject(no()),
    hangs: () => new Promise(() => {}),
  }[HOW];

  const methods = [
    [AudioContext.prototype, ["createMediaStreamSource", "resume", "close"]],
    [AnalyserNode.prototype, ["getFloatTimeDomainData"]],
    [MediaDevices.prototype, ["enumerateDevices"]],
    [HTMLMediaElement.prototype, ["setSinkId"]],
    [Permissions.prototype, ["query"]],
    [WakeLock.prototype, ["request"]],
    [Clipboard.prototype, ["writeText"]],
    [LockManager.prototype, ["request"]],
    [Storage.prototype, ["getItem", "setItem", "removeItem"]],
    [Element.prototype, ["animate"]],
    [Document.prototype, ["getAnimations"]],
    [Intl.NumberFormat.prototype, ["format"]],
    [window, ["matchMedia"]],
  ];
  for (const [owner, names] of methods) {
    for (const name of names) {
      if (HOW === "missing") delete owner[name];
      else owner[name] = fail;
    }
  }

  const getter = (name, get) => Object.defineProperty(window, name, { configurable: true, get });
  if (HOW === "throws") for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"]) getter(name, fail);
  if (HOW === "throws") window.AudioContext = window.ResizeObserver = window.IntersectionObserver = class { constructor() { throw no(); } };
  if (HOW !== "missing") return;

  // what browsers of four years ago did not have, and what some people switch off
  for (const name of ["AudioContext", "Intl", "ResizeObserver", "IntersectionObserver", "FinalizationRegistry", "localStorage"]) {
    delete window[name];
  }
  const newer = [
    [AbortSignal, ["any", "timeout"]],
    [Promise, ["withResolvers", "try"]],
    [Object, ["groupBy"]],
    [Array, ["fromAsync"]],
    [Array.prototype, ["findLast", "findLastIndex", "toSorted", "toReversed", "toSpliced", "with"]],
    [ReadableStream.prototype, [Symbol.asyncIterator, "values"]],
    [Crypto.prototype, ["randomUUID"]],
    [window, ["CompressionStream", "DecompressionStream", "Iterator", "structuredClone"]],
  ];
  for (const [owner, names] of newer) for (const name of names) delete owner[name];
})();
