// Zip files without compression: images are compressed already.
import { crc32 } from "./crc.js";

const NAMES_IN_UTF8 = 0x800;
const FIRST_DAY = 0x21; // of 1980

/**
 * A zip file.
 *
 * @param {Map<string, Uint8Array>} files Content by path.
 */
export function zipOf(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [path, content] of files) {
    const name = new TextEncoder().encode(path);
    const about = [20, NAMES_IN_UTF8, 0, 0, FIRST_DAY, [crc32(content)], [content.length], [content.length], name.length];
    const head = numbers([0x04034b50], ...about, 0);
    parts.push(head, name, content);
    directory.push(numbers([0x02014b50], 20, ...about, 0, 0, 0, 0, [0], [offset]), name);
    offset += head.length + name.length + content.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = numbers([0x06054b50], 0, 0, files.size, files.size, [size], [offset], 0);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/** Little-endian numbers of two bytes, or of four if they are in brackets. */
function numbers(...values) {
  const bytes = new Uint8Array(values.reduce((sum, value) => sum + (Array.isArray(value) ? 4 : 2), 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const value of values) {
    if (Array.isArray(value)) view.setUint32(at, value[0], true);
    else view.setUint16(at, value, true);
    at += Array.isArray(value) ? 4 : 2;
  }
  return bytes;
}
