// Points on the image, which can be dragged or moved with the arrow keys.
import { element, say } from "./dom.js";
import { facts } from "./facts.js";
import { View } from "./view.js";

export class PointView extends View {
  label = [];

  /** `begin` is called before a point is moved for the first time. */
  constructor(panel, begin) {
    super();
    this.begin = begin;
    this.cells = new Map(facts.names.map((name) => [name, element("td", { className: "number" }, "–")]));
    const head = element("tr", {}, element("th", { scope: "col" }, "Point"), element("th", { scope: "col" }, "y, x in pixels"));
    const rows = [...this.cells].map(([name, cell]) => element("tr", {}, element("th", { scope: "row" }, name), cell));
    const about = element("p", { className: "note" }, "Drag a point, or move it with the arrow keys, if it is wrong.");
    panel.append(element("h2", {}, "Points"), about, element("table", {}, head, ...rows));
  }

  /** Shows the points on a stage. */
  show(picture, answer, stage) {
    this.said = answer;
    this.stage = stage;
    this.handles = answer.points.map((_, index) => this.#handle(index));
    stage.marks.replaceChildren(...this.handles);
    this.restore();
  }

  restore() {
    this.label = this.said.points.map((point) => ({ ...point, ...this.stage.inside(point) }));
    this.label.forEach((_, index) => this.#draw(index));
  }

  clear() {
    this.stage?.marks.replaceChildren();
  }

  get summary() {
    return this.label.map(({ name, y, x }) => `${name} at y ${Math.round(y)}, x ${Math.round(x)}`).join(", ");
  }

  #handle(index) {
    const handle = element("button", { className: "handle", type: "button" });
    handle.addEventListener("pointerdown", (event) => {
      event.stopPropagation(); // the stage would take the pointer
      handle.setPointerCapture(event.pointerId);
    });
    handle.addEventListener("pointermove", (event) => {
      if (handle.hasPointerCapture(event.pointerId)) this.#move(index, this.stage.placeOf(event));
    });
    handle.addEventListener("keydown", (event) => {
      const place = this.stage.step(event, this.label[index]);
      if (!place) return;
      event.preventDefault();
      this.#move(index, place);
      say(this.summary, { seen: false });
    });
    return handle;
  }

  #move(index, place) {
    this.begin();
    Object.assign(this.label[index], place);
    this.#draw(index);
  }

  #draw(index) {
    const { name, y, x } = this.label[index];
    this.stage.put(this.handles[index], { y, x });
    this.handles[index].setAttribute("aria-label", `${name}: y ${Math.round(y)}, x ${Math.round(x)} pixels`);
    this.cells.get(name).textContent = `${y.toFixed(1)}, ${x.toFixed(1)}`;
  }
}
