// An image as what the model answers for: chosen, dropped, pasted or photographed, then shown.
import { watchCamera } from "./camera.js";
import { watchInputs } from "./inputs.js";
import { openPicture } from "./picture.js";
import { Stage } from "./stage.js";

export class ImageInput {
  waiting = "The model looks at the image …";
  read = openPicture;

  /** `open` is called with each file that the user gives. */
  constructor(view, open) {
    this.stage = new Stage(view);
    watchInputs(open);
    watchCamera(open);
  }

  show(picture) {
    this.stage.show(picture);
  }
}
