import keras
from keras import layers

from keras_rbi.backbones.trunk import trunk


def test_the_insides_of_blocks_are_left_out():
    images = keras.Input((8, 8, 2), name="images")
    start = layers.Conv2D(2, 3, padding="same", name="start")(images)
    branch = layers.Conv2D(2, 1, name="branch")(layers.ReLU(name="inside")(start))
    # An operation, not a layer.
    joined = branch + start
    end = layers.ReLU(name="end")(joined)
    found = trunk(keras.Model(images, end))
    assert [part.name for part, _ in found] == ["images", "start", joined_name(found), "end"]
    assert [tensor for _, tensor in found] == [images, start, joined, end]


def joined_name(found):
    return found[2][0].name


def test_a_nested_model_gives_the_tensor_of_the_outer_one():
    images = keras.Input((8, 8, 2), name="images")
    inside = keras.Input((8, 8, 2))
    stem = keras.Model(inside, layers.Conv2D(3, 2, strides=2)(inside), name="stem")
    inner = stem(images)
    end = layers.ReLU(name="end")(inner)
    found = {part.name: tensor for part, tensor in trunk(keras.Model(images, end))}
    assert found["stem"] is inner
    assert found["stem"] is not stem.output


def test_a_skip_over_everything_leaves_the_ends():
    images = keras.Input((8, 8, 2), name="images")
    middle = layers.Conv2D(2, 3, padding="same", name="middle")(images)
    end = layers.Concatenate(name="end")([images, middle])
    assert [part.name for part, _ in trunk(keras.Model(images, end))] == ["images", "end"]


def test_every_layer_of_a_sequential_model_is_passed():
    network = keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(2, 3), layers.ReLU()])
    assert [tensor.shape for _, tensor in trunk(network)] == [(None, 6, 6, 2)] * 2
