// The back end on the server that the page came from.
import { facts } from "./facts.js";
import { readPixels } from "./png.js";

export class ServerModel {
  ready = Promise.resolve();

  /** The answer about what was given, as `POST /predict` gives it, but with the pixels of a mask as arrays. */
  async predict(given) {
    const answer = await posted("predict", { [facts.input]: given.file });
    if (answer.task !== "mask") return answer;
    const [ids, confidence] = await Promise.all([answer.mask, answer.confidence].map(pixelsIn));
    return { ...answer, ids, confidence };
  }
}

/** Sends a form and returns the JSON of the answer; an answer that is an error is thrown. */
export async function posted(address, fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  const response = await fetch(address, { method: "POST", body: form }).catch(() => {
    throw new Error("The server does not answer; is it still running?");
  });
  const answer = await response.json().catch(() => ({ error: `The server answered with status ${response.status}.` }));
  if (!response.ok) throw new Error(answer.error ?? `The server answered with status ${response.status}.`);
  return answer;
}

async function pixelsIn(base64) {
  return (await readPixels(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)))).pixels;
}
