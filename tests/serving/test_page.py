"""The page in a real browser: photographs in, answers, maps, comparisons, corrections, CSV out.

It needs the extra `browser` and Chromium.
"""

import csv
import io
import json
import os
import shutil
from pathlib import Path

import mean_color
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("onnxruntime")
pytest.importorskip("fastapi")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
# What a page shows comes when it has been answered: it is waited for.
expect = playwright.expect
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

NAMES = ("rot <b>", "grün", "蓝")
RED, GREEN = (250, 20, 10), (40, 190, 10)
WAIT = 60_000
LONGEST_TASK = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) window.longest = Math.max(window.longest, each.duration);
}).observe({ type: "longtask", buffered: true });
"""


def jpeg(path, pixels, size=(300, 200), **options):
    Image.new("RGB", size, pixels).save(path, "JPEG", **options)
    return path


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Address, photographs, and the folder of corrections."""
    from running_service import running

    from keras_rbi.serving.beside import read_beside, references_of, write_notes
    from keras_rbi.serving.confidence import Confidence
    from keras_rbi.serving.limits import Limits
    from keras_rbi.serving.onnx_model import OnnxModel

    folder = tmp_path_factory.mktemp("page")
    model = OnnxModel(mean_color.write(folder / "m.onnx", names=NAMES, explains=True))
    known = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
    pictures = [(n % 3, f"{n}.png", image) for n, image in enumerate(known)]
    references_of(model, pictures).write(folder / "m.references.npz")
    write_notes(model.path, Confidence(1.0, 0.7, 100, 0.5, 0.97), {})
    (folder / "m.md").write_text("# The card\n\n| class | images |\n|---|---|\n| grün | 7 |\n")
    exif = Image.Exif()
    exif[0x0112] = 6
    files = [
        jpeg(folder / "red.jpg", RED),
        # Held upright, as the file says.
        jpeg(folder / "24 megapixels.jpg", GREEN, (6000, 4000), exif=exif),
        folder / "broken.jpg",
    ]
    files[2].write_bytes(files[0].read_bytes()[:-100])
    with running(model, Limits(), read_beside(model.path), folder / "kept") as (url, _):
        yield url, files, folder


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser, request):
    """A page that fails the test with what it complains of, and asks nobody but the service."""
    expect.set_options(timeout=WAIT)
    size = getattr(request, "param", (1440, 900))
    # The narrow one is a telephone.
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, has_touch=size[0] < 500
    )
    opened = context.new_page()
    opened.set_default_timeout(WAIT)
    complaints, asked = [], []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("request", lambda one: asked.append(one.url))
    opened.add_init_script(LONGEST_TASK)
    yield opened
    # Chromium itself tells of responses of 400.
    assert [text for text in complaints if "status of 400" not in text] == []
    elsewhere = [one for one in asked if not one.startswith(("http://127.0.0.1", "blob:", "data:"))]
    assert elsewhere == []
    context.close()


def drop(page, files):
    """Drops files on the page, as a person does."""
    page.locator("#files").set_input_files([str(file) for file in files])
    expect(page.locator("#status")).to_contain_text("answered")
    expect(page.locator("#progress")).to_be_hidden(timeout=WAIT)


def drag(page, source, target):
    transfer = page.evaluate_handle("new DataTransfer()")
    source.dispatch_event("dragstart", {"dataTransfer": transfer})
    for event in ("dragover", "drop"):
        target.dispatch_event(event, {"dataTransfer": transfer})


