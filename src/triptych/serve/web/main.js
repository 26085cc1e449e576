// Ties image, model, view and corrections together.
import { watchCamera } from "./camera.js";
import { byId, say } from "./dom.js";
import { facts } from "./facts.js";
import { BrowserModel } from "./in_browser.js";
import { watchInputs } from "./inputs.js";
import { MaskView } from "./mask_view.js";
import { ServerModel } from "./on_server.js";
import { openPicture } from "./picture.js";
import { PointView } from "./point_view.js";
import { save } from "./save.js";
import { Stage } from "./stage.js";
import { TagView } from "./tag_view.js";

const Views = { mask: MaskView, point: PointView, labels: TagView };
const view = new Views[facts.task](byId("result"), () => correct(true));
const stage = new Stage(view);
const model = facts.backend === "server" ? new ServerModel() : new BrowserModel();
let shown = null; // the picture and its answer
let asked = 0;

async function open(file) {
  const number = ++asked;
  correct(false);
  byId("wrong").disabled = true;
  try {
    const picture = await openPicture(file);
    if (number !== asked) return;
    shown = null;
    view.clear();
    stage.show(picture);
    say("The model looks at the image …");
    document.body.classList.add("busy");
    await answer(picture, number);
  } catch (error) {
    if (number === asked) say(error.message, { wrong: true });
  } finally {
    if (number === asked) document.body.classList.remove("busy");
  }
}

async function answer(picture, number) {
  const start = performance.now();
  const said = await model.predict(picture);
  if (number !== asked) return; // another image came in between
  shown = { picture, said };
  view.show(picture, said, stage);
  byId("wrong").disabled = false;
  say(`${view.summary} · ${((performance.now() - start) / 1000).toFixed(1)} s`);
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
    const where = await save({ picture: shown.picture, said: shown.said, label: structuredClone(view.label) });
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

watchInputs(open);
watchCamera(open);
byId("wrong").addEventListener("click", () => correct(true));
byId("cancel").addEventListener("click", cancel);
byId("save").addEventListener("click", keep);
addEventListener("keydown", watchKeys);
model.ready.catch((error) => say(error.message, { wrong: true }));
