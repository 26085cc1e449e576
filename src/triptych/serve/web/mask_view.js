// A mask over the image, its legend, and the brush that corrects it.
import { Canvas } from "./brush.js";
import { byId, css, element, percent, say } from "./dom.js";
import { classes } from "./facts.js";

export class MaskView {
  #hidden = new Set();
  #brush = classes[0].id;
  #last = null;
  #rows = new Map(classes.map((one) => [one.id, this.#row(one)]));

  constructor(panel) {
    this.about = element("p", { className: "note" });
    this.list = element("ul", { className: "legend" }, ...[...this.#rows.values()].map(({ row }) => row));
    this.opacity = element("input", { type: "range", id: "opacity", min: 0, max: 100, value: 60 });
    this.opacity.addEventListener("input", () => this.#setOpacity());
    const slider = element("label", { className: "slider" }, element("span", {}, "Opacity"), this.opacity);
    panel.append(element("h2", {}, "Classes"), this.about, this.list, slider);
    this.overlay = byId("overlay");
    byId("undo").addEventListener("click", () => this.undo());
    byId("brush-size").addEventListener("input", () => this.#drawRing(this.#last));
    this.#setOpacity();
    this.correct(false);
  }

  show(picture, answer) {
    this.said = answer;
    Object.assign(this.overlay, { width: picture.width, height: picture.height });
    this.restore();
  }

  /** Shows what the model had said. */
  restore() {
    const { ids, width, height } = this.said;
    this.canvas = new Canvas(ids.slice(), width, height);
    this.pixels = new ImageData(width, height);
    this.#draw();
    this.#count();
  }

  clear() {
    this.canvas = null;
    this.overlay.width = this.overlay.width; // empties it
  }

  get label() {
    return this.canvas.ids;
  }

  correct(on) {
    this.isCorrecting = on;
    this.list.classList.toggle("choosing", on);
    this.about.textContent = on ? "Choose the class to paint with." : "Untick a class to hide it.";
    if (!on) this.#last = null;
    this.#drawRing(null);
    this.#showUndo();
  }

  look(place, { spoken = false } = {}) {
    this.#last = place;
    this.#drawRing(place);
    const words = place && this.canvas ? this.#words(place) : "";
    byId("readout").textContent = words;
    if (spoken) say(words, { seen: false });
  }

  press(place) {
    if (!this.isCorrecting) return;
    this.canvas.begin();
    this.stroke = place;
    if (byId("fill").checked) this.#change(() => this.canvas.fill(place, this.#brush));
    else this.drag(place);
  }

  drag(place) {
    if (!this.isCorrecting || byId("fill").checked) return;
    this.#change(() => this.canvas.line(this.stroke, place, this.#radius, this.#brush));
    this.stroke = place;
  }

  release() {
    if (!this.isCorrecting) return;
    this.canvas.end();
    this.#count();
    this.#showUndo();
  }

  undo() {
    this.canvas.undo();
    this.#draw();
    this.#count();
    this.#showUndo();
  }

  get #radius() {
    return (Number(byId("brush-size").value) / 200) * this.canvas.width;
  }

  #row({ id, name, color }) {
    const shown = element("input", { type: "checkbox", checked: true });
    const chosen = element("input", { type: "radio", name: "brush", checked: id === this.#brush });
    const fraction = element("span", { className: "number" }, "–");
    const swatch = element("span", { className: "swatch" });
    swatch.style.background = css(color);
    shown.addEventListener("change", () => this.#hide(id, !shown.checked));
    chosen.addEventListener("change", () => (this.#brush = id));
    const text = element("span", { className: "name" }, name);
    return { row: element("li", {}, element("label", {}, shown, chosen, swatch, text, fraction)), fraction };
  }

  #hide(id, hidden) {
    this.#hidden[hidden ? "add" : "delete"](id);
    if (this.canvas) this.#draw();
  }

  #setOpacity() {
    this.overlay.style.opacity = this.opacity.value / 100;
  }

  #words({ y, x }) {
    const at = Math.floor(y) * this.canvas.width + Math.floor(x);
    const name = (id) => classes.find((one) => one.id === id)?.name ?? `class ${id}`;
    const [now, said] = [this.canvas.ids[at], this.said.ids[at]];
    if (now !== said) return `${name(now)} · the model said ${name(said)}`;
    return `${name(now)} · probability ${percent(this.said.confidence[at] / 255)}`;
  }

  /** Changes pixels, and draws what has changed in the next frame. */
  #change(paint) {
    paint();
    this.drawing ??= requestAnimationFrame(() => this.canvas && this.#draw());
  }

  #draw() {
    this.drawing = null;
    const colors = new Uint32Array(256);
    const bytes = new Uint8Array(colors.buffer);
    for (const { id, color } of classes) bytes.set([...color, this.#hidden.has(id) ? 0 : 255], 4 * id);
    const target = new Uint32Array(this.pixels.data.buffer);
    for (let i = 0; i < target.length; i++) target[i] = colors[this.canvas.ids[i]];
    this.overlay.getContext("2d").putImageData(this.pixels, 0, 0);
  }

  /** Shows the fraction of each class, the largest first. */
  #count() {
    const counts = new Uint32Array(256);
    for (const id of this.canvas.ids) counts[id]++;
    for (const [id, { row, fraction }] of this.#rows) {
      fraction.textContent = counts[id] ? percent(counts[id] / this.canvas.ids.length) : "–";
      row.classList.toggle("absent", !counts[id]);
    }
    if (this.isCorrecting) return; // a brush stays where it is
    const order = [...this.#rows.keys()].sort((one, other) => counts[other] - counts[one]);
    this.list.append(...order.map((id) => this.#rows.get(id).row));
  }

  #drawRing(place) {
    const ring = byId("ring");
    ring.hidden = !place || !this.isCorrecting || byId("fill").checked;
    if (ring.hidden) return;
    ring.style.width = `${Number(byId("brush-size").value)}%`;
    ring.style.top = `${(100 * place.y) / this.canvas.height}%`;
    ring.style.left = `${(100 * place.x) / this.canvas.width}%`;
  }

  #showUndo() {
    byId("undo").disabled = !this.canvas?.canUndo;
  }

  /** What the model sees, in words. */
  get summary() {
    const found = [...this.list.children].slice(0, 3).filter((row) => !row.classList.contains("absent"));
    return found.map((row) => `${row.querySelector(".name").textContent} ${row.querySelector(".number").textContent}`).join(", ");
  }
}
