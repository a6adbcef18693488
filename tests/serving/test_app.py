"""The service over HTTP, with a model that is plain to see through."""

import base64
import json
import threading
import time
from collections import Counter

import numpy as np
import pytest
from mean_color import expected
from pictures import encoded, png
from PIL import Image

httpx = pytest.importorskip("httpx")
RED, GREEN, BLUE = (204, 51, 0), (0, 204, 51), (51, 0, 204)


@pytest.fixture(scope="module")
def url(serve):
    with serve(deadline=0.0, max_request_bytes=200_000, max_pixels=10_000) as (url, _):
        yield url


def files(*contents):
    return [("images", (f"{number}.png", content)) for number, content in enumerate(contents)]


def as_json(*contents):
    return {"images": [base64.b64encode(content).decode() for content in contents]}


def best(response):
    return [prediction["top"][0]["class"] for prediction in response.json()["predictions"]]


def metric(url, name):
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def test_multipart_and_json_get_the_same_answers(url):
    contents = [png(colour) for colour in (RED, GREEN, BLUE)]
    multipart = httpx.post(f"{url}/predict", files=files(*contents))
    json_body = httpx.post(f"{url}/predict", json=as_json(*contents))
    assert multipart.status_code == json_body.status_code == 200
    assert best(multipart) == best(json_body) == ["red", "green", "blue"]
    first = multipart.json()["predictions"][0]
    assert first["image"] == "0.png"
    assert [row["class"] for row in first["top"]] == ["red", "green", "blue"]
    assert [row["probability"] for row in first["top"]] == pytest.approx([0.8, 0.2, 0.0])
    assert json_body.json()["predictions"][0]["top"] == first["top"]
    assert json_body.json()["predictions"][0]["image"] == "image 0"


def test_top_says_how_many_classes(url):
    response = httpx.post(f"{url}/predict?top=1", files=files(png(RED)))
    assert len(response.json()["predictions"][0]["top"]) == 1
    assert httpx.post(f"{url}/predict?top=0", files=files(png(RED))).status_code == 422


def test_images_of_other_sizes_and_formats_are_read_as_files_are(url):
    image = Image.new("RGB", (40, 20), GREEN)
    for form in ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"):
        response = httpx.post(f"{url}/predict", files=files(encoded(image, form)))
        (prediction,) = response.json()["predictions"]
        by_class = {row["class"]: row["probability"] for row in prediction["top"]}
        got = [by_class[name] for name in ("red", "green", "blue")]
        np.testing.assert_allclose(got, expected(np.full((8, 8, 3), GREEN)), atol=0.02)


def broken(name):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3))
    return {
        "words": b"no picture",
        "nothing": b"",
        "half a file": png(pixels)[:2000],
        "a head that is cut": encoded(Image.new("RGB", (64, 64)), "JPEG")[:100],
        "too many pixels": encoded(Image.new("RGB", (200, 100)), "PNG"),
        "a format that starts programs": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n",
    }[name]


