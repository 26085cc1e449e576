// The ways to give an image: choose a file, drop it, paste it.
import { byId } from "./dom.js";

/** Calls `open` with each file that the user gives. */
export function watchInputs(open) {
  const give = (files) => files?.length && open(files[0]);
  for (const input of document.querySelectorAll('input[type="file"]')) {
    input.addEventListener("change", () => {
      give([...input.files]);
      input.value = ""; // the same file can be chosen again
    });
  }
  byId("choose").addEventListener("click", () => byId("file").click());
  byId("prompt").addEventListener("click", () => byId("file").click());
  addEventListener("paste", (event) => give(event.clipboardData.files));
  addEventListener("dragover", (event) => {
    event.preventDefault();
    byId("stage").classList.add("over");
  });
  addEventListener("dragleave", (event) => event.relatedTarget ?? byId("stage").classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    byId("stage").classList.remove("over");
    give(event.dataTransfer.files);
  });
}
