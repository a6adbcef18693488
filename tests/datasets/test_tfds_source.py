"""Sets prepared by the builders of TensorFlow Datasets from the files that our readers read."""

import io
import pickle
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import released
from PIL import Image

from keras_rbi.datasets import load
from keras_rbi.datasets.catalogue import DATASETS
from keras_rbi.training import TrainingSettings, load_split

pytest.importorskip("tensorflow")
tfds = pytest.importorskip("tensorflow_datasets")
NAMES = [name for name, info in DATASETS.items() if info.tfds]

pytestmark = pytest.mark.filterwarnings("ignore")


class Archives:
    """What a builder asks its download manager for, from an extracted tree.

    Builders name archives by their addresses; here each is the folder that holds its content.
    """

    def __init__(self, folder_of):
        self.folder_of = folder_of
        self.downloaded_size = 0
        self.register_checksums = False

    def download(self, urls):
        if isinstance(urls, dict):
            return {key: self.download(url) for key, url in urls.items()}
        if isinstance(urls, (list, tuple)):
            return [self.download(url) for url in urls]
        return str(self.folder_of(Path(urls.split("?")[0]).name))

    download_and_extract = download

    def iter_archive(self, folder):
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                # As in the archives: a name, and a file that is open.
                yield path.relative_to(folder).as_posix(), io.BytesIO(path.read_bytes())


def cv2_for_masks():
    """A module with the only function of OpenCV that the birds' builder calls, by Pillow."""
    module = types.ModuleType("cv2")
    module.imdecode = lambda buffer, flags: np.asarray(
        Image.open(io.BytesIO(buffer.tobytes())).convert("L")
    )
    return module


def folders(name, tree):
    """The folder of each archive that a builder asks for."""
    if name == "cub_200_2011":
        masks = tree.parent / "segmentations"
        for image in (tree / "CUB_200_2011" / "images").rglob("*.jpg"):
            masks.mkdir(exist_ok=True)
            Image.new("L", Image.open(image).size).save(masks / f"{image.stem}.png")
        return lambda archive: masks if "segmentation" in archive else tree
    if name == "stanford_dogs":
        lists = tree.parent / "lists"
        lists.mkdir()
        for split in ("train", "test"):
            (lists / f"{split}_list.mat").write_bytes((tree / f"{split}_list.mat").read_bytes())
        images = tree.parent / "images"
        images.mkdir()
        (tree / "Images").rename(images / "Images")
        (tree / "Images").symlink_to(images / "Images")
        of_archive = {"images.tar": images, "lists.tar": lists}
        return lambda archive: of_archive.get(archive, tree / "Annotation")
    return lambda archive: tree / archive if archive.endswith(".mat") else tree


@pytest.fixture(scope="module", params=NAMES)
def prepared(request, tmp_path_factory):
    """Name, tree of files, folder of TensorFlow Datasets, and what is expected of the files."""
    name = request.param
    folder = tmp_path_factory.mktemp(name)
    tree = folder / "files"
    tree.mkdir()
    # The builder of the dogs insists on all 120 breeds.
    options = {"per_class": 4, "more_breeds": 117} if name == "stanford_dogs" else {}
    _, expected = released.RELEASED[name](tree, **options)
    builder = tfds.builder(DATASETS[name].tfds, data_dir=str(folder / "tfds"))
    archives = Archives(folders(name, tree))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(builder), "_make_download_manager", lambda *_, **__: archives)
        patch.setitem(sys.modules, "cv2", cv2_for_masks())
        builder.download_and_prepare()
    return name, tree, folder / "tfds", expected, builder


@pytest.mark.parametrize("split", ["train", "validation", "test", "trainval"])
def test_both_sources_give_the_same_images_labels_and_splits(prepared, split):
    name, tree, folder, _, _ = prepared
    files = load(name, tree, split, 12)
    records = load(name, folder, split, 12, source="tfds")
    assert [path.name for path in records.paths] == [path.name for path in files.paths]
    np.testing.assert_array_equal(records.labels, files.labels)
    assert records.class_names == files.class_names
    assert records.coarse_names == files.coarse_names
    if files.coarse_labels is not None:
        np.testing.assert_array_equal(records.coarse_labels, files.coarse_labels)
    for index in range(len(files)):
        np.testing.assert_array_equal(records.image(index), files.image(index))
        np.testing.assert_allclose(records.boxes(index), files.boxes(index), atol=1e-3)


def test_the_images_are_those_that_tensorflow_datasets_gives(prepared):
    name, _, folder, expected, builder = prepared
    data = load(name, folder, "test", 12, source="tfds")
    images = {path.name: data.image(index) for index, path in enumerate(data.paths)}
    labels = {path.name: label for path, label in zip(data.paths, data.labels, strict=True)}
    key = "file_name" if "file_name" in builder.info.features else "image/filename"
    examples = list(tfds.as_numpy(builder.as_dataset(split="test")))
    assert len(examples) == len(data) == sum(split == "test" for _, split in expected.values())
    for example in examples:
        file = example[key].decode().rpartition("/")[2]
        picture = Image.fromarray(example["image"]).convert("RGB")
        whole = np.asarray(picture.resize((12, 12), Image.Resampling.BILINEAR))
        # TensorFlow decodes JPEGs by another transform; two of these images differ by some 80.
        assert np.abs(images[file].astype(int) - whole).mean() < 1.5
        assert labels[file] == example["label"]


def test_prepared_data_can_be_sent_to_another_process(prepared):
    name, _, folder, _, _ = prepared
    data = load(name, folder, "test", 12, source="tfds")
    again = pickle.loads(pickle.dumps(data))
    np.testing.assert_array_equal(again.image(1), data.image(1))


def test_a_run_takes_its_batches_from_prepared_data(prepared):
    name, tree, folder, _, _ = prepared
    of_source = [
        load_split(
            TrainingSettings(
                dataset=name,
                data_dir=str(data_dir),
                source=source,
                backbone="SmallCNN",
                image_size=16,
            ).resolved(),
            "train",
        )[0]
        for source, data_dir in (("files", tree), ("tfds", folder))
    ]
    for from_files, from_records in zip(*of_source, strict=True):
        np.testing.assert_array_equal(from_files, from_records)


def test_what_is_not_there_is_told(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="has not prepared caltech_birds2011"):
        load("cub_200_2011", tmp_path, source="tfds")
    with pytest.raises(ValueError, match=r"has no NABirds.*allaboutbirds"):
        load("nabirds", tmp_path, source="tfds")
    with pytest.raises(ValueError, match="has no 'birds'"):
        load("birds", tmp_path, source="tfds")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"keras-rbi\[tfds\]"):
        load("cub_200_2011", tmp_path, source="tfds")
