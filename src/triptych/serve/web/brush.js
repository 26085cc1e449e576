// Painting class ids into a mask, and undoing it.

const MOST_UNDONE = 64e6; // bytes

/** A mask that is painted on. */
export class PaintedMask {
  #before = null;
  #history = [];

  /** @param {Uint8Array} ids Class ids (height, width); they are changed. */
  constructor(ids, width, height) {
    Object.assign(this, { ids, width, height });
  }

  /** Begins a change that `undo` takes back as a whole. */
  begin() {
    this.#before = this.ids.slice();
  }

  /** Ends the change, and keeps what it has changed. */
  end() {
    const before = this.#before;
    this.#before = null;
    const first = before.findIndex((id, i) => id !== this.ids[i]);
    if (first < 0) return;
    let last = before.length - 1;
    while (before[last] === this.ids[last]) last--;
    this.#history.push({ first, ids: before.slice(first, last + 1) });
    const size = () => this.#history.reduce((sum, { ids }) => sum + ids.length, 0);
    while (this.#history.length > 1 && size() > MOST_UNDONE) this.#history.shift();
  }

  get canUndo() {
    return this.#history.length > 0;
  }

  undo() {
    const change = this.#history.pop();
    if (change) this.ids.set(change.ids, change.first);
  }

  /** Paints a line with a round brush; `radius` in pixels. */
  line(from, to, radius, id) {
    const steps = Math.max(1, Math.ceil(Math.hypot(to.y - from.y, to.x - from.x) / Math.max(radius / 2, 0.5)));
    for (let i = 0; i <= steps; i++) {
      this.#disc(from.y + ((to.y - from.y) * i) / steps, from.x + ((to.x - from.x) * i) / steps, radius, id);
    }
  }

  #disc(y, x, radius, id) {
    this.ids[Math.floor(y) * this.width + Math.floor(x)] = id; // even of the smallest brush
    const [top, bottom] = [Math.max(0, Math.floor(y - radius)), Math.min(this.height - 1, Math.floor(y + radius))];
    for (let row = top; row <= bottom; row++) {
      const reach = Math.sqrt(Math.max(radius ** 2 - (row + 0.5 - y) ** 2, 0));
      const start = Math.max(0, Math.ceil(x - reach - 0.5));
      const end = Math.min(this.width, Math.floor(x + reach - 0.5) + 1);
      if (end > start) this.ids.fill(id, row * this.width + start, row * this.width + end);
    }
  }

  /** Fills the region of one class around a place. */
  fill({ y, x }, id) {
    const start = Math.floor(y) * this.width + Math.floor(x);
    const old = this.ids[start];
    if (old === id) return;
    const waiting = [start];
    while (waiting.length) this.#fillRow(waiting.pop(), old, id, waiting);
  }

  /** Fills a run of a row, and adds to `waiting` where it continues above and below. */
  #fillRow(at, old, id, waiting) {
    const row = at - (at % this.width);
    let [start, end] = [at, at];
    while (start > row && this.ids[start - 1] === old) start--;
    while (end < row + this.width && this.ids[end] === old) end++;
    if (start === end) return; // filled by now
    this.ids.fill(id, start, end);
    for (const shift of [-this.width, this.width]) {
      for (let i = start + shift; i < end + shift; i++) {
        if (this.ids[i] === old && (i === start + shift || this.ids[i - 1] !== old)) waiting.push(i);
      }
    }
  }
}
