"""Writes `version_0_1.zip`: models that version 0.1.0 has trained, and what they predict.

    KERAS_BACKEND=tensorflow python tests/released_files/make.py version_0_1.zip

Run with version 0.1.0; later versions must load what it wrote. Each model has trained for some
steps, so that its optimizer has a state. `expected.npz` has the images, the predictions of each
model in each relations mode, and those after one step more.
"""

import sys
import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np

import keras_rbi
from keras_rbi.layers import RPE, RRA
from keras_rbi.models import HERBS, BatchFormerModel, P2PNet, backbone_classifier

CLASSES, SIDE, COUNT = 4, 16, 8
IMAGES = np.random.default_rng(0).integers(0, 256, (COUNT, SIDE, SIDE, 3)).astype("uint8")
LARGE = np.random.default_rng(1).integers(0, 256, (COUNT, 32, 32, 3)).astype("uint8")
LABELS = np.arange(COUNT) % CLASSES
MASK = np.arange(COUNT) < 6


def small_cnn():
    return keras_rbi.backbones.SmallCNN((SIDE, SIDE, 3), widths=(3, 5))


def sequential():
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, strides=4, activation="relu"),
        ]
    )


def stages():
    """Stages of 8x8, 4x4 and 2x2 places."""
    inputs = maps = keras.Input((32, 32, 3))
    maps = keras.layers.Rescaling(1 / 255)(maps)
    for number, filters in enumerate((3, 4, 6)):
        maps = keras.layers.Conv2D(
            filters, 4, 2 if number else 4, padding="same", activation="relu"
        )(maps)
    return keras.Model(inputs, maps)


def rbi(**arguments):
    settings = {"num_classes": CLASSES, "embedding_dim": 6, "relation_dropout": 0.0}
    return keras_rbi.RBIModel(
        arguments.pop("backbone", None) or small_cnn(), **settings | arguments
    )


def with_own_layers():
    rra = RRA(
        5,
        gate="feature",
        use_bias=True,
        softmax_axis=-1,
        momentum=0.8,
        epsilon=1e-3,
        beta_initializer="ones",
        gamma_initializer=keras.initializers.RandomUniform(0.5, 1.5, seed=3),
        kernel_regularizer=keras.regularizers.L2(1e-4),
        gamma_regularizer=keras.regularizers.L2(1e-3),
        beta_constraint=keras.constraints.MaxNorm(2.0),
    )
    return keras_rbi.RBIModel(
        small_cnn(),
        num_classes=CLASSES,
        rpe=RPE(epsilon=2.0, normalize=False),
        rra=rra,
        embedding_dim=6,
        preprocessing=None,
        relations="batch",
    )


def functional():
    inputs = keras.Input((SIDE, SIDE, 3))
    features = keras.layers.GlobalAveragePooling2D()(
        keras.layers.Conv2D(4, 3)(keras.layers.Rescaling(1 / 255)(inputs))
    )
    related = RRA(5, group_size=3)(features, RPE(group_size=3)(inputs))
    outputs = keras.layers.Dense(CLASSES, activation="softmax")(related)
    return keras.Model(inputs, outputs)


def ensemble():
    inputs = keras.Input((SIDE, SIDE, 3))
    outputs = keras.layers.Average()(
        [rbi(name="first")(inputs), rbi(name="second", variant="paper")(inputs)]
    )
    return keras.Model(inputs, outputs)


def herbs(relations, units=8):
    return HERBS(stages(), CLASSES, relations=relations, units=units, dropout=0.0)


def p2p(relations):
    model = P2PNet(stages(), CLASSES, relations=relations, units=5, dropout=0.0)
    # Its half a million weights would fill this folder; of zeros they stay zeros.
    for variable in model.proposer.trainable_variables:
        variable.assign(keras.ops.zeros_like(variable))
    return model


