/**
 * Says that a browser can't make calls, or that a file of the page didn't arrive. Otherwise the page would stay at its first
 * words. It is the first script, no module, and written in JavaScript of 2009 (ECMAScript 5): every browser can run it.
 */
(function () {
  "use strict";

  /**
   * What the page and livekit-client can't do without, and browsers of the last four years have.
   *
   * @type {Record<string, unknown>}
   */
  var NEEDED = {
    RTCPeerConnection: window.RTCPeerConnection, // absent also where WebRTC is switched off
    WebSocket: window.WebSocket,
    fetch: window.fetch,
    AbortController: window.AbortController,
    ReadableStream: window.ReadableStream,
    WritableStream: window.WritableStream,
    TransformStream: window.TransformStream,
    TextDecoder: window.TextDecoder,
    TextEncoder: window.TextEncoder,
    WeakRef: window.WeakRef,
    "crypto.getRandomValues": window.crypto && window.crypto.getRandomValues,
    "Array.prototype.at": Array.prototype.at,
    "String.prototype.replaceAll": String.prototype.replaceAll,
    "Object.hasOwn": Object.hasOwn,
    "Promise.allSettled": window.Promise && window.Promise.allSettled,
  };
  var root = document.documentElement;
  var isSyntaxUnknown = false;

  var missing = Object.keys(NEEDED).filter(function (name) {
    return !NEEDED[name];
  });
  if (missing.length > 0) root.setAttribute("data-lacks", missing.join(" "));

  // livekit-client names its text streams with it; browsers have it on https:// and localhost only, and Safari since 15.4
  if (window.crypto && !window.crypto.randomUUID) {
    window.crypto.randomUUID = /** @type {any} */ (randomId);
  }

  /** A random UUID: version 4, variant 1 (RFC 9562, section 5.4). */
  function randomId() {
    var bytes = Array.prototype.slice.call(window.crypto.getRandomValues(new Uint8Array(16)));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    var digits = bytes.map(function (/** @type {number} */ byte) {
      return (byte + 0x100).toString(16).slice(1);
    });
    return digits.join("").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  /** @param {string} id */
  function part(id) {
    return /** @type {HTMLElement} */ (document.getElementById(id));
  }

  window.addEventListener("error", function (event) {
    if (event.error instanceof SyntaxError) isSyntaxUnknown = true;
  });

  window.addEventListener("load", function () {
    var isOld = missing.length > 0 || isSyntaxUnknown;
    if (root.hasAttribute("data-started") && !isOld) return;
    document.body.setAttribute("data-state", "failed");
    part("state").textContent = "Not ready for a call";
    part(isOld ? "too-old" : "incomplete").hidden = false;
  });
})();
