// The image on the page, and a cursor on it that mouse, touch and keyboard move.
import { byId } from "./dom.js";

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** Where the user is on the image, as {y, x} in pixels of it, is told to `view`: look, press, drag, release. */
export class Stage {
  frame = byId("frame");
  marks = byId("marks");
  #cursor = { y: 0, x: 0 };
  #pressed = false;

  constructor(view) {
    this.view = view;
    this.frame.addEventListener("pointerdown", (event) => this.#press(event));
    this.frame.addEventListener("pointermove", (event) => this.#move(event));
    this.frame.addEventListener("pointerup", () => this.#release());
    this.frame.addEventListener("pointercancel", () => this.#release());
    this.frame.addEventListener("pointerleave", () => this.#pressed || view.look(null));
    this.frame.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Shows an image; its frame fills the stage as far as its proportions go. */
  show({ bitmap, width, height }) {
    this.size = { width, height };
    const canvas = byId("photo");
    Object.assign(canvas, { width, height });
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    const [, w, h] = getComputedStyle(byId("stage")).aspectRatio.match(/([\d.]+) \/ ([\d.]+)/);
    this.frame.style.aspectRatio = `${width} / ${height}`;
    this.frame.classList.toggle("tall", width / height < w / h);
    this.frame.hidden = false;
    byId("prompt").hidden = true;
    this.#cursor = { y: height / 2, x: width / 2 };
  }

  /** Where an event is on the image, and never outside of it. */
  placeOf({ clientX, clientY }) {
    const box = this.frame.getBoundingClientRect();
    return this.inside({
      y: ((clientY - box.top) / box.height) * this.size.height,
      x: ((clientX - box.left) / box.width) * this.size.width,
    });
  }

  /** The nearest place on the image. */
  inside({ y, x }) {
    const within = (value, length) => Math.min(Math.max(value, 0), length - 0.01);
    return { y: within(y, this.size.height), x: within(x, this.size.width) };
  }

  /** Where an arrow key leads: a hundredth of the image, a pixel with Shift; null for other keys. */
  step({ key, shiftKey }, { y, x }) {
    if (!(key in STEPS)) return null;
    const length = shiftKey ? 1 : Math.max(1, Math.round(this.size.width / 100));
    return this.inside({ y: y + STEPS[key][0] * length, x: x + STEPS[key][1] * length });
  }

  /** Puts an element of `marks` at a place. */
  put(mark, { y, x }) {
    mark.style.top = `${(100 * y) / this.size.height}%`;
    mark.style.left = `${(100 * x) / this.size.width}%`;
  }

  #press(event) {
    if (event.button !== 0) return;
    this.frame.setPointerCapture(event.pointerId);
    this.#pressed = true;
    this.view.press(this.#moved(event));
  }

  #move(event) {
    for (const one of this.#pressed ? (event.getCoalescedEvents?.() ?? [event]) : []) this.view.drag(this.placeOf(one));
    this.#moved(event);
  }

  #moved(event) {
    this.#cursor = this.placeOf(event);
    this.frame.classList.remove("keyed");
    this.view.look(this.#cursor);
    return this.#cursor;
  }

  #release() {
    if (this.#pressed) this.view.release();
    this.#pressed = false;
  }

  #key(event) {
    if (event.target !== this.frame) return;
    const place = this.step(event, this.#cursor);
    if (place) {
      this.#cursor = place;
      this.frame.classList.add("keyed");
      this.put(byId("cursor"), place);
      this.view.look(place, { spoken: true });
    } else if (event.key === " " || event.key === "Enter") {
      this.view.press(this.#cursor);
      this.view.release();
    } else return;
    event.preventDefault();
  }
}