MODELS = {
    "rbi": rbi,
    "rbi_paper": lambda: rbi(variant="paper"),
    "rbi_groups": lambda: rbi(group_size=3, relations="batch"),
    "rbi_shared_classifier": lambda: rbi(share_classifier=True),
    "rbi_own_layers": with_own_layers,
    "rbi_logits": lambda: rbi(classifier_activation=None, class_names=list("abcd")),
    "rbi_sequential": lambda: rbi(backbone=sequential(), preprocessing=None),
    "rbi_mixed_precision": lambda: rbi(dtype="mixed_bfloat16"),
    "rbi_masked": rbi,
    "rbi_references": rbi,
    "rbi_reference_features": rbi,
    "herbs": lambda: herbs(None),
    "herbs_self": lambda: herbs("self"),
    "p2p": lambda: p2p(None),
    "p2p_self": lambda: p2p("self"),
    "batch_former": lambda: BatchFormerModel(
        keras_rbi.backbones.SmallCNN((SIDE, SIDE, 3), widths=(3, 4)), CLASSES
    ),
    "backbone_alone": lambda: backbone_classifier(small_cnn(), CLASSES),
    "functional": functional,
    "ensemble": ensemble,
}
# Dropout inside, whose random numbers differ between backends.
RANDOM = {"batch_former"}


def images_of(model):
    return IMAGES if model.input_shape[1] == SIDE else LARGE


def compiled(model, name):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=name == "rbi_logits")
    if name.startswith(("herbs", "p2p")):
        loss = None
    model.compile(keras_rbi.optimizers.RectifiedAdam(3e-3), loss, metrics=["accuracy"])
    return model


def modes_of(model):
    if getattr(model, "relations", None) is None:
        return ["none"]
    if getattr(model.rra, "use_bias", False):
        # Version 0.1.0 cannot predict alone on TensorFlow with biases.
        return ["batch"]
    return ["self", "batch"] + (
        ["references"] if getattr(model, "references", None) is not None else []
    )


def predictions(model, name):
    """Predictions in each mode, by what they are called in `expected.npz`."""
    found, images = {}, images_of(model)
    own = getattr(model, "relations", None)
    for mode in modes_of(model):
        if mode != "none":
            model.relations = mode
        found[f"{name}/{mode}"] = model.predict(images, batch_size=COUNT, verbose=0)
    if name == "rbi_masked":
        model.relations = "batch"
        masked = model.predict({"images": images, "mask": MASK}, batch_size=COUNT, verbose=0)
        found[f"{name}/masked"] = masked[:6]
    if own is not None:
        model.relations = own
    return found


def step(model, name):
    """One training step, on all images in their order."""
    images = images_of(model)
    if name == "rbi_masked":
        return model.train_on_batch(
            {"images": images, "mask": MASK}, LABELS, MASK.astype("float32")
        )
    return model.train_on_batch(images, LABELS)


def main(folder):
    keras.config.disable_traceback_filtering()
    expected = {"images": IMAGES, "large": LARGE, "labels": LABELS}
    chosen = sys.argv[2:] or MODELS
    for name, make in MODELS.items():
        if name not in chosen:
            continue
        keras.utils.clear_session()
        keras.utils.set_random_seed(0)
        model = compiled(make(), name)
        # Enough for the optimizer's rectified steps.
        for _ in range(7):
            step(model, name)
        if name.startswith("rbi_reference"):
            keep = "images" if name == "rbi_references" else "features"
            model.set_references(IMAGES[::-1], LABELS[::-1], per_class=1, keep=keep)
            model.relations = "references"
        model.save(folder / f"{name}.keras")
        expected |= predictions(model, name)
        if name not in RANDOM and name != "rbi_reference_features":
            loaded = keras.models.load_model(folder / f"{name}.keras")
            if name == "rbi_references":
                loaded.relations = "self"
            step(loaded, name)
            expected[f"{name}/after"] = loaded.predict(
                images_of(loaded), batch_size=COUNT, verbose=0
            )
    np.savez_compressed(folder / "expected.npz", **expected)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        main(Path(made))
        with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for file in sorted(Path(made).iterdir()):
                # Inside a `.keras` file nothing is compressed.
                archive.write(file, file.name)
