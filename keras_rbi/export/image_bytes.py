"""Decoding of image files by TensorFlow, near to how this package reads them."""

from keras_rbi.export.jpeg_orientation import jpeg_orientation, upright
from keras_rbi.types import Tensor

JPEG_START = b"\xff\xd8\xff"


def decode_images(files: Tensor, image_shape: tuple[int, int, int]) -> Tensor:
    """Decodes and resizes the bytes of JPEG and PNG files.

    Transparency is dropped and the picture resized to the model's size by the mean of the pixels
    that fall together, as `keras_rbi.datasets` does, and a JPEG is turned as the camera was held.

    Pixels are within one grey level of those of `keras_rbi.datasets`; a PNG of the model's size is
    the same to the bit. A JPEG that is so large that it is read there at a smaller scale is decoded
    as a whole here, and comes within some grey levels.

    Args:
        files: String tensor of shape `(batch,)`.
        image_shape: Height, width and channels of the images.

    Returns:
        float32 tensor of shape `(batch, height, width, 3)`, integers of 0..255.
    """
    import tensorflow as tf

    def decode(content: Tensor) -> Tensor:
        image = tf.cond(
            tf.equal(tf.strings.substr(content, 0, len(JPEG_START)), JPEG_START),
            lambda: upright(
                tf.io.decode_jpeg(content, channels=3, dct_method="INTEGER_ACCURATE"),
                jpeg_orientation(content),
            ),
            lambda: tf.io.decode_png(content, channels=3),
        )
        resized = tf.image.resize(image, image_shape[:2], method="bilinear", antialias=True)
        return tf.ensure_shape(tf.round(tf.clip_by_value(resized, 0.0, 255.0)), image_shape)

    return tf.map_fn(decode, files, fn_output_signature=tf.TensorSpec(image_shape, tf.float32))
