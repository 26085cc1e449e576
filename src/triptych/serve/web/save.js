// Saves corrections: on the server, or as a zip file with all corrections since the page was opened.
import { facts } from "./facts.js";
import { filesOf, maskFile } from "./layout.js";
import { posted } from "./on_server.js";
import { zipOf } from "./zip.js";

const kept = [];

/** Saves a correction, and says where it is. */
export async function save(correction) {
  if (!correction.given.suffix) {
    throw new Error("A data set takes PNG, JPEG, WebP, BMP or TIFF; convert the image before you correct it.");
  }
  return facts.backend === "server" ? sent(correction) : zipped(correction);
}

async function sent({ given, label }) {
  const right = facts.task === "mask" ? new Blob([await maskFile(label, given)]) : JSON.stringify(label);
  const { saved } = await posted("corrections", { [facts.input]: given.file, label: right, name: given.name });
  return `Saved on the server: ${saved}`;
}

async function zipped(correction) {
  kept.push(correction);
  const address = URL.createObjectURL(zipOf(await filesOf(kept)));
  Object.assign(document.createElement("a"), { href: address, download: "corrections.zip" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  return `Saved: corrections.zip, with ${kept.length === 1 ? `this ${facts.input}` : `${kept.length} corrected ${facts.input}s`}`;
}
