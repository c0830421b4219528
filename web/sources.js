/**
 * Links to the pages that an answer is based on, and to its searches: the `sources` event of docs/events.md.
 *
 * Everything in it comes from the web: titles are text, only whole http and https addresses are linked, and Google's HTML is
 * not used.
 *
 * @typedef {{href: string, text: string}} Link
 */
import { SAY } from "./words.js";

const MOST_SOURCES = 20;
const MOST_QUERIES = 10;
const LONGEST_TEXT = 120; // characters of a title or a query; the rest is cut
const LONGEST_ADDRESS = 2000; // characters; a longer address isn't linked, since a part of it leads elsewhere

/**
 * The links of a `sources` event, whatever it holds.
 *
 * @param {{[field: string]: unknown}} event
 * @returns {Link[]}
 */
export function linksOf(event) {
  const links = list(event.sources).map(linkOf).filter((link) => link !== null);
  const queries = list(event.queries).filter((query) => typeof query === "string" && query.trim() !== "");
  return [...links.slice(0, MOST_SOURCES), ...queries.slice(0, MOST_QUERIES).map(searchFor)];
}

/**
 * The element of a link. It opens elsewhere, and the page that it opens learns nothing of this one.
 *
 * @param {Link} link
 */
export function anchor({ href, text }) {
  const attributes = { href, textContent: text, target: "_blank", rel: "noopener noreferrer", dir: "auto" };
  return Object.assign(document.createElement("a"), attributes);
}

/**
 * @param {any} source
 * @returns {Link | null}  Null if it is no source that can be linked to.
 */
function linkOf(source) {
  const url = webAddress(source?.url);
  if (url === null) return null;
  const title = typeof source.title === "string" ? source.title.trim() : "";
  return { href: url.href, text: short(title || url.hostname) };
}

/**
 * @param {string} query
 * @returns {Link}
 */
function searchFor(query) {
  const text = short(query.trim());
  return { href: `https://www.google.com/search?${new URLSearchParams({ q: text })}`, text: SAY.search(text) };
}

/** @param {unknown} address */
function webAddress(address) {
  if (typeof address !== "string" || address.length > LONGEST_ADDRESS) return null;
  try {
    const url = new URL(address);
    return /^https?:$/.test(url.protocol) && url.username === "" && url.password === "" ? url : null;
  } catch {
    return null;
  }
}

/** @param {string} text */
function short(text) {
  const characters = [...text.slice(0, 2 * LONGEST_TEXT)]; // by characters, so that none is cut in two
  return characters.length > LONGEST_TEXT ? `${characters.slice(0, LONGEST_TEXT - 1).join("")}…` : characters.join("");
}

/**
 * @param {unknown} value
 * @returns {any[]}
 */
function list(value) {
  return Array.isArray(value) ? value : [];
}
