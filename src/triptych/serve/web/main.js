// Ties input, model, view and corrections together.
import { CategoryView } from "./category_view.js";
import { byId, say } from "./dom.js";
import { facts } from "./facts.js";
import { ImageInput } from "./image_input.js";
import { BrowserModel } from "./in_browser.js";
import { MaskView } from "./mask_view.js";
import { ServerModel } from "./on_server.js";
import { PointView } from "./point_view.js";
import { save } from "./save.js";
import { TagView } from "./tag_view.js";
import { TextInput } from "./text_input.js";

const Views = { mask: MaskView, point: PointView, labels: TagView, category: CategoryView };
const Inputs = { image: ImageInput, text: TextInput };
const view = new Views[facts.task](byId("result"), () => correct(true));
const input = new Inputs[facts.input](view, open);
const model = facts.backend === "server" ? new ServerModel() : new BrowserModel();
let shown = null; // what was given, and its answer
let asked = 0;

async function open(raw) {
  const number = ++asked;
  correct(false);
  byId("wrong").disabled = true;
  try {
    const given = await input.read(raw);
    if (number !== asked) return;
    shown = null;
    view.clear();
    input.show(given);
    say(input.waiting);
    document.body.classList.add("busy");
    await answer(given, number);
  } catch (error) {
    if (number === asked) say(error.message, { wrong: true });
  } finally {
    if (number === asked) document.body.classList.remove("busy");
  }
}

async function answer(given, number) {
  const start = performance.now();
  const said = await model.predict(given);
  if (number !== asked) return; // another one came in between
  shown = { given, said };
  view.show(given, said, input.stage);
  byId("wrong").disabled = false;
  say(`${view.summary} · ${((performance.now() - start) / 1000).toFixed(1)}\u00a0s`);
}

/** Begins or ends a correction. */
function correct(on) {
  if (on === document.body.classList.contains("correcting") || (on && byId("wrong").hidden)) return;
  document.body.classList.toggle("correcting", on);
  view.correct(on);
  if (on) say(hints[facts.task]);
}

const hints = {
  mask: "Choose a class, then paint over what is wrong.",
  point: "Drag each point to where it belongs, then save.",
  labels: "Tick the tags that are right, then save.",
  category: "Choose the category that is right, then save.",
};

function cancel() {
  view.restore();
  correct(false);
  say(view.summary);
  byId("wrong").focus();
}

async function keep() {
  byId("save").disabled = true;
  try {
    const where = await save({ ...shown, label: structuredClone(view.label) });
    correct(false);
    say(where);
    byId("wrong").focus();
  } catch (error) {
    say(error.message, { wrong: true });
  } finally {
    byId("save").disabled = false;
  }
}

function watchKeys(event) {
  const isUndo = event.key === "z" && (event.ctrlKey || event.metaKey);
  if (!document.body.classList.contains("correcting")) return;
  if (event.key === "Escape") cancel();
  if (isUndo) view.undo();
}

byId("wrong").addEventListener("click", () => correct(true));
byId("cancel").addEventListener("click", cancel);
byId("save").addEventListener("click", keep);
addEventListener("keydown", watchKeys);
model.ready.catch((error) => say(error.message, { wrong: true }));
