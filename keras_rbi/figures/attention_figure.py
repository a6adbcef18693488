"""What the attention of a model is like on test images, drawn."""

import numpy as np
from matplotlib.figure import Figure

from keras_rbi.evaluation.attention_diagnostics import AttentionDiagnostics

# Okabe and Ito's blue and a grey.
FOUND, UNIFORM = "#0072B2", "#999999"


def attention_figure(diagnostics: AttentionDiagnostics) -> Figure:
    """Draws attention weights beside uniform ones, and the entropies of the images.

    Args:
        diagnostics: What `keras_rbi.evaluation.attention_diagnostics` gives.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    weights, entropies = figure.subplots(1, 2)
    kinds = ("self", "same_class", "others")
    for offset, prefix, name, colour, hatch in (
        (-0.2, "on_", "found", FOUND, ""),
        (0.2, "uniform_on_", "if uniform", UNIFORM, "//"),
    ):
        values = [100 * getattr(diagnostics, prefix + kind) for kind in kinds]
        places = np.arange(len(kinds)) + offset
        weights.bar(places, values, 0.4, label=name, color=colour, hatch=hatch)
    weights.set_xticks(range(len(kinds)), ["oneself", "same class", "other classes"])
    weights.set_ylabel("attention weight (%)")
    weights.legend(frameon=False)
    entropies.hist(diagnostics.relative_entropies, bins=20, range=(0.0, 1.0), color=FOUND)
    entropies.set_xlabel("entropy of an image's attention / log(batch size)")
    entropies.set_ylabel("images")
    figure.suptitle(
        f'{diagnostics.images:,} test images, relations "batch", '
        f"batches of {diagnostics.batch_size}, shuffled with seed {diagnostics.seed}; "
        f"mean beta {diagnostics.beta:.2f}",
        fontsize=10,
    )
    return figure
