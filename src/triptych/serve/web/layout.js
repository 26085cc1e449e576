// Corrections as files in the layout of the model's data set: as the server writes them.
import { facts } from "./facts.js";
import { writeIds } from "./png.js";

const palette = Array.from({ length: 256 }, (_, id) => facts.palette?.[id] ?? [0, 0, 0]);

/** A PNG of class ids, 8 bits with the palette of the classes. */
export const maskFile = (ids, { width, height }) => writeIds(ids, width, height, palette);

/**
 * The files of corrections, by path.
 *
 * @param {{given, label, said}[]} corrections What was given, what its label should be, and the answer of the model.
 */
export async function filesOf(corrections) {
  const files = new Map();
  const rows = [];
  const taken = new Set();
  for (const { given, label, said } of corrections) {
    const stem = freeStem(given.stem, taken);
    files.set(`${folder}/${stem}${given.suffix}`, await bytesOf(given.file));
    if (facts.task === "mask") {
      files.set(`labels/${stem}_P.png`, await maskFile(label, given));
      files.set(`said/${stem}.png`, await maskFile(said.ids, given));
    } else {
      files.set(`said/${stem}.json`, encoded(`${JSON.stringify(said, null, 1)}\n`));
      rows.push(...rowsOf[facts.task](stem, label, given));
    }
  }
  files.set(...index(rows));
  return files;
}

const folder = { labels: "train-jpg", category: "texts" }[facts.task] ?? "images";

/** The file that names the classes, or has all labels. */
function index(rows) {
  if (facts.task === "mask") return ["codes.txt", encoded(facts.names.map((name) => `${name}\n`).join(""))];
  if (facts.task === "labels") return ["train_v2.csv", csvOf(["image_name", "tags"], rows)];
  if (facts.task === "category") return ["texts.csv", csvOf(["label", "text", "is_valid"], rows)];
  return ["points.csv", csvOf(facts.has_point_names ? ["path", "name", "y_px", "x_px"] : ["path", "y_px", "x_px"], rows)];
}

/** The rows of a correction in its table. */
const rowsOf = {
  point: (stem, points, { suffix }) => pointRows(stem + suffix, points),
  labels: (stem, tags) => [[stem, tagCell(tags)]],
  category: (stem, category, { text }) => [[category, text, "False"]],
};

function pointRows(file, points) {
  const place = ({ y, x }) => [y.toFixed(2), x.toFixed(2)];
  return points.map((point) => [`images/${file}`, ...(facts.has_point_names ? [point.name] : []), ...place(point)]);
}

/** Tags with spaces between them; a list in JSON if a tag is no word. */
function tagCell(tags) {
  return facts.names.every((name) => /^[\w-]+$/.test(name)) ? tags.join(" ") : JSON.stringify(tags);
}

function csvOf(header, rows) {
  const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return encoded([header, ...rows].map((row) => `${row.map(cell).join(",")}\n`).join(""));
}

function freeStem(stem, taken) {
  let free = stem;
  for (let number = 2; taken.has(free.toLowerCase()); number++) free = `${stem}_${number}`;
  taken.add(free.toLowerCase());
  return free;
}

const encoded = (text) => new TextEncoder().encode(text);
const bytesOf = async (file) => new Uint8Array(await file.arrayBuffer());
