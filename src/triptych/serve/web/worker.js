// The network, in a thread of its own, so that the page stays responsive.
import { classesOf } from "./logits.js";
import { resizedPlanes } from "./resize.js";

let network;

async function start({ runtime, wasm, model }) {
  const ort = await import(URL.createObjectURL(new Blob([runtime], { type: "text/javascript" })));
  ort.env.wasm.numThreads = 1; // more need headers that a file does not have
  ort.env.wasm.wasmBinary = wasm;
  network = { ort, session: await ort.InferenceSession.create(model, { executionProviders: ["wasm"] }) };
}

async function predict({ bitmap, size }) {
  const { ort, session } = network;
  const own = [bitmap.height, bitmap.width];
  const planes = resizedPlanes(pixelsOf(bitmap), own, size);
  const images = new ort.Tensor("uint8", new Uint8Array(planes.buffer), [1, 3, ...size]);
  const [output] = Object.values(await session.run({ images }));
  return output.dims.length === 4 ? classesOf(output.data, output.dims.slice(1), own) : [...output.data];
}

function pixelsOf(bitmap) {
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, context.canvas.width, context.canvas.height).data;
}

const tasks = { start, predict };

onmessage = async ({ data: { number, task, argument } }) => {
  try {
    postMessage({ number, result: await tasks[task](argument) });
  } catch (error) {
    postMessage({ number, error: String(error.message ?? error) });
  }
};
