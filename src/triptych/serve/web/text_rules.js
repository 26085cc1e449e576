// The course's rules for a text before and after it is split into words: as triptych.text.rules has them.
import { unescaped } from "./html_entities.js";
import { pythonPattern } from "./python_pattern.js";

const BLOCKS = "p|div|h[1-6]|hr|ul|ol|li|dl|dt|dd|table|tr|blockquote|pre|center";
const INLINE = "a|abbr|b|big|cite|code|del|em|font|i|img|ins|q|s|small|span|strike|strong|sub|sup|td|th|tt|u";
const HTML = [
  [pythonPattern(`<(?:br|/?(?:${BLOCKS}))(?:[\\s/][^<>]*)?>`, "gi"), "\n"],
  [pythonPattern(`</?(?:${INLINE})(?:[\\s/][^<>]*)?>`, "gi"), ""],
  [pythonPattern("(?<!&)(#39|#146|#36|\\b(?:amp|nbsp|quot));", "g"), "&$1;"],
];
const LEFT_OVERS = [
  [/\r\n?|\\n/g, "\n"],
  [/\\"/g, '"'],
  [/[\ud800-\udfff]/gu, "\ufffd"],
  [/<unk>/g, "xxunk"],
  [/ @([.,-])@ /g, "$1"],
];
const REPEATED_CHARACTER = pythonPattern("(\\S)\\1{3,}", "g");
const REPEATED_WORD = pythonPattern("\\b(\\w+)(?:(?:(?!\\n)\\s)+\\1\\b){3,}", "g");
const TOO_LONG = pythonPattern("(\\S{100})(?=\\S)", "g");
const GAP = pythonPattern("\\s+");

/**
 * The lines of a text, ready to be split into words, with one space between two words; none at either end is empty.
 *
 * @param {string} text The text.
 * @param {Object<string, string>} entities See `unescaped`.
 */
export function preparedLines(text, entities) {
  text = replaced(unescaped(replaced(text, HTML), entities), LEFT_OVERS);
  text = text.replace(REPEATED_CHARACTER, (all, one) => ` xxrep ${[...all].length} ${one} `);
  text = text.replace(REPEATED_WORD, (all, word) => ` xxwrep ${wordsOf(all).length} ${word} `);
  text = text.replace(/([/#\\])/g, " $1 ").replace(TOO_LONG, "$1 ");
  const lines = text.split("\n").map((line) => wordsOf(line).join(" "));
  const isFull = (line) => line !== "";
  return lines.slice(lines.findIndex(isFull), lines.findLastIndex(isFull) + 1);
}

/** Words in lower case, `xxup` before one in capitals, `xxmaj` before one with a capital. */
export function* casedWords(words) {
  for (const word of words) {
    const [first, ...others] = word;
    const rest = others.join("");
    if (rest && isUpper(word)) yield "xxup";
    else if (isUpper(first) && isLower(rest)) yield "xxmaj";
    const lower = word.toLowerCase();
    yield ["xxpad", "xxbos"].includes(lower) ? "xxunk" : lower;
  }
}

const replaced = (text, pairs) => pairs.reduce((changed, [pattern, to]) => changed.replace(pattern, to), text);
const wordsOf = (text) => text.split(GAP).filter(Boolean);
const isUpper = (text) => /\p{Uppercase}/u.test(text) && !/[\p{Lowercase}\p{Lt}]/u.test(text);
const isLower = (text) => /\p{Lowercase}/u.test(text) && !/[\p{Uppercase}\p{Lt}]/u.test(text);
