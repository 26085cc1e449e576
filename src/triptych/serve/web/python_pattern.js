// Regular expressions of Python as those of a browser.

/** What Python takes for white space, in brackets of a pattern. */
export const SPACES = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

const WORD = "\\p{L}\\p{N}_";
const GROUPS = { d: "\\p{Nd}", s: SPACES, w: WORD };
const BOUNDARY = `(?:(?<=[${WORD}])(?![${WORD}])|(?<![${WORD}])(?=[${WORD}]))`;
const PARTS = /\\U([0-9A-Fa-f]{8})|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|\\([^])|\[\^?\]?|\]|\./gu;
const SYNTAX = /[$()*+./?[\\\]^{|}]/;

/**
 * A pattern of Python's `re` for texts, without flags but the one for Unicode.
 *
 * @param {string} pattern The pattern.
 * @param {string} flags Further flags of the result, such as `g`.
 */
export function pythonPattern(pattern, flags = "") {
  let inside = false; // of brackets
  const translated = pattern.replace(/^\(\?u\)/, "").replace(PARTS, (part, wide, escaped) => {
    if (wide) return `\\u{${wide}}`;
    if (escaped) return ofEscape(escaped, inside);
    if (part === ".") return inside ? part : "[^\\n]";
    if (part === "]") return inside ? ((inside = false), part) : "\\]";
    if (part.startsWith("[") && inside) return part.replace("[", "\\[");
    if (part.startsWith("[")) inside = true;
    return part.replace("]", "\\]"); // the first one in brackets is one of them
  });
  return new RegExp(translated, `u${flags}`);
}

/** A character after a backslash. */
function ofEscape(character, inside) {
  const group = GROUPS[character.toLowerCase()];
  const isOthers = group && character !== character.toLowerCase();
  if (group && !(inside && isOthers)) return inside ? group : `[${isOthers ? "^" : ""}${group}]`;
  if (character === "b" && !inside) return BOUNDARY;
  if (/[1-9nrtfv]/.test(character) || SYNTAX.test(character)) return `\\${character}`;
  if (/[0-9A-Za-z]/.test(character)) throw new Error(`expected a pattern without \\${character}${inside ? " in brackets" : ""}`);
  return character === "-" && inside ? "\\-" : character;
}
