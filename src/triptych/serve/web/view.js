// What the page asks of the view of a task.

/** Shows the answer for an image or a text, and takes corrections of it; a place is {y, x} in pixels of the image. */
export class View {
  /** What should have been answered, as `POST /corrections` takes it; a mask as ids. */
  get label() {
    return null;
  }

  /** The answer in a few words. */
  get summary() {
    return "";
  }

  /** Shows an answer. */
  show(given, answer, stage) {}

  /** Shows the answer again as the model gave it. */
  restore() {}

  /** Removes an answer from the image, which another one replaces. */
  clear() {}

  /** Begins or ends a correction. */
  correct(on) {}

  /** Takes back the last step of a correction. */
  undo() {}

  /** The cursor is at a place; null if it has left the image. It is `spoken` if the keyboard moved it. */
  look(place, { spoken } = {}) {}

  press(place) {}
  drag(place) {}
  release() {}
}
