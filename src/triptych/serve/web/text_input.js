// A text as what the model answers for: written or pasted into a box.
import { byId } from "./dom.js";
import { facts } from "./facts.js";

export class TextInput {
  waiting = "The model reads the text …";

  /** `open` is called with the text when the user asks for an answer. */
  constructor(view, open) {
    const ask = () => open(byId("text").value);
    byId("ask").addEventListener("click", ask);
    byId("text").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ask();
    });
  }

  /** The text with what the page knows of an image, too. */
  async read(text) {
    const [most, length] = [facts.most_characters, [...text].length];
    if (!text.trim()) throw new Error("Expected at least one word; write or paste a text first.");
    if (length > most) {
      throw new Error(`Expected at most ${most.toLocaleString("en")} characters, got ${length.toLocaleString("en")}.`);
    }
    return { text, file: new Blob([text]), name: "text", stem: "text", suffix: ".txt" };
  }

  show() {}
}
