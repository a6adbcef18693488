"""Relations over all devices, of which each is a thread that exchanges rows with the other."""

import threading
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from every_classifier import RELATED, batch, made
from keras import ops

from keras_rbi.distribution.replicas import Replicas
from keras_rbi.models import relation_scope

pytestmark = pytest.mark.usefixtures("untraced")
SHARES = (slice(0, 4), slice(4, 6))


class TwoDevices:
    """Two models of the same weights, each of which is called with its share of a batch."""

    def __init__(self, monkeypatch):
        self.asked = set()
        self._own = threading.local()
        self._meet = threading.Barrier(2, timeout=60)
        self._parts = [None, None]
        monkeypatch.setattr(relation_scope, "replicas_of", self._replicas)

    def _exchange(self, values):
        self._parts[self._own.number] = ops.convert_to_numpy(values)
        self._meet.wait()
        parts = list(self._parts)
        self._meet.wait()
        return parts

    def _replicas(self, rows, training):
        def gather(values):
            self.asked.add("gather")
            return ops.convert_to_tensor(np.concatenate(self._exchange(values)))

        def total(values):
            self.asked.add("total")
            return ops.convert_to_tensor(sum(self._exchange(values)))

        own = SHARES[self._own.number]
        return Replicas(gather, lambda values: values[own], total, lambda size: 4 % size == 0)

    def call(self, models, images, training=False):
        def of_one(number):
            self._own.number = number
            return ops.convert_to_numpy(models[number](images[SHARES[number]], training=training))

        self.asked.clear()
        with ThreadPoolExecutor(2) as pool:
            return np.concatenate(list(pool.map(of_one, range(2))))


@pytest.mark.parametrize("kind", RELATED)
def test_every_classifier_relates_the_whole_batch(kind, monkeypatch):
    devices, images = TwoDevices(monkeypatch), batch(6)
    models = [made(kind, relations="batch") for _ in SHARES]
    found = devices.call(models, images)
    assert devices.asked == {"gather"}
    whole = made(kind, relations="batch", relation_scope="replica")
    expected = ops.convert_to_numpy(whole(images, training=False))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    for model in models:
        model.relation_scope = "replica"
    apart = devices.call(models, images)
    assert not devices.asked
    assert np.abs(apart - expected).max() > 1e-4
    for model in models:
        model.relation_scope, model.relations = "global", "self"
    devices.call(models, images)
    assert not devices.asked


@pytest.mark.parametrize("group_size", [2, 3])
def test_groups_gather_only_what_a_device_lacks(group_size, monkeypatch):
    """Moments of training are of all rows, whoever has them."""
    devices, images = TwoDevices(monkeypatch), batch(6)
    models = [made("rbi", variant="0.1", group_size=group_size) for _ in SHARES]
    found = devices.call(models, images, training=True)
    assert devices.asked == ({"total"} if group_size == 2 else {"gather"})
    whole = made("rbi", variant="0.1", group_size=group_size, relation_scope="replica")
    expected = ops.convert_to_numpy(whole(images, training=True))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    for model in models:
        for name in ("moving_mean", "moving_variance"):
            one, other = (getattr(each.rra.normalization, name) for each in (model, whole))
            np.testing.assert_allclose(
                ops.convert_to_numpy(one), ops.convert_to_numpy(other), rtol=1e-4, atol=1e-6
            )


@pytest.mark.parametrize("kind", RELATED)
def test_the_scope_is_saved(kind, tmp_path):
    model = made(kind, relation_scope="replica")
    model.save(tmp_path / "m.keras")
    assert keras.models.load_model(tmp_path / "m.keras").relation_scope == "replica"
    config = model.get_config()
    del config["relation_scope"]
    # As of a file from before there were scopes.
    assert type(model).from_config(config).relation_scope == "global"


def test_other_scopes_are_refused():
    model = made("rbi")
    with pytest.raises(ValueError, match="`relation_scope`"):
        model.relation_scope = "host"
    with pytest.raises(ValueError, match="relation_scope"):
        made("rbi", relation_scope="all")
