"""Train a classifier whose images relate, measure it, save it and load it again.

    python examples/quickstart.py

Twenty-two typefaces, with nothing to download; some minutes on two cores.
"""

import keras

import keras_rbi
from keras_rbi import datasets


def main(per_class: int = 300, epochs: int = 6, file: str = "typefaces.keras") -> float:
    """The accuracy on test images, from 0 to 1."""
    training, test = (datasets.typefaces.load(split, per_class) for split in ("train", "test"))
    model = keras_rbi.RBIModel(keras_rbi.backbones.SmallCNN())  # reads the classes off the data
    model.compile(
        keras_rbi.RectifiedAdam(1.6e-2, global_clipnorm=1.0),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(training, epochs=epochs, shuffle=False)
    accuracy = model.evaluate(test, return_dict=True)["accuracy"]
    model.save(file)

    # Each image is predicted by itself: the batch does not matter.
    loaded = keras.models.load_model(file)
    probabilities = loaded.predict(test[0][0])
    print(loaded.class_names[probabilities[0].argmax()], f"{100 * accuracy:.1f} %")
    return float(accuracy)


if __name__ == "__main__":
    main()
