"""The released sets in their layouts, and what trips readers of them."""

import pickle
import warnings

import numpy as np
import pytest
import released
from PIL import Image

import keras_rbi
from keras_rbi.datasets import DatasetWarning, ImageFiles, load, read_image


@pytest.fixture(autouse=True)
def _small_trees_have_other_counts():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(?s).* is not as it should be", DatasetWarning)
        yield


def labels_by_file(data, root):
    files = [path.relative_to(root).as_posix() for path in data.paths]
    return dict(zip(files, data.labels.tolist(), strict=True))


@pytest.mark.parametrize("name", [*released.RELEASED, "stanford_cars_single"])
def test_labels_and_splits_are_those_of_the_release(name, tmp_path):
    root, expected = getattr(released, name)(tmp_path)
    known_as = name.removesuffix("_single")
    of_split = {
        split: labels_by_file(load(known_as, tmp_path, split, 8), root)
        for split in ("train", "validation", "test", "trainval")
    }
    for split in ("trainval", "test"):
        official = {"train", "validation"} if split == "trainval" else {"test"}
        assert of_split[split] == {
            file: label for file, (label, which) in expected.items() if which in official
        }
    assert of_split["train"] | of_split["validation"] == of_split["trainval"]
    assert not set(of_split["train"]) & set(of_split["validation"])
    if "validation" in {which for _, which in expected.values()}:
        assert of_split["validation"] == {
            file: label for file, (label, which) in expected.items() if which == "validation"
        }
    else:
        assert set(of_split["validation"].values()) == set(of_split["train"].values())


@pytest.mark.parametrize("name", released.RELEASED)
def test_images_are_those_of_the_files(name, tmp_path):
    released.RELEASED[name](tmp_path)
    data = load(name, tmp_path, "test", 8)
    assert isinstance(data, ImageFiles)
    cut = 20 if name == "fgvc_aircraft" else 0
    for index in (0, len(data) - 1):
        np.testing.assert_array_equal(
            data.image(index), read_image(data.paths[index], 8, cut_bottom=cut)
        )
    again = pickle.loads(pickle.dumps(data))
    np.testing.assert_array_equal(again.boxes(0), data.boxes(0))


@pytest.mark.parametrize("name", released.RELEASED)
def test_the_folder_itself_and_a_folder_of_its_name_are_found(name, tmp_path):
    root, _ = released.RELEASED[name](tmp_path / name)
    for data_dir in (root, tmp_path):
        assert load(name, data_dir, "test", 8).paths[0].is_relative_to(root)


def test_birds_have_boxes_parts_and_names(tmp_path):
    released.cub_200_2011(tmp_path)
    data = load("cub_200_2011", tmp_path, "trainval", 8)
    assert data.class_names == ["Black footed Albatross", "Laysan Albatross", "Sooty Albatross"]
    number = int(data.paths[0].stem.rsplit("_", 1)[1])
    np.testing.assert_array_equal(data.boxes(0), [[2, 3, 12, 4 + number % 10]])
    np.testing.assert_array_equal(data.parts(0), [[4, 5, 1], [0, 0, 0]])
    assert data.part_names == ["back", "left leg"]
    assert data.coarse_labels is None


def test_breeds_are_split_at_the_first_hyphen_and_a_png_called_jpg_is_read(tmp_path):
    released.stanford_dogs(tmp_path)
    data = load("stanford_dogs", tmp_path, "trainval", 8)
    assert data.class_names == ["Chihuahua", "soft-coated wheaten terrier", "Shetland sheepdog"]
    lying = next(i for i, path in enumerate(data.paths) if path.read_bytes()[1:4] == b"PNG")
    assert data.paths[lying].suffix == ".jpg"
    assert data.image(lying).shape == (8, 8, 3)
    counts = [len(data.boxes(i)) for i in range(len(data))]
    assert counts == [1, 2, 1] * 3
    np.testing.assert_array_equal(data.boxes(1), [[1, 2, 12, 15], [2, 2, 12, 15]])


def test_nabirds_labels_number_the_leaves(tmp_path):
    released.nabirds(tmp_path)
    data = load("nabirds", tmp_path, "trainval", 8)
    # 295, 296, 701, 999, 1000: numbers, where strings would begin with 1000.
    assert data.class_names == [
        "Mallard (Breeding male)",
        "Mallard (Female/Eclipse male)",
        "Barred Owl",
        "Barn Owl",
        "Snow Goose",
    ]
    assert data.coarse_names == ["Ducks, Geese, and Swans", "Owls"]
    of_class = dict(zip(data.labels.tolist(), data.coarse_labels.tolist(), strict=True))
    assert of_class == {0: 0, 1: 0, 2: 1, 3: 1, 4: 0}
    np.testing.assert_array_equal(data.parts(0), [[3, 4, 1], [0, 0, 0]])
    parents = load("nabirds", tmp_path, "trainval", 8, coarse="parent")
    # The leaf 999 and its parent 700 are both called Barn Owl; nodes 1, 2, 400, 700 are parents.
    assert parents.coarse_names == ["Ducks, Geese, and Swans", "Owls", "Mallard", "Barn Owl"]
    of_class = dict(zip(parents.labels.tolist(), parents.coarse_labels.tolist(), strict=True))
    assert of_class == {0: 2, 1: 2, 2: 1, 3: 3, 4: 0}
    species = load("nabirds", tmp_path, "trainval", 8, coarse="species")
    assert species.coarse_names == ["Mallard", "Barred Owl", "Barn Owl", "Snow Goose"]


