// An image as the user gave it: its file, unchanged, and its pixels as they are seen.

const MOST_PIXELS = 50e6;
const SUFFIXES = {
  "image/jpeg": ".jpg",
  "image/png": ".png",
  "image/webp": ".webp",
  "image/bmp": ".bmp",
  "image/tiff": ".tif",
};

/** Opens an image file, turned as its camera says, in the colours that the file holds. */
export async function openPicture(file) {
  const name = file.name || "image";
  const asStored = { imageOrientation: "from-image", colorSpaceConversion: "none", premultiplyAlpha: "none" };
  const bitmap = await createImageBitmap(file, asStored).catch(() => {
    throw new Error(`${name}: expected an image that this browser can show, such as PNG, JPEG or WebP.`);
  });
  const { width, height } = bitmap;
  if (width * height > MOST_PIXELS) {
    bitmap.close();
    throw new Error(`${name}: expected at most 50 megapixels, got ${width} x ${height}; make it smaller.`);
  }
  return { file, bitmap, width, height, name, stem: plainStem(name), suffix: SUFFIXES[file.type] };
}

/** The name of a file without what may not stand in a name of a data set. */
function plainStem(name) {
  const stem = name.replace(/\.[^.]*$/, "").replace(/[^A-Za-z0-9-]+/g, "_");
  return stem.replace(/^[_-]+|[_-]+$/g, "").slice(0, 60) || "image";
}
