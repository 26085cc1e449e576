// Character references of HTML, such as `&eacute;` and `&#233;`, as Python's `html.unescape` reads them.

const REFERENCE = /&(?:#([0-9]+);?|#[xX]([0-9a-fA-F]+);?|([^\t\n\f <&#;]{1,32};?))/gu;
const WINDOWS_1252 = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ"; // what 128 to 159 mean in old pages
const NO_CHARACTERS = /[\x01-\x08\x0b\x0e-\x1f\x7f\ufdd0-\ufdef]/u;

/**
 * A text without references.
 *
 * @param {string} text The text.
 * @param {Object<string, string>} entities Characters by name; some names may lack their semicolon.
 */
export function unescaped(text, entities) {
  return text.replace(REFERENCE, (whole, decimal, hexadecimal, name) => {
    if (name === undefined) return characterOf(decimal ? parseInt(decimal, 10) : parseInt(hexadecimal, 16));
    for (let end = name.length; end > 1; end--) {
      const known = name.slice(0, end);
      if (Object.hasOwn(entities, known)) return entities[known] + name.slice(end);
    }
    return whole;
  });
}

function characterOf(number) {
  if (number === 0 || number > 0x10ffff || (number >= 0xd800 && number <= 0xdfff)) return "\ufffd";
  if (number >= 0x80 && number <= 0x9f) return WINDOWS_1252[number - 0x80];
  const isNone = (number & 0xfffe) === 0xfffe || NO_CHARACTERS.test(String.fromCodePoint(number));
  return isNone ? "" : String.fromCodePoint(number);
}
