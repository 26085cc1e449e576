// The back end in the browser: onnxruntime-web in a worker, with the files that the page carries.
import { facts } from "./facts.js";

export class BrowserModel {
  #waiting = new Map();
  #worker;

  constructor() {
    const script = new Blob([contentOf("worker")], { type: "text/javascript" });
    this.#worker = new Worker(URL.createObjectURL(script));
    this.#worker.onmessage = ({ data }) => this.#settle(data);
    this.#worker.onerror = (event) => this.#fail(event.message);
    this.ready = this.#start();
    this.ready.catch(() => {}); // `predict` tells
  }

  /** The answer about what was given, as `POST /predict` gives it, but with the pixels of a mask as arrays. */
  async predict(given) {
    await this.ready;
    const [argument, transfer] = await questions[facts.input](given);
    const result = await this.#ask(facts.input, argument, transfer);
    return { task: facts.task, ...answers[facts.task](result, given) };
  }

  async #start() {
    const names = ["runtime", "wasm", "model", ...(facts.input === "text" ? ["words"] : [])];
    const contents = await Promise.all(names.map(unpacked));
    await this.#ask("start", Object.fromEntries(names.map((name, i) => [name, contents[i]])), contents);
  }

  #ask(task, argument, transfer) {
    const number = this.#waiting.size ? Math.max(...this.#waiting.keys()) + 1 : 0;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#worker.postMessage({ number, task, argument }, transfer);
    });
  }

  #settle({ number, result, error }) {
    const { resolve, reject } = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (error === undefined) resolve(result);
    else reject(new Error(`The model could not run: ${error}`));
  }

  #fail(message) {
    for (const { reject } of this.#waiting.values()) reject(new Error(`The model could not run: ${message}`));
    this.#waiting.clear();
  }
}

/** What the worker is asked with, and which of it is given away. */
const questions = {
  image: async (picture) => {
    const bitmap = await createImageBitmap(picture.bitmap);
    return [{ bitmap, size: facts.image_size }, [bitmap]];
  },
  text: async ({ text }) => [{ text }, []],
};

const answers = {
  mask: (result, { width, height }) => ({ width, height, ...result }),
  point: (values, { width, height }) => ({
    width,
    height,
    points: facts.names.map((name, i) => ({
      name,
      y: ((values[2 * i] + 1) / 2) * height,
      x: ((values[2 * i + 1] + 1) / 2) * width,
    })),
  }),
  labels: (values, { width, height }) => ({
    width,
    height,
    tags: facts.names
      .map((name, i) => ({ name, probability: values[i], threshold: facts.thresholds[i] }))
      .map((tag) => ({ ...tag, chosen: tag.probability > tag.threshold }))
      .sort((one, other) => other.probability - one.probability),
  }),
  category: ({ probabilities, tokens }) => ({
    categories: facts.names
      .map((name, i) => ({ name, probability: probabilities[i] }))
      .sort((one, other) => other.probability - one.probability),
    tokens,
  }),
};

function contentOf(id) {
  return document.getElementById(id).textContent;
}

async function unpacked(id) {
  const bytes = Uint8Array.from(atob(contentOf(id)), (character) => character.charCodeAt(0));
  document.getElementById(id).remove(); // frees its memory
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}