@pytest.mark.parametrize("page", [(1440, 900), (390, 844)], indirect=True)
def test_the_way_of_a_visitor(page, service):
    url, files, folder = service
    page.goto(url)
    promise = page.locator("#promise")
    expect(promise).to_contain_text("of 100 were, and 97 % of these were right")
    drop(page, files)
    red, green, broken = (page.locator(".card").nth(number) for number in range(3))
    status = page.locator("#status")
    expect(status).to_have_text("2 of 3 photographs answered, 1 could not be.")
    expect(red.locator(".said")).to_have_text(NAMES[0])
    expect(red.locator(".badge")).to_have_text("sure")
    expect(broken).to_contain_text("damaged")
    # The file lies; it is shown as it was held.
    green.locator("img.thumb").wait_for()
    width, height = green.locator("img.thumb").evaluate("each => [each.width, each.height]")
    assert height > width
    alike = red.locator(".alike figcaption b")
    expect(alike.first).to_have_text(NAMES[0])
    assert set(alike.all_inner_texts()) == set(NAMES)

    # Why, by keyboard.
    red.get_by_role("button", name="Why?").focus()
    page.keyboard.press("Enter")
    canvas = page.locator("dialog canvas")
    canvas.wait_for()
    slider = page.get_by_label("Opacity of the map")
    slider.focus()
    page.keyboard.press("End")
    expect(canvas).to_have_css("opacity", "1")
    page.get_by_label("What speaks for").select_option(NAMES[1])
    page.get_by_text(f"Bright places speak for {NAMES[1]}").wait_for()
    page.keyboard.press("Escape")

    # Two classes.
    for place in (0, 1):
        green.locator(".classes button").nth(place).click()
    page.locator("dialog .layered").nth(2).wait_for()
    captions = page.locator("dialog figcaption b")
    expect(captions).to_have_text(["Your photograph", NAMES[1], NAMES[0]])
    page.keyboard.press("Escape")

    # One observation, by dragging and by keyboard.
    page.locator("#new-group").wait_for()
    drag(page, red.locator("img.thumb"), page.locator("#new-group"))
    green.get_by_label("Observation").select_option("1")
    expect(page.locator(".group .members span")).to_contain_text(["share", "share"])
    expected = np.prod([np.array(RED) / 255, np.array(GREEN) / 255], axis=0) ** 0.5
    best = int(expected.argmax())
    expect(page.locator(".group .said")).to_contain_text(NAMES[best])
    said = page.locator(".group .said").inner_text()
    # JPEG changes colours a little.
    percent = float(said.removeprefix(NAMES[best]).removesuffix("%"))
    assert percent == pytest.approx(100 * expected[best] / expected.sum(), abs=2)

    # A correction, with what cannot be one.
    red.get_by_role("button", name="Correct").click()
    field = page.get_by_label("What it is")
    field.fill("gelb")
    page.get_by_role("button", name="Keep").click()
    page.get_by_text("Choose one of the classes").wait_for()
    field.fill(NAMES[2])
    page.keyboard.press("Enter")
    page.get_by_text("corrected by you").wait_for()
    table = (folder / "kept" / "corrections.csv").read_text("utf-8")
    assert list(csv.DictReader(io.StringIO(table)))[-1]["label"] == NAMES[2]

    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    text = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["class"] for row in rows] == [NAMES[0], NAMES[1], ""]
    assert rows[0]["corrected"] == NAMES[2]
    assert float(rows[1]["probability"]) == pytest.approx(190 / 255, abs=0.02)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as a page").click()
    report = Path(download.value.path()).read_text("utf-8")
    assert "rot &#60;b&#62;" in report
    assert report.count("data:image/jpeg") >= 6
    assert 'src="http' not in report

    # Nothing is wider than the window.
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Model").click()
    page.get_by_role("heading", name="The card").wait_for()
    page.reload()
    page.get_by_text("Drop photographs here").wait_for()
    assert page.locator(".card").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page, service, scheme):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    url, files, _ = service
    page.emulate_media(color_scheme=scheme)
    page.goto(url)
    drop(page, files)
    page.locator(".card").first.get_by_label("Observation").select_option("new")
    page.locator(".group .members").wait_for()
    found = [axe.Axe().run(page)]
    page.locator(".card").first.get_by_role("button", name="Why?").click()
    page.locator("dialog canvas").wait_for()
    found.append(axe.Axe().run(page))
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Model").click()
    found.append(axe.Axe().run(page))
    page.goto(f"{url}/docs")
    page.get_by_role("heading", name="POST /predict").wait_for()
    found.append(axe.Axe().run(page))
    serious = [
        (each["id"], [node["html"] for node in each["nodes"]])
        for results in found
        for each in results.response["violations"]
        if each["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_it_shows_whom_a_photograph_attended_to(page, service, tmp_path):
    from running_service import running

    from keras_rbi.serving.beside import read_beside
    from keras_rbi.serving.limits import Limits
    from keras_rbi.serving.onnx_model import OnnxModel
    from keras_rbi.serving.reference_images import attended_images

    _, (red, *_), _ = service
    path = mean_color.write(tmp_path / "m.onnx", names=NAMES, attends=True)
    stored = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)
    attended_images(stored, [0, 1, 2]).write(tmp_path / "m.references.npz")
    with running(OnnxModel(path), Limits(), read_beside(path)) as (url, _):
        page.goto(url)
        drop(page, [red])
        card = page.locator(".card")
        expect(card.locator(".alike")).to_contain_text("attention 98 %")
        card.get_by_role("button", name="Why?").click()
        told = page.get_by_label("Attention")
        expect(told).to_contain_text("the model makes no use of them here")
        expect(told.locator("figcaption b")).to_have_text(list(NAMES))
        # It has no maps.
        assert page.locator("dialog canvas").count() == 0


PASTE = """
async ([red, green, blue]) => {
  const canvas = new OffscreenCanvas(40, 30);
  const context = canvas.getContext("2d");
  context.fillStyle = `rgb(${red}, ${green}, ${blue})`;
  context.fillRect(0, 0, 40, 30);
  const clipboardData = new DataTransfer();
  const file = new File([await canvas.convertToBlob()], "pasted.png", { type: "image/png" });
  clipboardData.items.add(file);
  document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
}
"""


@pytest.mark.parametrize("page", [(390, 844)], indirect=True)
def test_photographs_come_from_a_camera_a_folder_a_drop_and_the_clipboard(page, service, tmp_path):
    url, (red, *_), _ = service
    page.goto(url)
    # A telephone opens its camera for this.
    camera = page.locator("#camera")
    assert (camera.get_attribute("capture"), camera.get_attribute("accept")) == (
        "environment",
        "image/*",
    )
    expect(page.get_by_text("Take a photograph")).to_be_visible()
    camera.set_input_files(str(red))
    expect(page.locator(".card")).to_have_count(1)
    page.evaluate(PASTE, list(GREEN))
    expect(page.locator(".card")).to_have_count(2)
    # Folders, to the bottom, without what systems hide in them.
    folder = tmp_path / "walk"
    (folder / "deeper").mkdir(parents=True)
    jpeg(folder / "one.jpg", RED)
    jpeg(folder / "deeper" / "two.jpg", GREEN)
    (folder / ".hidden").write_bytes(b"words")
    page.locator("#folder").set_input_files(str(folder))
    expect(page.locator(".card")).to_have_count(4)
    tools = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        tools.send("Input.dispatchDragEvent", {"type": kind, "x": 100, "y": 150, "data": data})
    expect(page.locator(".card")).to_have_count(6)
    expect(page.locator("#status")).to_have_text("6 of 6 photographs answered.")
    said = {}
    for card in page.locator(".card").all():
        expect(card.locator(".said")).not_to_be_empty()
        said[card.locator("h2").inner_text()] = card.locator(".said").inner_text()
    assert said["red.jpg"] == said["one.jpg"] == NAMES[0]
    assert said["pasted.png"] == said["two.jpg"] == NAMES[1]


def processor_seconds(trace):
    """What the longest task of the page took of a processor; others may hold it up, too."""
    events = json.loads(trace)["traceEvents"]
    threads = {
        (one["pid"], one["tid"])
        for one in events
        if one["name"] == "thread_name" and one["args"]["name"] == "CrRendererMain"
    }
    # Chromium has pages of its own.
    pages = {
        one["pid"]
        for one in events
        if one["name"] == "FunctionCall" and "app.js" in str(one["args"])
    }
    assert len(pages) == 1
    tasks = [
        one.get("tdur", 0) / 1e6
        for one in events
        if one["name"].endswith("RunTask")
        and (one["pid"], one["tid"]) in threads
        and one["pid"] in pages
    ]
    return max(tasks)


def test_fifty_images_leave_the_page_responsive(page, service):
    url, _, folder = service
    files = [
        jpeg(folder / f"{number}.jpg", (number, 200, 5 * number), (1600, 1200))
        for number in range(50)
    ]
    page.goto(url)
    page.context.browser.start_tracing(page=page, categories=["devtools.timeline", "toplevel"])
    drop(page, files)
    expect(page.locator("#status")).to_have_text("50 of 50 photographs answered.")
    expect(page.locator("img.thumb")).to_have_count(50)
    trace = page.context.browser.stop_tracing()
    # For so long a click would have waited, if nothing else ran on the machine.
    assert 0 < processor_seconds(trace) < 0.2
    if os.getloadavg()[0] <= (os.cpu_count() or 1):
        assert page.evaluate("window.longest") < 200
