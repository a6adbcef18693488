// Thumbnails, made in a thread of their own so that the page answers clicks meanwhile.

onmessage = async ({ data: { number, file, side } }) => {
  try {
    // Decoded, made smaller, and turned as the camera was held.
    const small = await createImageBitmap(file, {
      imageOrientation: "from-image", resizeWidth: side, resizeQuality: "medium",
    });
    const { width, height } = small;
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext("2d").drawImage(small, 0, 0);
    small.close();
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });
    postMessage({ number, made: { blob, width, height } });
  } catch {
    postMessage({ number, made: null });
  }
};
