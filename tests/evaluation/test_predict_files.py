import os
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from keras_rbi.evaluation import find_images, predict_files


def mean_color(images):
    """A model that is plain to see through: three classes, red, green and blue."""
    return images.astype("float64").mean(axis=(1, 2)) / 255


def save(path, colour, side=8):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (side, side), colour).save(path)
    return path


def test_files_and_folders_are_found_in_order_and_once(tmp_path):
    names = ["b/2.png", "b/10.JPG", "b/inner/deep/1.webp", "a.png"]
    for name in names:
        save(tmp_path / name, (0, 0, 0))
    (tmp_path / "b" / "notes.txt").write_text("no image")
    save(tmp_path / "b" / ".hidden.png", (0, 0, 0))
    save(tmp_path / "b" / ".cache" / "x.png", (0, 0, 0))
    found = find_images([tmp_path / "b", tmp_path / "a.png", tmp_path / "b" / "2.png"])
    relative = [path.relative_to(tmp_path).as_posix() for path in found]
    assert relative == ["b/2.png", "b/10.JPG", "b/inner/deep/1.webp", "a.png"]


def test_what_is_missing_or_empty_is_an_error(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"no images in the folder .*empty"):
        find_images([tmp_path / "empty"])
    with pytest.raises(ValueError, match=r"no image or folder .*none"):
        find_images([tmp_path / "none"])


def test_each_file_gets_its_own_answer_whatever_cannot_be_read(tmp_path):
    rng = np.random.default_rng(0)
    colours, files = {}, []
    for number in range(50):
        path = tmp_path / f"{number:02}.png"
        if number in (0, 1, 17, 18, 49):
            path.write_bytes(b"no picture")
        else:
            colours[path] = rng.integers(0, 256, 3)
            save(path, tuple(map(int, colours[path])))
        files.append(path)
    sizes = []

    def predict(images):
        sizes.append(len(images))
        return mean_color(images)

    predictions = list(predict_files(predict, files, image_size=4, batch_size=8))
    assert [prediction.path for prediction in predictions] == files
    for prediction in predictions:
        if prediction.path in colours:
            np.testing.assert_allclose(prediction.probabilities, colours[prediction.path] / 255)
            assert prediction.error is None
        else:
            assert prediction.probabilities is None
            assert str(prediction.path) in prediction.error
    # Those that cannot be read take no place in a batch.
    assert sizes == [8, 8, 8, 8, 8, 5]


def test_files_that_can_all_not_be_read_are_all_told(tmp_path):
    files = [tmp_path / f"{number}.png" for number in range(5)]
    predictions = list(predict_files(mean_color, files, image_size=4, batch_size=2))
    assert [prediction.path for prediction in predictions] == files
    assert all("no image" in prediction.error for prediction in predictions)


def peak(files):
    """The most memory held, in bytes, while every prediction is thrown away."""
    tracemalloc.start()
    try:
        count = sum(1 for _ in predict_files(mean_color, files, image_size=64, batch_size=4))
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_files(tmp_path):
    first = save(tmp_path / "0.png", (1, 2, 3))
    files = [first]
    for number in range(1, 600):
        os.link(first, tmp_path / f"{number}.png")
        files.append(tmp_path / f"{number}.png")
    _, few = peak(files[:100])
    count, many = peak(files)
    assert count == 600
    # 500 images more, of 12 KiB each, would be 6 MiB.
    assert many < few + 2**20


def test_what_is_left_is_not_read_when_nobody_asks_for_it(tmp_path):
    first = save(tmp_path / "0.png", (1, 2, 3))
    asked = []

    def files():
        for _ in range(1000):
            asked.append(first)
            yield first

    predictions = predict_files(mean_color, files(), image_size=4, batch_size=2)
    next(predictions)
    predictions.close()
    assert len(asked) < 10
