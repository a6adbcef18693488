"""Figure 7 of the paper: the attention between the images of a batch, without and with RPE.

    python -m applications.paper.relation_matrix --dataset typefaces --quick
    python -m applications.paper.relation_matrix --dataset stanford_dogs --data-dir data \\
        --backbones ConvNeXtLarge

Two models are trained, without RPE and with it, and the same batch of test images is put through
both. The table has what the eye looks for in the figure: diagonal dominance, from -1 (nothing on
the diagonal) over 0 (the diagonal is like the rest) to 1 (nothing elsewhere), and asymmetry, from 0
(symmetric) to 1.

What it costs: with --quick two runs, some minutes on two cores; in full two runs of 50 epochs at
224 pixels, for which take a GPU.

The paper gives a picture and no numbers. Its text says that with RPE the diagonal is prominent and
the matrix symmetric in appearance, and without RPE neither.
"""

from collections.abc import Sequence

from matplotlib.figure import Figure

from applications.paper.peers import PAPER
from applications.paper.pictures import model_of, options_of, some_images, write
from keras_rbi.explanations.relation_matrix import asymmetry, diagonal_dominance
from keras_rbi.figures.image_panels import draw_relations
from keras_rbi.models import batch_attention

RELATIONS = "relations S"
WITHOUT = {PAPER: "paper-no-rpe"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains both models, and draws."""
    options = options_of(arguments, __doc__, "relation_matrix")
    attentions = {}
    for title, peer in (
        ("without RPE", WITHOUT.get(options.rbi, "no-rpe")),
        ("with RPE", options.rbi),
    ):
        model, test = model_of(options, peer)
        images, _ = some_images(test, options.images)
        attentions[title] = batch_attention(model, images)
    matrices = {
        "attention A, trained without RPE": attentions["without RPE"].weights,
        "attention A, trained with RPE": attentions["with RPE"].weights,
        RELATIONS: attentions["with RPE"].relations,
    }
    rows = [
        {
            "matrix": name,
            "diagonal dominance": diagonal_dominance(matrix),
            "asymmetry": asymmetry(matrix),
            "values, row by row": " ".join(f"{value:.4f}" for value in matrix.ravel()),
        }
        for name, matrix in matrices.items()
    ]
    figure = Figure(figsize=(5 * len(matrices), 5), layout="constrained")
    # One scale for what is compared.
    largest = max(attention.weights.max() for attention in attentions.values())
    for axes, row, (name, matrix) in zip(
        figure.subplots(1, len(matrices)), rows, matrices.items(), strict=True
    ):
        draw_relations(axes, matrix, images, most=None if name == RELATIONS else largest)
        axes.set_title(
            f"{row['matrix']}\ndiagonal dominance {row['diagonal dominance']:+.2f}, "
            f"asymmetry {row['asymmetry']:.2f}",
            fontsize=10,
        )
    write(options, rows, figure)


if __name__ == "__main__":
    main()
