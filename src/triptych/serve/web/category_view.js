// The category of a text: bars of the probabilities, and a choice when it is corrected.
import { breakable, element, percent } from "./dom.js";
import { facts } from "./facts.js";
import { View } from "./view.js";

export class CategoryView extends View {
  label = null;
  #rows = new Map(facts.names.map((name) => [name, this.#row(name)]));

  constructor(panel) {
    super();
    const about = element("p", { className: "note" }, "The answer is the category with the highest probability.");
    this.list = element("ul", { className: "tags" }, ...[...this.#rows.values()].map(({ row }) => row));
    panel.append(element("h2", {}, "Categories"), about, this.list);
  }

  show(given, answer) {
    this.said = answer;
    this.restore();
  }

  restore() {
    for (const { name, probability } of this.said.categories) {
      const { row, fill, number } = this.#rows.get(name);
      fill.style.width = `${100 * probability}%`;
      number.textContent = percent(probability);
      this.list.append(row);
    }
    this.#choose(this.said.categories[0].name);
  }

  get summary() {
    const { probability } = this.said.categories.find(({ name }) => name === this.label);
    return `${this.label}, ${percent(probability)} · ${this.said.tokens} tokens`;
  }

  correct(on) {
    this.list.classList.toggle("ticking", on);
    for (const { tick } of this.#rows.values()) tick.disabled = !on;
  }

  #row(name) {
    const tick = element("input", { type: "radio", name: "category", disabled: true });
    const fill = element("span", { className: "fill" });
    const number = element("span", { className: "number" }, "–");
    const label = element("label", {}, tick, element("span", { className: "name" }, ...breakable(name)));
    tick.addEventListener("change", () => this.#choose(name));
    return { row: element("li", {}, label, element("span", { className: "bar" }, fill), number), tick, fill, number };
  }

  #choose(chosen) {
    this.label = chosen;
    for (const [name, { row, tick }] of this.#rows) {
      tick.checked = name === chosen;
      row.classList.toggle("chosen", tick.checked);
    }
  }
}
