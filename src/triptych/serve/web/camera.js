// A photo from the camera: the system's own application on a phone or tablet, else a live view.
import { byId, say } from "./dom.js";

/** Calls `open` with each photo that is taken. */
export function watchCamera(open) {
  const [dialog, video] = [byId("camera"), byId("live")];
  byId("photograph").addEventListener("click", () => {
    const isHeld = matchMedia("(pointer: coarse)").matches;
    if (isHeld || !navigator.mediaDevices?.getUserMedia) byId("capture").click();
    else show(dialog, video);
  });
  byId("shoot").addEventListener("click", async () => {
    const photo = await frameOf(video);
    dialog.close();
    open(photo);
  });
  byId("leave").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    video.srcObject?.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  });
}

async function show(dialog, video) {
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } } });
    dialog.showModal();
    await video.play();
  } catch (error) {
    dialog.close();
    say(`No photo: the camera cannot be used (${error.name}). Choose a file instead.`, { wrong: true });
  }
}

async function frameOf(video) {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 });
  return new File([blob], "photo.jpg", { type: blob.type });
}
