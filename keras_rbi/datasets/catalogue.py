"""The released data sets: what they hold, what their files are called, and where they come from."""

from keras_rbi.datasets.dataset_info import DatasetInfo, ReleasedFile
from keras_rbi.datasets.readers import (
    cub_200_2011,
    fgvc_aircraft,
    inaturalist_2021,
    nabirds,
    oxford_flowers102,
    oxford_pets,
    stanford_cars,
    stanford_dogs,
    tiny_imagenet_200,
)

TYPEFACES = "typefaces"


_DOGS = "http://vision.stanford.edu/aditya86/ImageNetDogs/"
_OXFORD = "https://www.robots.ox.ac.uk/~vgg/data/"
_PETS = "https://thor.robots.ox.ac.uk/~vgg/data/pets/"
_INATURALIST = "https://ml-inat-competition-datasets.s3.amazonaws.com/2021/"

DATASETS = {
    info.name: info
    for info in (
        DatasetInfo(
            "cub_200_2011",
            "Caltech-UCSD Birds 200-2011",
            "https://www.vision.caltech.edu/datasets/cub_200_2011/",
            cub_200_2011.read,
            (("images.txt", "image_class_labels.txt", "train_test_split.txt", "images"),),
            ("CUB_200_2011",),
            (
                ReleasedFile(
                    "CUB_200_2011.tgz",
                    "https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz?download=1",
                    "sha256:0c685df5597a8b24909f6a7c9db6d11e008733779a671760afef78feb49bf081",
                    1150585339,
                ),
            ),
            200,
            {"train": 5994, "test": 5794},
            {"train": (29, 30), "test": (11, 30)},
            tfds="caltech_birds2011",
        ),
        DatasetInfo(
            "stanford_dogs",
            "Stanford Dogs",
            _DOGS + "main.html",
            stanford_dogs.read,
            (
                ("Images", "train_list.mat", "test_list.mat"),
                ("Images", "lists/train_list.mat", "lists/test_list.mat"),
            ),
            (".",),
            (
                ReleasedFile(
                    "images.tar",
                    _DOGS + "images.tar",
                    "sha256:a443fc2f9a851aa1a7b8e4fa4af94b8459fce2c9f5a2f4dd4669cf9673a4ec58",
                    793579520,
                ),
                ReleasedFile(
                    "lists.tar",
                    _DOGS + "lists.tar",
                    "sha256:34b47cacd9a98b5d150e084f24d29391c084c55272295ec65c85651bc35f4d6c",
                    481280,
                ),
                ReleasedFile(
                    "annotation.tar",
                    _DOGS + "annotation.tar",
                    "sha256:662ed36f707be6b195c2fda392d8e153e83af28cedc8e2134a649f198def30fd",
                    21852160,
                    needed=False,
                ),
            ),
            120,
            {"train": 12000, "test": 8580},
            {"train": (100, 100), "test": (48, 152)},
            tfds="stanford_dogs",
            note="The test images of Stanford Dogs come from ImageNet: a backbone pretrained there "
            "has seen them.",
        ),
        DatasetInfo(
            "nabirds",
            "NABirds",
            "https://dl.allaboutbirds.org/nabirds",
            nabirds.read,
            (("images.txt", "hierarchy.txt", "image_class_labels.txt", "images"),),
            ("nabirds",),
            (ReleasedFile("nabirds.tar.gz", None, "md5:df21a9e4db349a14e2b08adfd45873bd"),),
            555,
            {"train": 23929, "test": 24633},
            coarse={"order": 22, "parent": None, "species": 404},
            options={"coarse": nabirds.LEVELS},
        ),
        DatasetInfo(
            "tiny_imagenet_200",
            "Tiny ImageNet",
            "http://cs231n.stanford.edu/",
            tiny_imagenet_200.read,
            (("wnids.txt", "words.txt", "train", "val"),),
            ("tiny-imagenet-200",),
            (
                ReleasedFile(
                    "tiny-imagenet-200.zip",
                    "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
                    "md5:90528d7ca1a48142e341f4ef8d21d0de",
                ),
            ),
            200,
            {"train": 100000, "test": 10000},
            {"train": (500, 500), "test": (50, 50)},
            options={"class_order": tiny_imagenet_200.CLASS_ORDERS},
            note="The images of Tiny ImageNet come from ImageNet: a backbone pretrained there has "
            "seen images of the same classes, if not these.",
        ),
        DatasetInfo(
            "fgvc_aircraft",
            "FGVC-Aircraft 2013b",
            _OXFORD + "fgvc-aircraft/",
            fgvc_aircraft.read,
            (("variants.txt", "images_variant_train.txt", "images_variant_test.txt", "images"),),
            ("fgvc-aircraft-2013b/data", "data"),
            (
                ReleasedFile(
                    "fgvc-aircraft-2013b.tar.gz",
                    _OXFORD + "fgvc-aircraft/archives/fgvc-aircraft-2013b.tar.gz",
                    "md5:d4acdd33327262359767eeaa97a4f732",
                ),
            ),
            100,
            {"train": 3334, "validation": 3333, "test": 3333},
            {"train": (33, 34), "validation": (33, 34), "test": (33, 34)},
            coarse={"family": 70, "manufacturer": 30},
            options={"coarse": fgvc_aircraft.LEVELS},
        ),
        DatasetInfo(
            "stanford_cars",
            "Stanford Cars",
            "https://ai.stanford.edu/~jkrause/cars/car_dataset.html",
            stanford_cars.read,
            (("cars_train", "cars_test", "devkit/cars_meta.mat"), ("car_ims", "cars_annos.mat")),
            (".",),
            (
                *(
                    ReleasedFile(name, alternative="split")
                    for name in (
                        "cars_train.tgz",
                        "cars_test.tgz",
                        "car_devkit.tgz",
                        "cars_test_annos_withlabels.mat",
                    )
                ),
                *(
                    ReleasedFile(name, alternative="single")
                    for name in ("car_ims.tgz", "cars_annos.mat")
                ),
            ),
            196,
            {"train": 8144, "test": 8041},
            {"train": (24, 68)},
        ),
        DatasetInfo(
            "oxford_flowers102",
            "Oxford Flowers 102",
            _OXFORD + "flowers/102/",
            oxford_flowers102.read,
            (("jpg", "imagelabels.mat", "setid.mat"),),
            (".",),
            (
                ReleasedFile(
                    "102flowers.tgz",
                    _OXFORD + "flowers/102/102flowers.tgz",
                    "sha256:2d01ecc807db462958cfe3d92f57a8c252b4abd240eb955770201e45f783b246",
                    344862509,
                ),
                ReleasedFile(
                    "imagelabels.mat",
                    _OXFORD + "flowers/102/imagelabels.mat",
                    "sha256:4903e94206bac23bf772aadf06451916df56b58fc483a62db32a97b82656651d",
                    502,
                ),
                ReleasedFile(
                    "setid.mat",
                    _OXFORD + "flowers/102/setid.mat",
                    "sha256:46b8678f91fd95d3c8f4feab80d271a6c834a1dd896fe29fd3e6ad9ce5c8dccd",
                    14989,
                ),
            ),
            102,
            {"train": 1020, "validation": 1020, "test": 6149},
            # The set's page has 40 to 258 images a class; 20 of each are in the other two.
            {"train": (10, 10), "validation": (10, 10), "test": (20, 238)},
            tfds="oxford_flowers102",
        ),
        DatasetInfo(
            "oxford_pets",
            "Oxford-IIIT Pets",
            _OXFORD + "pets/",
            oxford_pets.read,
            (("images", "annotations/trainval.txt", "annotations/test.txt"),),
            (".",),
            (
                ReleasedFile(
                    "images.tar.gz",
                    _PETS + "images.tar.gz",
                    "sha256:67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d",
                    791918971,
                ),
                ReleasedFile(
                    "annotations.tar.gz",
                    _PETS + "annotations.tar.gz",
                    "sha256:52425fb6de5c424942b7626b428656fcbd798db970a937df61750c0f1d358e91",
                    19173078,
                ),
            ),
            37,
            {"train": 3680, "test": 3669},
            tfds="oxford_iiit_pet",
        ),
        DatasetInfo(
            "inaturalist_2021",
            "iNaturalist 2021",
            "https://github.com/visipedia/inat_comp/tree/master/2021",
            inaturalist_2021.read,
            (("train",), ("train_mini",)),
            (".",),
            (
                ReleasedFile(
                    "train_mini.tar.gz",
                    _INATURALIST + "train_mini.tar.gz",
                    "md5:db6ed8330e634445efc8fec83ae81442",
                    alternative="mini",
                ),
                ReleasedFile(
                    "train.tar.gz",
                    _INATURALIST + "train.tar.gz",
                    "md5:e0526d53c7f7b2e3167b2b43bb2690ed",
                    alternative="full",
                ),
                ReleasedFile(
                    "val.tar.gz",
                    _INATURALIST + "val.tar.gz",
                    "md5:f6f6e0e242e3d4c9569ba56400938afc",
                ),
            ),
            10000,
            {"train": 2686843, "test": 100000},
            {"test": (10, 10)},
            coarse=dict.fromkeys(inaturalist_2021.LEVELS) | {"supercategory": 11},
            options={"coarse": inaturalist_2021.LEVELS, "subset": ("full", "mini")},
        ),
    )
}


def note_on(name: str) -> str | None:
    """What to say beside every accuracy on a data set, or None.

    Args:
        name: As in `load`.
    """
    info = DATASETS.get(name)
    return None if info is None else info.note


def available() -> list[str]:
    """Names that `load` knows.

    Returns:
        List of strings.

    Example:

    >>> "nabirds" in keras_rbi.datasets.available()
    True
    """
    return sorted([*DATASETS, TYPEFACES])
