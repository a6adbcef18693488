"""The activation of a classifier's last layer, however it is written."""

import keras
import pytest
from keras import layers

import keras_rbi
from keras_rbi.models.baselines import backbone_classifier
from keras_rbi.models.head_activation import head_activation

SIDE = 8


def backbone():
    return keras_rbi.backbones.SmallCNN((SIDE, SIDE, 3), widths=(4,))


def graph(*last):
    images = keras.Input((SIDE, SIDE, 3))
    rows = layers.Flatten()(images)
    for layer in last:
        rows = layer(rows)
    return keras.Model(images, rows)


def doubled(logits):
    return 2 * logits


@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize(
    ("activation", "name"),
    [("softmax", "softmax"), ("sigmoid", "sigmoid"), (None, "linear"), (doubled, "doubled")],
)
def test_that_of_a_model_with_relations(activation, name, share):
    arguments = {"classifier_activation": activation, "share_classifier": share}
    model = keras_rbi.RBIModel(backbone(), num_classes=3, embedding_dim=4, **arguments)
    assert head_activation(model) == name


@pytest.mark.parametrize(
    ("last", "name"),
    [
        ([layers.Dense(3)], "linear"),
        ([layers.Dense(3, "log_softmax")], "log_softmax"),
        ([layers.Dense(3), layers.Activation("sigmoid")], "sigmoid"),
        ([layers.Dense(3), layers.Softmax()], "softmax"),
        ([layers.Dense(3, layers.Softmax())], "softmax"),
        ([layers.Dense(3), layers.Dropout(0.5)], None),
    ],
)
def test_that_of_other_graphs(last, name):
    model = graph(*last)
    assert head_activation(model) == name
    assert head_activation(keras.Sequential([model])) == name


def test_that_of_the_backbone_alone():
    assert head_activation(backbone_classifier(backbone(), 3)) == "softmax"


def test_a_model_without_a_graph_does_not_tell():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.head = layers.Dense(3, "sigmoid")

        def call(self, images):
            return self.head(images)

    model = Own()
    model(keras.ops.zeros((1, 2)))
    assert head_activation(model) is None