BROKEN = {
    "words": "not an image",
    "nothing": "not an image",
    "half a file": "cannot be read",
    "a head that is cut": "cannot be read as an image",
    "too many pixels": "200 x 100 pixels, more than 10000",
    "a format that starts programs": "not an image",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_bad_image_gets_its_reason_and_its_neighbours_their_answers(url, name):
    content = broken(name)
    alone = httpx.post(f"{url}/predict", files=files(content))
    assert alone.status_code == 400
    assert BROKEN[name] in alone.json()["detail"]
    for response in (
        httpx.post(f"{url}/predict", files=files(png(RED), content, png(BLUE))),
        httpx.post(f"{url}/predict", json=as_json(png(RED), content, png(BLUE))),
    ):
        assert response.status_code == 200
        first, second, third = response.json()["predictions"]
        assert first["top"][0]["class"] == "red"
        assert third["top"][0]["class"] == "blue"
        assert BROKEN[name] in second["error"]
        assert "top" not in second


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "not JSON"),
        (b"[1]", 'no list "images"'),
        (b'{"images": "abc"}', 'no list "images"'),
        (b'{"images": []}', "no images"),
        (b'{"images": ["***"]}', "not base64"),
        (b'{"images": [7, null, "\\u00e4"]}', "not base64"),
        (b'{"images": ["data:image/png;base64,AAAA"]}', "without line breaks and 'data:"),
        (b'{"images": ["AAAA"], "images": []}', "has a name twice"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_json_that_is_not_understood_is_told_why(url, body, message):
    response = httpx.post(
        f"{url}/predict", content=body, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400
    assert message in response.json()["detail"]


def test_a_file_that_is_named_without_its_sign_is_told_and_not_passed_over(url):
    parts = [("images", (None, "a.jpg")), *files(png(RED)), ("note", (None, "words"))]
    response = httpx.post(f"{url}/predict", files=parts)
    assert response.status_code == 200
    first, second = response.json()["predictions"]
    assert (first["image"], second["image"]) == ("image 0", "0.png")
    assert "text and no file. Put @ before" in first["error"]
    assert second["top"][0]["class"] == "red"
    alone = httpx.post(f"{url}/predict", files=parts[:1])
    assert alone.status_code == 400
    assert "Put @ before" in alone.json()["detail"]


def test_other_requests_are_told_how_to_ask(url):
    plain = httpx.post(f"{url}/predict", content=png(RED))
    assert plain.status_code == 415
    assert "-F images=@" in plain.json()["detail"]
    no_files = httpx.post(f"{url}/predict", files={"note": (None, "words")})
    assert no_files.status_code == 400
    assert "no images" in no_files.json()["detail"]
    torn = httpx.post(
        f"{url}/predict", content=b"--x\r\n\r\n", headers={"Content-Type": "multipart/form-data"}
    )
    assert torn.status_code == 400


def test_too_large_a_request_is_refused_with_and_without_a_declared_length(url):
    large = files(bytes(300_000))
    declared = httpx.post(f"{url}/predict", files=large)
    assert declared.status_code == 413
    assert "200000 bytes at most" in declared.json()["detail"]
    request = httpx.Request("POST", f"{url}/predict", files=large)
    request.read()
    body = request.content

    def in_pieces():
        for begin in range(0, len(body), 10_000):
            yield body[begin : begin + 10_000]

    kind = {"Content-Type": request.headers["Content-Type"]}
    chunked = httpx.post(f"{url}/predict", content=in_pieces(), headers=kind)
    assert chunked.status_code == 413
    as_one = httpx.post(
        f"{url}/predict", content=in_pieces(), headers={"Content-Type": "application/json"}
    )
    assert as_one.status_code == 413


def test_a_request_that_does_not_arrive_whole_is_given_up(serve):
    def slow():
        yield b"{"
        time.sleep(1.0)
        yield b"}"

    with serve(request_seconds=0.2) as (url, _):
        response = httpx.post(
            f"{url}/predict", content=slow(), headers={"Content-Type": "application/json"}
        )
    assert response.status_code == 408


class Blocked:
    """A model that answers when it is let."""

    class_names = ("red", "green", "blue")
    image_size = 8
    relations = "self"

    def __init__(self):
        self.go_on = threading.Event()

    def predict(self, images):
        assert self.go_on.wait(20)
        return images.astype("float64").mean(axis=(1, 2)) / 255


def waiting_requests(url, count):
    """Requests under way in threads, and the list of what they will have got."""
    responses = []
    threads = [
        threading.Thread(
            target=lambda: responses.append(
                httpx.post(f"{url}/predict", files=files(png(GREEN)), timeout=30)
            )
        )
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 20
    while httpx.get(f"{url}/health").json()["images_in_hand"] < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return threads, responses


def test_a_full_queue_answers_503_and_recovers(serve):
    model = Blocked()
    with serve(model, max_batch=2, queue=4) as (url, _):
        threads, responses = waiting_requests(url, 4)
        refused = httpx.post(f"{url}/predict", files=files(png(RED)))
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "1"
        assert metric(url, "keras_rbi_images_in_hand") == 4
        model.go_on.set()
        for thread in threads:
            thread.join(30)
        assert [response.status_code for response in responses] == [200] * 4
        assert best(httpx.post(f"{url}/predict", files=files(*[png(RED)] * 4))) == ["red"] * 4
        too_many = httpx.post(f"{url}/predict", files=files(*[png(RED)] * 5))
        assert too_many.status_code == 413
        assert "4 at most" in too_many.json()["detail"]
        assert httpx.get(f"{url}/health").json()["images_in_hand"] == 0


def test_a_stop_loses_no_request_that_has_arrived(serve):
    model = Blocked()
    with serve(model, max_batch=4) as (url, service):
        threads, responses = waiting_requests(url, 10)
        service.should_exit = True
        deadline = time.monotonic() + 20
        while service.servers and service.servers[0].is_serving():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/health")
        assert not responses
        model.go_on.set()
        for thread in threads:
            thread.join(30)
    assert [response.status_code for response in responses] == [200] * 10
    assert all(best(response) == ["green"] for response in responses)


def test_health_metrics_and_the_first_page(serve):
    with serve(deadline=0.0) as (url, _):
        check_health_metrics_and_the_first_page(url)


def check_health_metrics_and_the_first_page(url):
    httpx.post(f"{url}/predict", files=files(png(RED), png(BLUE), b"words"))
    httpx.post(f"{url}/predict", files=files(b"words"))
    assert httpx.get(f"{url}/health").json() == {
        "status": "ok",
        "relations": "self",
        "image_size": 8,
        "classes": 3,
        "images_in_hand": 0,
    }
    metrics = httpx.get(f"{url}/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert metric(url, 'keras_rbi_requests_total{endpoint="/predict",status="200"}') == 1
    assert metric(url, 'keras_rbi_requests_total{endpoint="/predict",status="400"}') == 1
    assert metric(url, 'keras_rbi_images_total{result="answered"}') == 2
    assert metric(url, 'keras_rbi_images_total{result="refused"}') == 2
    assert metric(url, "keras_rbi_batch_size_sum") == 2
    assert metric(url, 'keras_rbi_request_seconds_count{endpoint="/predict"}') == 2
    assert "POST /predict" in httpx.get(url).json()
    described = httpx.get(f"{url}/openapi.json").json()["paths"]["/predict"]["post"]
    assert set(described["requestBody"]["content"]) == {"multipart/form-data", "application/json"}


def test_the_counters_are_what_clients_saw(serve, caplog):
    class Fragile(Blocked):
        def predict(self, images):
            if np.any(images == 13):
                raise ArithmeticError("thirteen")
            return images.astype("float64").mean(axis=(1, 2)) / 255

    multipart = {"Content-Type": "multipart/form-data; boundary=x"}
    jpeg = b'--x\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n\r\n'
    asks = [
        {"files": files(png(RED))},
        {"files": files(b"words")},
        {"files": files(png((13, 0, 0)))},
        {"json": as_json(png(RED))},
        {"content": b"--x\r\n\r\n", "headers": {"Content-Type": "multipart/form-data"}},
        {"content": b"words", "headers": multipart},
        {"content": b"--x\r\nwords\r\n", "headers": multipart},
        {"content": jpeg + b"never ends", "headers": multipart},
        {"content": jpeg.replace(b"form-data", b"\xff\x00"), "headers": multipart},
        {"content": b"", "headers": multipart},
        {"data": {f"field {number}": "x" for number in range(200)}, "files": files(png(RED))},
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
        {"content": b"words"},
        {"files": files(png(RED)), "params": {"top": 0}},
        {"files": files(png(RED)), "params": {"top": "all"}},
        {"files": files(*[png(RED)] * 9)},
        {"content": bytes(300_000)},
    ]
    with serve(Fragile(), deadline=0.0, max_batch=4, queue=8, max_request_bytes=200_000) as (
        url,
        _,
    ):
        seen = Counter(httpx.post(f"{url}/predict", **ask).status_code for ask in asks)
        seen[httpx.get(f"{url}/predict").status_code] += 1
        assert {200, 400, 405, 413, 415, 422, 500} == set(seen)
        assert seen[500] == 1
        lines = httpx.get(f"{url}/metrics").text.splitlines()
        counted = {
            int(line.split('"')[3]): float(line.split()[-1])
            for line in lines
            if line.startswith('keras_rbi_requests_total{endpoint="/predict"')
        }
        assert counted == seen
        assert metric(url, 'keras_rbi_request_seconds_count{endpoint="/predict"}') == len(asks) + 1


def test_a_mistake_of_the_model_is_a_500_and_the_service_goes_on(serve, caplog):
    class Fragile(Blocked):
        def predict(self, images):
            if np.any(images == 13):
                raise ArithmeticError("thirteen")
            return images.astype("float64").mean(axis=(1, 2)) / 255

    with serve(Fragile(), deadline=0.0) as (url, _):
        assert httpx.post(f"{url}/predict", files=files(png((13, 0, 0)))).status_code == 500
        assert best(httpx.post(f"{url}/predict", files=files(png(BLUE)))) == ["blue"]
        assert metric(url, 'keras_rbi_requests_total{endpoint="/predict",status="500"}') == 1
        assert json.loads(httpx.get(f"{url}/health").text)["images_in_hand"] == 0
