"""The catalogue holds what the readers describe."""

import pkgutil

import released

from keras_rbi.datasets import available, readers
from keras_rbi.datasets.catalogue import DATASETS, READERS
from keras_rbi.datasets.readers import nabirds

# What several readers share.
SHARED = {"tables"}


def test_every_reader_is_in_the_catalogue_under_its_own_name():
    modules = {module.name for module in pkgutil.iter_modules(readers.__path__)} - SHARED
    assert list(DATASETS) == list(READERS)
    assert set(READERS) == modules == set(released.RELEASED)
    assert available() == sorted({*modules, "typefaces"})


def test_a_description_stands_with_its_reader():
    assert DATASETS["nabirds"] is nabirds.INFO
    assert nabirds.INFO.read is nabirds.read


def test_sets_that_tensorflow_datasets_has_say_what_it_calls_them():
    for info in DATASETS.values():
        assert (info.tfds is None) == (info.tfds_layout is None)
