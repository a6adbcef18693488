"""Training curves as a figure."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

# Okabe and Ito's blue and vermilion: told apart by colour-blind readers too.
COLOURS = {"training": "#0072B2", "validation": "#D55E00"}


def training_curves(history: Mapping[str, Sequence[float]], title: str = "") -> Figure:
    """Draws loss and accuracy against epochs.

    Args:
        history: Lists of `loss` and `accuracy`, and of `val_loss` and `val_accuracy` where there
            was a validation: the `history` of a `keras.callbacks.History`.
        title: Title of the figure. Defaults to `""`.

    Returns:
        A `matplotlib.figure.Figure`, which no window shows and nothing else keeps.

    Raises:
        ValueError: If the history has no epoch.

    Example:

    >>> history = {"loss": [2.0, 1.0], "accuracy": [0.1, 0.6]}
    >>> figure = keras_rbi.figures.training_curves(history)
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['cross-entropy (nats)', 'top-1 accuracy (%)']
    """
    if not history.get("loss"):
        raise ValueError(
            "There is no epoch to draw: the history must have at least a list 'loss'. Received "
            f"the keys {sorted(history)}."
        )
    panels = [
        (key, label, factor)
        for key, label, factor in (
            ("loss", "cross-entropy (nats)", 1.0),
            ("accuracy", "top-1 accuracy (%)", 100.0),
        )
        if key in history
    ]
    figure = Figure(figsize=(4.2 * len(panels), 3.4), layout="constrained")
    subplots = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (key, label, factor) in zip(subplots, panels, strict=True):
        for name, prefix in (("training", ""), ("validation", "val_")):
            values = history.get(prefix + key)
            if values:
                epochs = range(1, len(values) + 1)
                axes.plot(
                    epochs,
                    [factor * value for value in values],
                    label=name,
                    color=COLOURS[name],
                    marker="o",
                    markersize=3,
                )
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    if title:
        figure.suptitle(title)
    return figure
