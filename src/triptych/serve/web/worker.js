// The network, in a thread of its own, so that the page stays responsive.
import { classesOf } from "./logits.js";
import { resizedPlanes } from "./resize.js";
import { Words } from "./words.js";

let network;

async function start({ runtime, wasm, model, words }) {
  const ort = await import(URL.createObjectURL(new Blob([runtime], { type: "text/javascript" })));
  ort.env.wasm.numThreads = 1; // more need headers that a file does not have
  ort.env.wasm.wasmBinary = wasm;
  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  network = { ort, session, words: words && new Words(JSON.parse(new TextDecoder().decode(words))) };
}

async function answerImage({ bitmap, size }) {
  const { ort, session } = network;
  const own = [bitmap.height, bitmap.width];
  const planes = resizedPlanes(pixelsOf(bitmap), own, size);
  const images = new ort.Tensor("uint8", new Uint8Array(planes.buffer), [1, 3, ...size]);
  const [output] = Object.values(await session.run({ images }));
  return output.dims.length === 4 ? classesOf(output.data, output.dims.slice(1), own) : [...output.data];
}

async function answerText({ text }) {
  const { ort, session, words } = network;
  const numbers = words.numbersOf(text);
  const tokens = new ort.Tensor("int64", BigInt64Array.from(numbers, BigInt), [1, numbers.length]);
  const [output] = Object.values(await session.run({ tokens }));
  return { probabilities: [...output.data], tokens: numbers.length };
}

function pixelsOf(bitmap) {
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, context.canvas.width, context.canvas.height).data;
}

const tasks = { start, image: answerImage, text: answerText };

onmessage = async ({ data: { number, task, argument } }) => {
  try {
    postMessage({ number, result: await tasks[task](argument) });
  } catch (error) {
    postMessage({ number, error: String(error.message ?? error) });
  }
};
