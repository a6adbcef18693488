"""Decoding in processes that are killed at their limits."""

import asyncio
import contextlib
import doctest
import math
import os
import subprocess
import sys
import zlib

import numpy as np
import pytest
from pictures import encoded, png
from PIL import Image

from keras_rbi.datasets.files.reading import decode_image

pytest.importorskip("fastapi")

from keras_rbi.serving import decoding_lane, jpeg_scans
from keras_rbi.serving.decoders import Decoders
from keras_rbi.serving.decoding_lane import DecodingLane
from keras_rbi.serving.images import MAX_SCANS, seconds_to_decode
from keras_rbi.serving.limits import Limits

SIDE = 32


def photograph(width, height, form="JPEG", **options):
    coarse = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
    return encoded(Image.fromarray(coarse).resize((width, height)), form, **options)


def of_scans(count, side=64):
    jpeg = encoded(Image.new("RGB", (side, side)), "JPEG", progressive=True)
    end = jpeg.rfind(b"\xff\xd9")
    last = jpeg[jpeg.rfind(b"\xff\xda", 0, end) : end]
    return jpeg[:end] + last * (count - jpeg.count(b"\xff\xda")) + jpeg[end:]


def decoded(contents, **limits):
    """What each image gives, pixels or the error, in processes with these limits."""

    async def run():
        decoders = Decoders(SIDE, Limits(**limits))
        await decoders.start()
        try:
            return [await one(decoders, content) for content in contents]
        finally:
            await decoders.stop()

    async def one(decoders, content):
        try:
            return await decoders.decode(content, "x.jpg")
        except ValueError as error:
            return str(error)

    return asyncio.run(run())


def test_more_pixels_than_pillow_takes_are_taken_where_they_are_allowed():
    large = encoded(Image.new("1", (9500, 9500), 1), "PNG")
    assert Image.MAX_IMAGE_PIXELS < 9500**2
    (found,) = decoded([large], max_pixels=100_000_000)
    np.testing.assert_array_equal(found, np.full((SIDE, SIDE, 3), 255))
    (refused,) = decoded([large], max_pixels=90_000_000)
    assert "more than 90000000" in refused


def test_pixels_are_those_that_files_give():
    contents = [
        photograph(1600, 1200),
        photograph(
            1600,
            1200,
            progressive=True,
            exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0",
        ),
        photograph(50, 70, "PNG"),
        photograph(300, 200, "WEBP"),
        # By its header a slow one.
        photograph(4000, 2000, "PNG", compress_level=1),
    ]
    for found, content in zip(decoded(contents), contents, strict=True):
        np.testing.assert_array_equal(found, decode_image(content, "x.jpg", SIDE))


def test_what_takes_too_long_or_too_much_is_ended_and_the_next_one_decoded():
    small = png((1, 2, 3))
    # A million texts before the pixels, which take seconds and no memory.
    text = b"tEXta\0"
    chunk = (2).to_bytes(4, "big") + text + zlib.crc32(text).to_bytes(4, "big")
    slow = small[:33] + chunk * 1_000_000 + small[33:]
    first, second, third, fourth = decoded(
        [slow, small, encoded(Image.new("1", (7000, 7000)), "PNG"), small],
        decode_seconds=1.0,
        decode_bytes=2**27,
    )
    assert (
        "'x.jpg' is too costly an image: it takes more than 1 s of a processor or 128 MiB" in first
    )
    assert "too costly" in third
    for found in (second, fourth):
        np.testing.assert_array_equal(found, np.broadcast_to((1, 2, 3), (SIDE, SIDE, 3)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (of_scans(MAX_SCANS + 1), "33 scans, more than 32"),
        (
            encoded(Image.new("L", (8, 8)), "JPEG").replace(
                b"\xff\xdb", b"\xff\xfe\0\2" * 5000 + b"\xff\xdb", 1
            ),
            "segments",
        ),
        (encoded(Image.new("1", (70_000, 2)), "PNG"), "70000 x 2 pixels, a side above 65535"),
        (encoded(Image.new("1", (3000, 3000)), "PNG"), "more than 5000000"),
        (b"words", "not an image"),
    ],
)
def test_headers_that_tell_of_too_much_are_refused(content, message):
    with pytest.raises(ValueError, match=message):
        seconds_to_decode(content, "x.jpg", 5_000_000)
    (found,) = decoded([content], max_pixels=5_000_000)
    assert message in found


def test_scans_are_counted_to_the_end_of_the_picture():
    assert jpeg_scans.count_scans(of_scans(25)) == 25
    assert jpeg_scans.count_scans(photograph(64, 64)) == 1
    # Another picture behind it, as cameras write them, and one in front, in a segment.
    assert jpeg_scans.count_scans(of_scans(20) + of_scans(25)) == 20
    preview = of_scans(12, 8)
    head = b"\xff\xd8\xff\xe1" + (len(preview) + 2).to_bytes(2, "big")
    assert jpeg_scans.count_scans(head + preview + photograph(8, 8)[2:]) == 1
    assert jpeg_scans.count_scans(png((1, 2, 3))) == 0
    assert jpeg_scans.count_scans(b"\xff\xd8") == 0
    tried = doctest.testmod(jpeg_scans)
    assert tried.attempted
    assert not tried.failed


# Seconds for which what is lighter, and comes later, goes first.
@pytest.mark.parametrize(
    ("second", "order_of_those"),
    [
        (60.0, ["light", "light too", "middle", "heavy"]),
        (0.0, ["heavy", "light", "light too", "middle"]),
    ],
)
def test_light_images_go_first_and_pass_no_one_for_long(second, order_of_those, monkeypatch):
    monkeypatch.setattr(decoding_lane, "WEIGHT_A_SECOND", 1 / second if second else math.inf)
    order, gate = [], asyncio.Event()

    class Process:
        async def start(self):
            pass

        async def kill(self):
            pass

        async def decode(self, content, name, most_seconds, seconds):
            await gate.wait()
            order.append(name)

    async def run():
        lane = DecodingLane([Process()], 1.0, 1.0, ahead=True)
        lane.start()
        begun = asyncio.create_task(lane.decode(b"", "begun", 9))
        await asyncio.sleep(0.01)
        weights = {"heavy": 3, "light": 1, "light too": 1, "left": 0, "middle": 2}
        tasks = {
            name: asyncio.create_task(lane.decode(b"", name, weight))
            for name, weight in weights.items()
        }
        await asyncio.sleep(0.01)
        tasks.pop("left").cancel()
        gate.set()
        await asyncio.gather(begun, *tasks.values())
        await lane.stop()

    asyncio.run(run())
    assert order == ["begun", *order_of_those]


def test_a_process_knows_no_keras_and_ends_with_its_service():
    code = "import keras_rbi_decoder as d, sys; print(*sys.modules, file=sys.stderr); d.main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "8", "100", str(2**30), "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    # What a terminal and a supervisor send to all processes of a service.
    replied = process.stdout.read(1)
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(0.2)
    assert process.poll() is None
    _, errors = process.communicate(timeout=60)
    assert (replied, process.returncode) == (b"+", 0)
    loaded = errors.decode().split()
    assert "PIL" in loaded
    assert not {"keras", "tensorflow", "jax", "torch", "scipy", "fastapi"} & set(loaded)
