// The tokens of a text, cut as spaCy's rule-based tokenizer cuts it with the same rules.
// Source: the guide of spaCy, "How spaCy's tokenizer works".
import { pythonPattern, SPACES } from "./python_pattern.js";

const RUNS = new RegExp(`[${SPACES}]+|[^${SPACES}]+`, "gu");
const NO_EXCEPTIONS = new Map();

/** Cuts texts by rules: exceptions, and patterns for what is cut off and cut out, as `tokenizer.json` has them. */
export class RuleTokenizer {
  constructor({ exceptions, prefix, suffix, infix, url }) {
    this.exceptions = new Map(Object.entries(exceptions));
    [this.prefix, this.suffix, this.url] = [prefix, suffix, url].map((one) => pythonPattern(one));
    this.infix = pythonPattern(infix, "g");
    this.phrases = this.#phrases();
  }

  /** The tokens of a text; runs of white space are tokens too, but for one space between others. */
  tokens(text) {
    return this.#joined(this.#pieces(text, this.exceptions));
  }

  /** Tokens before exceptions of several tokens are looked for: `text`, and whether a `space` comes after it. */
  #pieces(text, exceptions) {
    const pieces = [];
    for (const [run] of text.matchAll(RUNS)) {
      const follows = pieces.length > 0 && run.startsWith(" ");
      if (follows) pieces.at(-1).space = true;
      const chunk = follows ? run.slice(1) : run;
      pieces.push(...this.#cut(chunk, exceptions).map((one) => ({ text: one, space: false })));
    }
    return pieces;
  }

  /** The tokens of a chunk: prefixes and suffixes go first, until an exception or nothing of them is left. */
  #cut(chunk, exceptions) {
    const [before, after] = [[], []];
    let length = -1;
    while (chunk && chunk.length !== length && !exceptions.has(chunk)) {
      length = chunk.length;
      const start = this.#found(this.prefix, chunk);
      if (start && exceptions.has(chunk.slice(start))) {
        before.push(chunk.slice(0, start));
        chunk = chunk.slice(start);
        break;
      }
      const end = length - this.#found(this.suffix, chunk.slice(start));
      if (end < length && exceptions.has(chunk.slice(0, end))) {
        after.unshift(chunk.slice(end));
        chunk = chunk.slice(0, end);
        break;
      }
      if (start) before.push(chunk.slice(0, start));
      if (end < length) after.unshift(chunk.slice(end));
      chunk = chunk.slice(start, end);
    }
    return [...before, ...this.#middle(chunk, exceptions), ...after];
  }

  #found(pattern, text) {
    return pattern.exec(text)?.[0].length ?? 0;
  }

  /** What is left without prefixes and suffixes: an exception, an address, or words between infixes. */
  #middle(chunk, exceptions) {
    if (!chunk || exceptions.has(chunk)) return exceptions.get(chunk) ?? [];
    if (this.url.test(chunk)) return [chunk];
    const tokens = [];
    let start = 0;
    for (const { 0: infix, index } of chunk.matchAll(this.infix)) {
      if (index === 0) continue;
      tokens.push(chunk.slice(start, index), infix);
      start = index + infix.length;
    }
    return [...tokens, chunk.slice(start)].filter(Boolean);
  }

  /** The exceptions that the patterns cut into several tokens, as these tokens, by the first one. */
  #phrases() {
    const phrases = new Map();
    for (const exception of this.exceptions.keys()) {
      const tokens = this.#pieces(exception, NO_EXCEPTIONS).map(({ text }) => text);
      const isCut = [this.prefix, this.suffix, this.infix, / /].some((pattern) => exception.search(pattern) >= 0);
      if (isCut) phrases.set(tokens[0], [...(phrases.get(tokens[0]) ?? []), tokens]);
    }
    return phrases;
  }

  /** Replaces phrases that are exceptions by their tokens; of those that overlap the longest, then the first. */
  #joined(pieces) {
    const found = pieces.flatMap(({ text }, start) =>
      (this.phrases.get(text) ?? [])
        .filter((phrase) => phrase.every((token, i) => pieces[start + i]?.text === token))
        .map((phrase) => ({ start, end: start + phrase.length })),
    );
    found.sort((one, other) => other.end - other.start - (one.end - one.start) || one.start - other.start);
    const seen = new Set();
    const chosen = new Map();
    for (const { start, end } of found) {
      if (!seen.has(start) && !seen.has(end - 1)) chosen.set(start, end);
      for (let i = start; i < end; i++) seen.add(i);
    }
    const tokens = [];
    for (let i = 0; i < pieces.length; ) {
      const end = chosen.get(i) ?? i + 1;
      const given = pieces.slice(i, end);
      tokens.push(...((chosen.has(i) && this.exceptions.get(spelled(given))) || given.map(({ text }) => text)));
      i = end;
    }
    return tokens;
  }
}

/** The text of pieces, as it was before it was cut. */
function spelled(pieces) {
  return pieces.map(({ text, space }, i) => (space && i < pieces.length - 1 ? `${text} ` : text)).join("");
}
