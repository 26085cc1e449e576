// The tags of an image: bars of their probabilities, thresholds to move, boxes to tick.
import { breakable, element, percent, say } from "./dom.js";
import { facts } from "./facts.js";
import { View } from "./view.js";

export class TagView extends View {
  #rows = new Map(facts.names.map((name, i) => [name, this.#row(name, facts.thresholds[i])]));

  constructor(panel) {
    super();
    const about = element("p", { className: "note" }, "A tag counts if its probability is above its threshold, the line.");
    this.list = element("ul", { className: "tags" }, ...[...this.#rows.values()].map(({ row }) => row));
    const all = element("input", { type: "range", id: "all-thresholds", min: 0, max: 100, step: "any" });
    all.value = 100 * facts.thresholds[0];
    all.addEventListener("input", () => this.#setAll(all.value));
    const slider = element("label", { className: "slider" }, element("span", {}, "All thresholds"), all);
    panel.append(element("h2", {}, "Tags"), about, this.list, slider);
  }

  show(picture, answer) {
    this.said = answer;
    this.restore();
  }

  restore() {
    for (const { name, probability, threshold } of this.said.tags) {
      const one = this.#rows.get(name);
      Object.assign(one, { probability });
      one.limit.value = 100 * threshold;
      one.fill.style.width = `${100 * probability}%`;
      one.number.textContent = percent(probability);
    }
    this.list.append(...this.said.tags.map(({ name }) => this.#rows.get(name).row));
    this.#rows.forEach((one) => this.#choose(one));
  }

  /** The tags that are ticked. */
  get label() {
    return facts.names.filter((name) => this.#rows.get(name).tick.checked);
  }

  get summary() {
    const chosen = this.said.tags.map(({ name }) => name).filter((name) => this.label.includes(name));
    return chosen.join(", ") || "no tag";
  }

  correct(on) {
    this.isCorrecting = on;
    this.list.classList.toggle("ticking", on);
    for (const { tick, limit } of this.#rows.values()) {
      tick.disabled = !on;
      limit.disabled = on;
    }
  }

  #row(name, threshold) {
    const tick = element("input", { type: "checkbox", disabled: true });
    const fill = element("span", { className: "fill" });
    const limit = element("input", { type: "range", min: 0, max: 100, step: "any", "aria-label": `Threshold of ${name}` });
    limit.value = 100 * threshold;
    const number = element("span", { className: "number" }, "–");
    const bar = element("span", { className: "bar" }, fill, limit);
    const row = element("li", {}, element("label", {}, tick, element("span", { className: "name" }, ...breakable(name))), bar, number);
    const one = { row, tick, fill, limit, number, probability: 0 };
    tick.addEventListener("change", () => row.classList.toggle("chosen", tick.checked));
    limit.addEventListener("input", () => {
      this.#choose(one);
      say(`${name}: threshold ${Math.round(limit.value)} %`, { seen: false });
    });
    return one;
  }

  #setAll(value) {
    for (const one of this.#rows.values()) {
      one.limit.value = value;
      if (!this.isCorrecting) this.#choose(one);
    }
  }

  #choose(one) {
    if (!this.said) return;
    one.tick.checked = one.probability > one.limit.value / 100;
    one.row.classList.toggle("chosen", one.tick.checked);
  }
}
