// The classes of a mask: which are shown, which one is painted with, and the fraction of each.
import { css, element, percent } from "./dom.js";
import { classes } from "./facts.js";

export class Legend {
  hidden = new Set();
  brush = classes[0].id;
  #about = element("p", { className: "note" });
  #rows = new Map(classes.map((one) => [one.id, this.#row(one)]));
  #list = element("ul", { className: "legend" }, ...[...this.#rows.values()].map(({ row }) => row));

  /** `draw` is called when a class was hidden or shown. */
  constructor(panel, draw) {
    this.draw = draw;
    panel.append(element("h2", {}, "Classes"), this.#about, this.#list);
    this.choose(false);
  }

  /** Whether a class is chosen to paint with, instead of classes to show. */
  choose(on) {
    this.#list.classList.toggle("choosing", on);
    this.#about.textContent = on ? "Choose the class to paint with." : "Untick a class to hide it.";
    for (const [id, { label }] of this.#rows) label.htmlFor = `${on ? "brush" : "show"}-${id}`;
  }

  /** Shows the fraction of each class in a mask. */
  count(ids) {
    const counts = new Uint32Array(256);
    for (const id of ids) counts[id]++;
    for (const [id, { row, number }] of this.#rows) {
      number.textContent = counts[id] ? percent(counts[id] / ids.length) : "–";
      row.classList.toggle("absent", !counts[id]);
    }
    this.order = [...this.#rows.keys()].sort((one, other) => counts[other] - counts[one]);
    this.found = this.order.filter((id) => counts[id]);
  }

  /** Puts the largest class first. */
  sort() {
    this.#list.append(...this.order.map((id) => this.#rows.get(id).row));
  }

  /** The largest classes, in words. */
  get summary() {
    const words = (id) => `${nameOf(id)} ${this.#rows.get(id).number.textContent}`;
    return this.found.slice(0, 3).map(words).join(", ");
  }

  #row({ id, name, color }) {
    const shown = element("input", { type: "checkbox", id: `show-${id}`, checked: true });
    const chosen = element("input", { type: "radio", id: `brush-${id}`, name: "brush", checked: id === this.brush });
    const number = element("span", { className: "number" }, "–");
    const swatch = element("span", { className: "swatch" });
    swatch.style.background = css(color);
    shown.addEventListener("change", () => this.#hide(id, !shown.checked));
    chosen.addEventListener("change", () => (this.brush = id));
    const label = element("label", {}, shown, chosen, swatch, element("span", { className: "name" }, name), number);
    return { row: element("li", {}, label), label, number };
  }

  #hide(id, hidden) {
    this.hidden[hidden ? "add" : "delete"](id);
    this.draw();
  }
}

/** The name of a class. */
export const nameOf = (id) => classes.find((one) => one.id === id)?.name ?? `class ${id}`;
