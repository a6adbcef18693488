"""HTML report of the test images that a model gets wrong, beside those that they are taken for."""

from keras_rbi.datasets.image_data import ImageData
from keras_rbi.evaluation.mistaken_images import MistakenImage, MistakenImages
from keras_rbi.figures.html_report import Card, Gallery, HtmlReport, Picture, Section
from keras_rbi.figures.photograph_cards import LARGE, pictures_of
from keras_rbi.figures.thumbnail import thumbnail

MOST, LOOK_ALIKES = 100, 4


def mistakes_report(
    mistaken: MistakenImages, name: str = "the model", most: int = MOST, count: int = LOOK_ALIKES
) -> HtmlReport:
    """Reports mistakes, the surest first, each beside test images of both classes.

    Args:
        mistaken: The mistakes.
        name: What to call the model. Defaults to `"the model"`.
        most: Integer, how many to show at most. Defaults to `100`.
        count: Integer, how many images of either class to show. Defaults to `4`.

    Returns:
        The report, whose `html()` is to be written to a file.

    Example:

    >>> test = keras_rbi.datasets.typefaces.load("test", per_class=2, image_size=16)
    >>> backbone = keras_rbi.backbones.SmallCNN((16, 16, 3))
    >>> model = keras_rbi.models.backbone_classifier(backbone, 22)
    >>> extracted = keras_rbi.evaluation.extract_features(model, test)
    >>> found = keras_rbi.evaluation.MistakenImages(extracted, test)
    >>> report = keras_rbi.figures.mistakes_report(found, most=2)
    >>> [len(card.galleries) for card in report.sections[0].cards]
    [2, 2]
    """
    shown = [one for one, _ in zip(mistaken, range(most), strict=False)]
    summary = f"{len(mistaken):,} of {mistaken.images:,} test images are taken for another class."
    if len(shown) < len(mistaken):
        summary += f" The {len(shown):,} surest are shown; mistakes.csv has them all."
    text = (
        "Each stands beside the test images that the model finds most alike, of the class that it "
        "was taken for and of its own. A mistake that looks right may be a wrong label: keras-rbi "
        "datasets doubtful looks for these."
        if shown
        else "There is none."
    )
    cards = [_card(one, mistaken, count) for one in shown]
    sections = [Section("mistakes", "The surest mistakes first", text, cards=cards)]
    return HtmlReport(f"What {name} gets wrong", summary, sections)


def _card(one: MistakenImage, mistaken: MistakenImages, count: int) -> Card:
    data, names = mistaken.data, mistaken.data.class_names
    return Card(
        one.file,
        text=f"{names[one.label]}, taken for {names[one.predicted]}.",
        mark=False,
        pictures=[thumbnail(data.image(one.number), one.file, LARGE)],
        galleries=[
            Gallery(
                words,
                _beside(data, mistaken.look_alikes(one.number, label, count)),
                names[label],
                f", {100 * probability:.1f}\u00a0%",
                kind,
            )
            for words, label, probability, kind in (
                ("Taken for", one.predicted, one.probability, "first"),
                ("It is", one.label, one.probability_of_label, "second"),
            )
        ],
    )


def _beside(data: ImageData, numbers: list[int]) -> list[Picture]:
    return pictures_of(data, numbers) or [Picture(None, "no other test image")]
