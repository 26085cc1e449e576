// A mask over the image, and the brush that corrects it.
import { PaintedMask } from "./brush.js";
import { byId, element, percent, say } from "./dom.js";
import { classes } from "./facts.js";
import { Legend, nameOf } from "./legend.js";
import { View } from "./view.js";

export class MaskView extends View {
  #overlay = byId("overlay");
  #mask = null;
  #place = null; // of the cursor
  #isCorrecting = false;
  #frame = null; // in which a change will be drawn

  constructor(panel) {
    super();
    this.legend = new Legend(panel, () => this.#mask && this.#draw());
    const opacity = element("input", { type: "range", id: "opacity", min: 0, max: 100, value: 60 });
    const setOpacity = () => (this.#overlay.style.opacity = opacity.value / 100);
    opacity.addEventListener("input", setOpacity);
    setOpacity();
    panel.append(element("label", { className: "slider" }, element("span", {}, "Opacity"), opacity));
    byId("undo").addEventListener("click", () => this.undo());
  }

  show(picture, answer) {
    this.said = answer;
    Object.assign(this.#overlay, { width: picture.width, height: picture.height });
    this.restore();
  }

  restore() {
    const { ids, width, height } = this.said;
    this.#mask = new PaintedMask(ids.slice(), width, height);
    this.pixels = new ImageData(width, height);
    this.#draw();
    this.legend.count(ids);
    this.legend.sort();
  }

  clear() {
    this.#mask = null;
    this.#overlay.width = this.#overlay.width; // empties it
  }

  get label() {
    return this.#mask.ids;
  }

  get summary() {
    return this.legend.summary;
  }

  correct(on) {
    this.#isCorrecting = on;
    this.legend.choose(on);
    this.#drawRing();
    this.#showUndo();
  }

  look(place, { spoken = false } = {}) {
    this.#place = place;
    this.#drawRing();
    const words = place && this.#mask ? this.#words(place) : "";
    byId("readout").textContent = words;
    if (spoken) say(words, { seen: false });
  }

  press(place) {
    if (!this.#isCorrecting) return;
    this.#mask.begin();
    this.stroke = place;
    if (byId("fill").checked) this.#change(() => this.#mask.fill(place, this.legend.brush));
    else this.drag(place);
  }

  drag(place) {
    if (!this.#isCorrecting || byId("fill").checked) return;
    const radius = (Number(byId("brush-size").value) / 200) * this.#mask.width;
    this.#change(() => this.#mask.line(this.stroke, place, radius, this.legend.brush));
    this.stroke = place;
  }

  release() {
    if (!this.#isCorrecting) return;
    this.#mask.end();
    this.#tell();
  }

  undo() {
    this.#mask.undo();
    this.#draw();
    this.#tell();
  }

  /** Tells what a change has led to. */
  #tell() {
    this.legend.count(this.#mask.ids);
    this.#showUndo();
    if (this.#place) this.look(this.#place, { spoken: true });
  }

  #words({ y, x }) {
    const at = Math.floor(y) * this.#mask.width + Math.floor(x);
    const [now, said] = [this.#mask.ids[at], this.said.ids[at]];
    if (now !== said) return `${nameOf(now)} · the model said ${nameOf(said)}`;
    return `${nameOf(now)} · probability ${percent(this.said.confidence[at] / 255)}`;
  }

  /** Changes pixels, and draws them in the next frame. */
  #change(paint) {
    paint();
    this.#frame ??= requestAnimationFrame(() => this.#mask && this.#draw());
  }

  #draw() {
    this.#frame = null;
    const colors = new Uint32Array(256);
    const bytes = new Uint8Array(colors.buffer);
    for (const { id, color } of classes) bytes.set([...color, this.legend.hidden.has(id) ? 0 : 255], 4 * id);
    const target = new Uint32Array(this.pixels.data.buffer);
    for (let i = 0; i < target.length; i++) target[i] = colors[this.#mask.ids[i]];
    this.#overlay.getContext("2d").putImageData(this.pixels, 0, 0);
  }

  /** Shows what the brush covers. */
  #drawRing() {
    const ring = byId("ring");
    ring.hidden = !this.#place || !this.#isCorrecting || byId("fill").checked;
    if (ring.hidden) return;
    ring.style.width = `${byId("brush-size").value}%`;
    ring.style.top = `${(100 * this.#place.y) / this.#mask.height}%`;
    ring.style.left = `${(100 * this.#place.x) / this.#mask.width}%`;
  }

  #showUndo() {
    byId("undo").disabled = !this.#mask?.canUndo;
  }
}
