"""Decoded images that are kept are those of the files, and only as long as these stay the same."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from PIL import Image

import keras_rbi
from keras_rbi.datasets import DatasetWarning, ImageFiles, ImageSequence, from_lists, read_image
from keras_rbi.datasets.files import image_cache as caches


@pytest.fixture
def records(tmp_path):
    paths = []
    (tmp_path / "photos").mkdir()
    for number in range(8):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 24, 3), np.uint8)
        paths.append(tmp_path / "photos" / f"{number}.png")
        Image.fromarray(pixels).save(paths[-1])
    return from_lists(paths, ["a", "b"] * 4, ["train"] * 8)


@pytest.fixture
def reads(monkeypatch):
    """Numbers of the images that are decoded."""
    done = []
    read = keras_rbi.datasets.files.image_files.read_record
    monkeypatch.setattr(
        keras_rbi.datasets.files.image_files,
        "read_record",
        lambda records, number, size: done.append(number) or read(records, number, size),
    )
    return done


def disk(records, folder, size=8, seed=0):
    return ImageFiles(records, "trainval", size, seed, cache="disk", cache_dir=folder)


def check_images(data):
    for index, path in enumerate(data.paths):
        np.testing.assert_array_equal(data.image(index), read_image(path, data.image_size))


@pytest.mark.parametrize(("cache", "decoded"), [("ram", 8), ("disk", 8), (None, 24), ("auto", 8)])
def test_images_are_those_of_the_files(records, tmp_path, reads, cache, decoded):
    folder = tmp_path / "cache" if cache == "disk" else None
    data = ImageFiles(records, "trainval", 8, cache=cache, cache_dir=folder)
    for _ in range(3):
        check_images(data)
    assert len(reads) == decoded


def test_auto_keeps_what_fits_and_ram_keeps_all(records, monkeypatch, reads):
    monkeypatch.setattr(keras_rbi.datasets.files.image_files, "AUTO_LIMIT", 8 * 8 * 8 * 3)
    fits, too_large, asked_for = (
        ImageFiles(records, "trainval", size, cache=cache)
        for size, cache in ((8, "auto"), (9, "auto"), (9, "ram"))
    )
    for data in (fits, too_large, asked_for):
        data.image(0)
        data.image(0)
    assert len(reads) == 1 + 2 + 1


def test_a_later_run_and_another_division_find_the_file(records, tmp_path, reads):
    for index in range(8):
        disk(records, tmp_path / "cache").image(index)
    (file,) = (tmp_path / "cache").iterdir()
    del reads[:]
    check_images(disk(records, tmp_path / "cache", seed=3))
    assert reads == []
    # A plain file of NumPy's, for whoever wants to see it.
    kept = np.load(file, mmap_mode="r")
    np.testing.assert_array_equal(kept["pixels"][2], read_image(records.path(2), 8))
    disk(records, tmp_path / "cache", size=9).image(0)
    assert len(list((tmp_path / "cache").iterdir())) == 2
    assert len(reads) == 1


def test_a_photograph_that_changes_is_read_anew(records, tmp_path, reads):
    check_images(disk(records, tmp_path / "cache"))
    path = records.path(3)
    before = path.stat()
    Image.new("RGB", (20, 24), (9, 8, 7)).save(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    del reads[:]
    data = disk(records, tmp_path / "cache")
    check_images(data)
    assert reads == [3]
    path.unlink()
    with pytest.raises(ValueError, match=r"no image .*3.png"):
        data.image(data.paths.index(path))


def test_what_was_written_half_way_is_read_anew(records, tmp_path, reads):
    data = disk(records, tmp_path / "cache")
    check_images(data)
    (file,) = (tmp_path / "cache").iterdir()
    kept = np.load(file, mmap_mode="r+")
    kept["pixels"][5, 0, 0] ^= 1
    kept["key"][6] = 0
    kept.flush()
    del reads[:]
    check_images(data)
    assert sorted(reads) == [5, 6]
    # Cut short, as by a process that was killed while it made the file.
    os.truncate(file, 100)
    del reads[:]
    check_images(data)
    check_images(disk(records, tmp_path / "cache"))
    assert len(reads) == 8
    assert len(np.load(file)) == 8


KILLED = """
import os, signal, sys
from pathlib import Path
from keras_rbi.datasets.files.image_cache import DiskCache
import numpy as np
cache = DiskCache(Path(sys.argv[1]), (8, 8, 3), 50, str)
for number in range(50):
    cache.put(number, np.full((8, 8, 3), number, np.uint8))
    if number == 30:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name != "posix", reason="processes are killed by a signal")
def test_a_killed_process_leaves_what_it_wrote(tmp_path):
    file = tmp_path / "images.npy"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", KILLED, str(file)], env=environment)
    assert ended.returncode == -9
    cache = caches.DiskCache(file, (8, 8, 3), 50, str)
    assert [number for number in range(50) if cache.get(number) is not None] == [*range(31)]
    assert (cache.get(30) == 30).all()


def test_two_that_write_at_once_do_no_harm(tmp_path):
    """Files are opened anew for each image, so that threads meet as processes do."""
    path, found = tmp_path / "images.npy", []

    def fill():
        cache = caches.DiskCache(path, (8, 8, 3), 20, str)
        for number in range(20):
            cache.put(number, np.full((8, 8, 3), number, np.uint8))
            image = cache.get(number)
            found.append(image is None or (image == number).all())

    threads = [threading.Thread(target=fill) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found)
    assert len(found) == 60
    cache = caches.DiskCache(path, (8, 8, 3), 20, str)
    assert all((cache.get(number) == number).all() for number in range(20))


def test_a_cache_that_cannot_be_written_is_told_of_once_and_done_without(records, tmp_path):
    (tmp_path / "cache").write_text("no folder")
    with pytest.warns(DatasetWarning, match="cannot be written") as warned:
        check_images(disk(records, tmp_path / "cache"))
    assert len(warned) == 1


def test_a_full_disk_is_told_of_once(records, tmp_path, monkeypatch):
    data = disk(records, tmp_path / "cache")
    expected = [read_image(path, 8) for path in data.paths]

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caches, "open", full, raising=False)
    with pytest.warns(DatasetWarning, match="No space left") as warned:
        got = [data.image(index) for index in range(8)]
    assert len(warned) == 1
    np.testing.assert_array_equal(got, expected)


def test_the_folder_is_that_of_keras_by_default(records, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    ImageFiles(records, "trainval", 8, cache="disk").image(0)
    assert len(list((tmp_path / "home" / "datasets" / "keras_rbi").glob("8x8-*.npy"))) == 1


def test_unfit_arguments_are_named(records, tmp_path):
    with pytest.raises(ValueError, match="cache='tape'"):
        ImageFiles(records, cache="tape")
    with pytest.raises(ValueError, match=r"cache_dir.*cache='auto'"):
        ImageFiles(records, cache_dir=tmp_path)


@pytest.mark.parametrize("cache", ["ram", None])
def test_parts_are_cut_from_larger_images(records, cache):
    data = ImageFiles(records, "trainval", 8, cache=cache)
    larger = ImageFiles(records, "trainval", 12)
    sequence = ImageSequence(data, 4, augment="torchvision", workers=0)
    images, _ = sequence[0]
    assert images.shape == (4, 8, 8, 3)
    first = int(sequence._order[0])
    own = sequence.augment(larger.image(first), np.random.default_rng([0, 0, first]), 8)
    np.testing.assert_array_equal(images[0], own)
    plain = ImageSequence(data, 4, augment="paper", workers=0)
    assert plain._source is data
