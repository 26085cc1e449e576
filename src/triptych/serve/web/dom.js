// Small helpers for the page's elements.

/** The element with an id. */
export const byId = (id) => document.getElementById(id);

/** A new element: its properties (attributes if the name has a dash, or is `role`), then its children. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** A fraction as it is read: `97 %`, and not `0 %` for what is there. */
export function percent(fraction) {
  return fraction > 0 && fraction < 0.005 ? "<1 %" : `${Math.round(100 * fraction)} %`;
}

/** A name that a line may break after each underscore. */
export const breakable = (name) => name.split(/(?<=_)/).flatMap((part) => [part, document.createElement("wbr")]);

/** A colour as CSS. */
export const css = (color) => `rgb(${color.join(" ")})`;

/** Says something to a screen reader, and shows it below the image if it is `seen`. */
export function say(words, { seen = true, wrong = false } = {}) {
  byId("spoken").textContent = words;
  if (!seen) return;
  byId("status").textContent = words;
  byId("status").classList.toggle("wrong", wrong);
}
