// PNG files of one value a pixel: a canvas would give colours instead of class ids.
import { crc32 } from "./crc.js";

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const GREY = 0;
const PALETTE = 3;

/**
 * Writes class ids as an 8-bit PNG with a palette.
 *
 * @param {Uint8Array} ids Ids (height, width).
 * @param {number[][]} palette RGB of each id.
 */
export async function writeIds(ids, width, height, palette) {
  const rows = new Uint8Array(height * (width + 1)); // each begins with its filter, 0
  for (let y = 0; y < height; y++) rows.set(ids.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, PALETTE], 8);
  const data = await piped(rows, new CompressionStream("deflate"));
  const chunks = [chunk("IHDR", header), chunk("PLTE", palette.flat()), chunk("IDAT", data), chunk("IEND", [])];
  return new Uint8Array(await new Blob([Uint8Array.from(SIGNATURE), ...chunks]).arrayBuffer());
}

function chunk(type, content) {
  const bytes = new Uint8Array(12 + content.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(content, 8);
  view.setUint32(8 + content.length, crc32(bytes.subarray(4, 8 + content.length)));
  return bytes;
}

/** Reads the values of a PNG of at most 8 bits, grey or with a palette, that is not interlaced. */
export async function readPixels(file) {
  const parts = chunksOf(file);
  const header = parts.find(({ type }) => type === "IHDR").content;
  const view = new DataView(header.buffer, header.byteOffset);
  const [width, height, bits, kind] = [view.getUint32(0), view.getUint32(4), header[8], header[9]];
  if (bits > 8 || ![GREY, PALETTE].includes(kind) || header[12] !== 0) {
    throw new Error("The server answered with a PNG of another form than one value a pixel.");
  }
  const data = new Blob(parts.filter(({ type }) => type === "IDAT").map(({ content }) => content));
  const rows = await piped(data, new DecompressionStream("deflate"));
  const stride = Math.ceil((width * bits) / 8);
  return { width, height, pixels: unpackedBits(unfiltered(rows, stride, height), width, height, bits) };
}

function chunksOf(file) {
  const view = new DataView(file.buffer, file.byteOffset);
  const parts = [];
  for (let at = SIGNATURE.length; at < file.length; at += 12 + view.getUint32(at)) {
    const type = new TextDecoder().decode(file.subarray(at + 4, at + 8));
    parts.push({ type, content: file.subarray(at + 8, at + 8 + view.getUint32(at)) });
  }
  return parts;
}

/** Undoes the filter of each row; a pixel is at most one byte. */
function unfiltered(rows, stride, height) {
  const bytes = new Uint8Array(stride * height);
  for (let y = 0, from = 0, to = 0; y < height; y++) {
    const filter = rows[from++];
    for (let x = 0; x < stride; x++, from++, to++) {
      const left = x ? bytes[to - 1] : 0;
      const up = y ? bytes[to - stride] : 0;
      const corner = x && y ? bytes[to - stride - 1] : 0;
      bytes[to] = rows[from] + [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
    }
  }
  return bytes;
}

function paeth(left, up, corner) {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

function unpackedBits(bytes, width, height, bits) {
  if (bits === 8) return bytes;
  const [stride, each] = [bytes.length / height, 8 / bits];
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    return (bytes[y * stride + Math.floor(x / each)] >> (8 - bits * ((x % each) + 1))) & (2 ** bits - 1);
  });
}

async function piped(content, stream) {
  return new Uint8Array(await new Response(new Blob([content]).stream().pipeThrough(stream)).arrayBuffer());
}
