// Logits of a resized image become the class of each pixel of the image itself.

/**
 * The class with the highest logit of each pixel, after bilinear resizing, and its probability.
 *
 * @param {Float32Array} logits Logits (K, h, w).
 * @param {number[]} shape [K, h, w].
 * @param {number[]} size [height, width] in pixels of the result.
 * @returns {{ids: Uint8Array, confidence: Uint8Array}} Each (height, width); confidence is the probability times 255.
 */
export function classesOf(logits, shape, size) {
  const [classes, h, w] = shape;
  const [height, width] = size;
  const ids = new Uint8Array(height * width);
  const confidence = new Uint8Array(height * width);
  const columns = Array.from({ length: width }, (_, x) => between(x, width, w));
  const row = new Float32Array(classes * w);
  const pixel = new Float32Array(classes);
  for (let y = 0; y < height; y++) {
    blendRows(row, logits, shape, between(y, height, h));
    for (let x = 0; x < width; x++) {
      const { low, high, weight } = columns[x];
      let best = 0;
      for (let k = 0; k < classes; k++) {
        pixel[k] = row[k * w + low] * (1 - weight) + row[k * w + high] * weight;
        if (pixel[k] > pixel[best]) best = k;
      }
      ids[y * width + x] = best;
      confidence[y * width + x] = Math.round(255 / sumOfExponentials(pixel, pixel[best]));
    }
  }
  return { ids, confidence };
}

/** Between which inputs an output lies, as torch's `interpolate` places it without `align_corners`. */
function between(index, outputs, inputs) {
  const at = Math.max(((index + 0.5) * inputs) / outputs - 0.5, 0);
  const low = Math.min(Math.floor(at), inputs - 1);
  return { low, high: Math.min(low + 1, inputs - 1), weight: at - low };
}

function blendRows(row, logits, [classes, h, w], { low, high, weight }) {
  for (let k = 0; k < classes; k++) {
    const above = (k * h + low) * w;
    const below = (k * h + high) * w;
    for (let x = 0; x < w; x++) {
      row[k * w + x] = logits[above + x] * (1 - weight) + logits[below + x] * weight;
    }
  }
}

function sumOfExponentials(values, highest) {
  let sum = 0;
  for (const value of values) sum += Math.exp(value - highest);
  return sum;
}
