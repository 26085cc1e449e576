// A text as the numbers of its tokens: as triptych.text.Tokenizer and Vocab give them.
import { casedWords, preparedLines } from "./text_rules.js";
import { RuleTokenizer } from "./tokenizer.js";

const [UNKNOWN, BEGINNING] = ["xxunk", "xxbos"];

/** Reads texts for a network. */
export class Words {
  /**
   * @param {object} rules See `RuleTokenizer`.
   * @param {string[]} vocab The tokens that the network knows, by number.
   * @param {object} entities See `unescaped`.
   */
  constructor({ rules, vocab, entities }) {
    this.tokenizer = new RuleTokenizer(rules);
    this.entities = entities;
    this.numbers = new Map(vocab.map((token, number) => [token, number]));
  }

  /** The tokens of a text, the first of which is its beginning. */
  tokens(text) {
    const lines = preparedLines(text, this.entities);
    const words = lines.flatMap((line) => ["\n", ...this.tokenizer.tokens(line)]).slice(1);
    return [BEGINNING, ...casedWords(words)];
  }

  /** The numbers of the tokens of a text. */
  numbersOf(text) {
    return this.tokens(text).map((token) => this.numbers.get(token) ?? this.numbers.get(UNKNOWN));
  }
}
