// Resizes as OpenCV does: area averages if both sides shrink, else two neighbours on each side.

/** For each output index, the first input index and the weights of the inputs from there on. */
function areaTaps(from, to) {
  const scale = from / to;
  return Array.from({ length: to }, (_, i) => {
    const start = i * scale;
    const end = Math.min(start + scale, from);
    const first = Math.floor(start + 1e-6);
    const weights = [];
    for (let at = first; at < end - 1e-6; at++) {
      weights.push((Math.min(at + 1, end) - Math.max(at, start)) / (end - start));
    }
    return { first, weights };
  });
}

function linearTaps(from, to) {
  return Array.from({ length: to }, (_, i) => neighbours(from, ((i + 0.5) * from) / to - 0.5));
}

/** As OpenCV enlarges one side with INTER_AREA while the other one shrinks. */
function mixedTaps(from, to) {
  return Array.from({ length: to }, (_, i) => {
    const first = Math.floor((i * from) / to);
    const weight = i + 1 - ((first + 1) * to) / from;
    return neighbours(from, first + (weight <= 0 ? 0 : weight - Math.floor(weight)));
  });
}

function neighbours(length, place) {
  const at = Math.min(Math.max(place, 0), length - 1);
  const first = Math.min(Math.floor(at), Math.max(length - 2, 0));
  return { first, weights: length === 1 ? [1] : [1 - (at - first), at - first] };
}

function tapsFor(from, to) {
  const shrinks = (side) => to[side] < from[side];
  if (!shrinks(0) && !shrinks(1)) return linearTaps;
  return to[0] <= from[0] && to[1] <= from[1] ? areaTaps : mixedTaps;
}

/**
 * Resizes an image.
 *
 * @param {Uint8ClampedArray} rgba Pixels (H, W, 4).
 * @param {number[]} from [height, width] in pixels of the image.
 * @param {number[]} to [height, width] in pixels of the result.
 * @returns {Uint8ClampedArray} RGB planes (3, height, width).
 */
export function resizedPlanes(rgba, from, to) {
  const [height, width] = to;
  const taps = tapsFor(from, to);
  const columns = taps(from[1], width);
  const planes = new Uint8ClampedArray(3 * height * width); // rounds halves to even, as OpenCV
  const halves = from[0] === 2 * height && from[1] === 2 * width ? 0.1 : 0; // but those of 2x2 pixels up
  const sums = new Float32Array(3 * width);
  taps(from[0], height).forEach(({ first, weights }, y) => {
    sums.fill(halves);
    weights.forEach((weight, i) => addRow(sums, rgba, 4 * from[1] * (first + i), weight, columns));
    for (let channel = 0; channel < 3; channel++) {
      planes.set(sums.subarray(channel * width, (channel + 1) * width), (channel * height + y) * width);
    }
  });
  return planes;
}

/** Adds a weighted row of pixels, which starts at `offset`, to the sums (3, width). */
function addRow(sums, rgba, offset, weight, columns) {
  const width = columns.length;
  for (let x = 0; x < width; x++) {
    const { first, weights } = columns[x];
    let [red, green, blue] = [0, 0, 0];
    for (let i = 0, at = offset + 4 * first; i < weights.length; i++, at += 4) {
      red += weights[i] * rgba[at];
      green += weights[i] * rgba[at + 1];
      blue += weights[i] * rgba[at + 2];
    }
    sums[x] += weight * red;
    sums[width + x] += weight * green;
    sums[2 * width + x] += weight * blue;
  }
}