def test_nabirds_images_may_be_listed_with_their_folder(tmp_path):
    root, expected = released.nabirds(tmp_path)
    listed = [line.split() for line in (root / "images.txt").read_text().splitlines()]
    released.lines(root / "images.txt", [f"{key} images/{file}" for key, file in listed])
    data = load("nabirds", tmp_path, "test", 8)
    assert set(labels_by_file(data, root)) <= set(expected)


def test_a_class_that_is_no_leaf_is_told(tmp_path):
    root, _ = released.nabirds(tmp_path)
    released.lines(
        root / "hierarchy.txt", [*(root / "hierarchy.txt").read_text().splitlines(), "1005 295"]
    )
    with pytest.warns(DatasetWarning, match="5 classes, the hierarchy 5 leaves; 2 are of one"):
        load("nabirds", tmp_path, "test", 8)


def test_tiny_imagenet_has_two_orders_of_labels(tmp_path):
    released.tiny_imagenet_200(tmp_path)
    data = load("tiny_imagenet_200", tmp_path, "test", 8)
    # Sorted: n01443537, n02124075, n03126707.
    assert data.class_names == ["crane (n01443537)", "Egyptian cat", "crane (n03126707)"]
    official = load("tiny_imagenet_200", tmp_path, "test", 8, class_order="official")
    assert official.class_names == ["Egyptian cat", "crane (n01443537)", "crane (n03126707)"]
    swapped = {path: {0: 1, 1: 0, 2: 2}[label] for path, label in pairs(data).items()}
    assert pairs(official) == swapped
    assert {path.parent.parent.name for path in data.paths} == {"val"}
    np.testing.assert_array_equal(data.boxes(0), [[1, 2, 21, 17]])


def pairs(data):
    return dict(zip(data.paths, data.labels.tolist(), strict=True))


def test_aircraft_lose_their_banner_and_have_families(tmp_path):
    released.fgvc_aircraft(tmp_path)
    data = load("fgvc_aircraft", tmp_path, "test", 30)
    assert data.class_names == ["Boeing 737-200", "Boeing 707-320", "737-300", "F/A-18"]
    assert data.coarse_names == ["Boeing 737", "Boeing 707", "F/A-18"]
    of_class = dict(zip(data.labels.tolist(), data.coarse_labels.tolist(), strict=True))
    assert of_class == {0: 0, 1: 1, 2: 0, 3: 2}
    makers = load("fgvc_aircraft", tmp_path, "test", 30, coarse="manufacturer")
    assert makers.coarse_names == ["Boeing", "McDonnell Douglas"]
    np.testing.assert_array_equal(data.boxes(0), [[0, 1, 30, 25]])
    banner = np.array([255, 0, 255])
    for index in range(len(data)):
        last = np.asarray(Image.open(data.paths[index]))[-1, 0]
        assert np.abs(last - banner).max() < 12
        colour = np.asarray(Image.open(data.paths[index]).convert("RGB"))[1, 1].astype(int)
        # JPEG spreads the edge of the banner over its block of 8 rows.
        assert np.abs(data.image(index)[:20].reshape(-1, 3)[-1] - colour).max() < 12


def test_cars_without_labels_of_the_test_say_so(tmp_path):
    released.stanford_cars(tmp_path)
    (tmp_path / "cars_test_annos_withlabels.mat").unlink()
    with pytest.warns(DatasetWarning, match="cars_test_annos_withlabels.mat is missing"):
        data = load("stanford_cars", tmp_path, "train", 8)
    assert data.class_names == released.CAR_NAMES
    with pytest.raises(ValueError, match="no test images"):
        load("stanford_cars", tmp_path, "test", 8)


def test_flowers_count_from_zero(tmp_path):
    released.oxford_flowers102(tmp_path)
    data = load("oxford_flowers102", tmp_path, "trainval", 8)
    assert sorted(set(data.labels.tolist())) == [0, 1, 101]
    assert len(set(data.class_names)) == 102
    named = {data.class_names[label] for label in data.labels}
    assert named == {"pink primrose", "hard-leaved pocket orchid", "blackberry lily"}


def test_flowers_that_count_from_zero_in_the_file_are_refused(tmp_path):
    released.oxford_flowers102(tmp_path)
    released.mat(tmp_path / "imagelabels.mat", labels=np.array([[101, 0, 1] * 4], np.uint8))
    with pytest.raises(ValueError, match=r"The labels in .* are 0 to 101"):
        load("oxford_flowers102", tmp_path, "test", 8)


