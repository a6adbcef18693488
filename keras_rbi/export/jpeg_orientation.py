"""The EXIF orientation of a JPEG, by TensorFlow operations."""

from keras_rbi.types import Tensor

EXIF_START = b"Exif\x00\x00"
# An EXIF segment holds at most this many bytes, and stands before the picture.
LONGEST_SEGMENT = 65536
SEARCHED = 2 * LONGEST_SEGMENT
ORIENTATION_TAG = 0x0112
ENTRY_BYTES = 12


def jpeg_orientation(content: Tensor) -> Tensor:
    """The EXIF orientation of a JPEG.

    Args:
        content: Scalar string tensor, the bytes of the file.

    Returns:
        Scalar int32 tensor of 1..8; 1, upright, where there is none.
    """
    import tensorflow as tf

    start = tf.strings.substr(content, 0, SEARCHED)
    data = tf.cast(tf.io.decode_raw(start, tf.uint8), tf.int32)
    mark = tf.constant(list(EXIF_START), tf.int32)
    found = tf.reduce_all(tf.equal(tf.signal.frame(data, len(EXIF_START), 1), mark), axis=-1)
    places = tf.where(found)[:, 0]

    def read() -> Tensor:
        tiff = data[tf.cast(places[0], tf.int32) + len(EXIF_START) :]
        # Bytes behind the end read as 0.
        tiff = tf.pad(tiff, [[0, 64]])
        last = tf.size(tiff) - 4
        big = tf.equal(tiff[0], ord("M"))

        def number(at: Tensor, count: int) -> Tensor:
            part = tiff[tf.clip_by_value(at, 0, last) :][:count]
            part = tf.cond(big, lambda: part, lambda: tf.reverse(part, [0]))
            powers = tf.constant([256**power for power in range(count)][::-1], tf.int32)
            return tf.reduce_sum(part * powers)

        directory = tf.minimum(number(tf.constant(4), 4), last)
        entries = tf.minimum(number(directory, 2), LONGEST_SEGMENT // ENTRY_BYTES)
        begins = directory + 2 + ENTRY_BYTES * tf.range(entries)
        tags = tf.map_fn(lambda at: number(at, 2), begins)
        values = tf.map_fn(lambda at: number(at + 8, 2), begins)
        chosen = tf.boolean_mask(values, tf.equal(tags, ORIENTATION_TAG))
        value = tf.reduce_max(tf.concat([chosen[:1], [1]], 0))
        return tf.where((value >= 1) & (value <= 8), value, 1)

    return tf.cond(tf.size(places) > 0, read, lambda: tf.constant(1))


def upright(image: Tensor, orientation: Tensor) -> Tensor:
    """Turns and mirrors an image so that it stands as it was seen.

    Args:
        image: Tensor of shape `(height, width, channels)`.
        orientation: Scalar int32 tensor, the EXIF orientation.

    Returns:
        The image; its height and width are exchanged by orientations above 4.
    """
    import tensorflow as tf

    transposed = tf.cond(orientation > 4, lambda: tf.transpose(image, (1, 0, 2)), lambda: image)
    upside_down = tf.reduce_any(tf.equal(orientation, [3, 4, 7, 8]))
    mirrored = tf.reduce_any(tf.equal(orientation, [2, 3, 6, 7]))
    flipped = tf.cond(upside_down, lambda: tf.reverse(transposed, [0]), lambda: transposed)
    return tf.cond(mirrored, lambda: tf.reverse(flipped, [1]), lambda: flipped)
