/** The pages' parts. A part that is missing is a fault of calls.html, and said so at once. */

/**
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function part(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`calls.html has no ${type.name} with id ${id}`);
  return element;
}

/**
 * Make an element.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {{class?: string, text?: string, title?: string}} [about]
 * @param {...(Node | string)} inside
 */
export function make(tag, about = {}, ...inside) {
  const element = document.createElement(tag);
  if (about.class) element.className = about.class;
  if (about.text !== undefined) element.textContent = about.text;
  if (about.title) element.title = about.title;
  element.append(...inside);
  return element;
}