def test_pets_keep_the_order_of_their_ids_and_are_cats_or_dogs(tmp_path):
    released.oxford_pets(tmp_path)
    data = load("oxford_pets", tmp_path, "trainval", 8)
    assert data.class_names == ["Abyssinian", "american bulldog", "Egyptian Mau"]
    assert data.class_names != sorted(data.class_names)
    assert [data.coarse_names[label] for label in data.coarse_labels] == (
        ["Cat"] * 3 + ["Dog"] * 3 + ["Cat"] * 3
    )
    np.testing.assert_array_equal(data.boxes(0), [[3, 4, 9, 8]])
    assert data.boxes(1).shape == (0, 4)


def test_inaturalist_groups_are_lines_of_descent(tmp_path):
    released.inaturalist_2021(tmp_path)
    data = load("inaturalist_2021", tmp_path, "test", 8, coarse="genus")
    assert data.class_names[3] == "Ficus carica"
    # Two genera are called Ficus.
    assert data.coarse_names == ["Lumbricus", "Ficus", "Ficus"]
    assert data.coarse_labels.tolist() == [0, 0, 1, 1, 1, 1, 2, 2]
    assert load("inaturalist_2021", tmp_path, "test", 8).coarse_names == [
        "Clitellata",
        "Gastropoda",
        "Magnoliopsida",
    ]


def test_inaturalist_subsets_and_folders_are_checked(tmp_path):
    released.inaturalist_2021(tmp_path)
    released.inaturalist_2021(tmp_path, per_class=9, training="train")
    assert len(load("inaturalist_2021", tmp_path, "trainval", 8)) == 36
    assert len(load("inaturalist_2021", tmp_path, "trainval", 8, subset="mini")) == 16
    (tmp_path / "train" / "00004_Plantae").mkdir()
    with pytest.raises(ValueError, match="Folder number 4 must be named 00004_Kingdom"):
        load("inaturalist_2021", tmp_path, "test", 8)


def test_held_out_images_depend_on_the_seed_and_not_on_the_order_of_the_lists(tmp_path):
    root, _ = released.cub_200_2011(tmp_path, per_class=30)
    held_out = set(load("cub_200_2011", tmp_path, "validation", 8).paths)
    assert np.bincount(load("cub_200_2011", tmp_path, "validation", 8).labels).tolist() == [2] * 3
    assert set(load("cub_200_2011", tmp_path, "validation", 8, seed=1).paths) != held_out
    rows = (root / "images.txt").read_text().splitlines()
    released.lines(root / "images.txt", reversed(rows))
    assert set(load("cub_200_2011", tmp_path, "validation", 8).paths) == held_out


def test_typefaces_are_one_of_them():
    data = load("typefaces", split="test", image_size=32, per_class=1)
    assert isinstance(data, keras_rbi.datasets.Typefaces)
    assert data.image(0).shape == (32, 32, 3)


def test_what_cannot_be_loaded_is_named(tmp_path):
    for arguments, message in (
        (("cub200",), "no data set 'cub200'.*cub_200_2011"),
        (("cub_200_2011",), "Say where .*--data-dir.*caltech"),
        (("nabirds", tmp_path), "nabirds.tar.gz.*allaboutbirds.*without the page"),
        (("fgvc_aircraft", tmp_path / "none"), r"does not exist.*2013b.tar.gz.*--download"),
    ):
        with pytest.raises(ValueError, match=message):
            load(*arguments)
    released.fgvc_aircraft(tmp_path)
    with pytest.raises(ValueError, match=r"no option 'level'. Its options: coarse"):
        load("fgvc_aircraft", tmp_path, level="family")
    with pytest.raises(ValueError, match="`coarse` must be one of"):
        load("fgvc_aircraft", tmp_path, coarse="genus")
    with pytest.raises(ValueError, match="source='web'"):
        load("fgvc_aircraft", tmp_path, source="web")
    with pytest.raises(ValueError, match=r"has the options"):
        load(tmp_path, coarse="family")
    with pytest.raises(ValueError, match="image_size=0"):
        load("fgvc_aircraft", tmp_path, image_size=0)
    with pytest.raises(ValueError, match="`on_error`"):
        load("fgvc_aircraft", tmp_path, on_error="ignore")


def test_a_name_with_a_typo_is_told_the_nearest(tmp_path):
    with pytest.raises(ValueError, match="Did you mean cub_200_2011"):
        load(tmp_path / "cub_200_201")
    with pytest.raises(ValueError, match=r"no data set 'qqq'\. A data set"):
        load("qqq")


@pytest.mark.parametrize(
    "given",
    [
        {"data_dir": "x"},
        {"source": "tfds"},
        {"on_error": "skip"},
        {"download": True},
        {"cache": "ram"},
        {"cache_dir": "x"},
    ],
)
def test_the_typefaces_refuse_what_is_for_files(given):
    with pytest.raises(ValueError, match=f"typefaces are rendered.*{next(iter(given))}"):
        load("typefaces", **given)
