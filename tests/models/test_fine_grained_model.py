"""What holds of every system that RBI is added to."""

import keras
import pytest
from backend_functions import assert_close, to_numpy
from small_stages import CLASSES, convolutions, images, predicted

from keras_rbi.models import HERBS, P2PNet

SYSTEMS = {
    "herbs": lambda **given: HERBS(convolutions((6, 8)), CLASSES, units=8, **given),
    "p2p_net": lambda **given: P2PNet(convolutions(), CLASSES, units=6, **given),
}


@pytest.fixture(params=SYSTEMS)
def made(request):
    """Makes a system, of the same random weights each time."""

    def made(**given):
        keras.utils.set_random_seed(1)
        return SYSTEMS[request.param](**{"preprocessing": "tf", **given})

    return made


def test_with_relations_it_starts_as_without(made):
    plain, related = (made(relations=mode, name="one") for mode in (None, "batch"))
    names = {variable.path: variable for variable in related.weights}
    for variable in plain.weights:
        names[variable.path].assign(to_numpy(variable))
    assert len(names) > len(plain.weights)
    assert_close(predicted(plain, images()), predicted(related, images()), 1e-6)


def test_relations_are_there_from_the_start_or_not(made):
    with pytest.raises(ValueError, match="Make another model"):
        made(relations=None).relations = "batch"
    with pytest.raises(ValueError, match="Make another model"):
        made().relations = None
    with pytest.raises(ValueError, match="no references"):
        made(relations="references")
    with pytest.raises(ValueError, match="must be one of"):
        made(relations="all")
    with pytest.raises(ValueError, match="variant"):
        made(variant="printed")


@pytest.mark.parametrize("kind", [HERBS, P2PNet])
def test_classes_must_be_known(kind):
    with pytest.raises(ValueError, match="num_classes"):
        kind(convolutions())
