"""`keras-rbi train --find-lr`."""

from pathlib import Path

from keras_rbi import training
from keras_rbi.atomic_write import write_atomically
from keras_rbi.cli.backend import start_backend
from keras_rbi.cli.destination import check_file
from keras_rbi.cli.output import (
    asked,
    one_line_errors,
    one_line_warnings,
    print_json,
    progress_bars,
    say,
)
from keras_rbi.cli.read_training_data import make_ready_for, read_training_data
from keras_rbi.cli.require_weights import require_weights
from keras_rbi.cli.settings_options import as_arguments
from keras_rbi.training.settings import TrainingSettings


def find_learning_rate(settings: TrainingSettings, output: Path | None, download: bool) -> None:
    """Prints the rate that a range test suggests, and draws the test."""
    path = output or Path("learning-rate.png")
    check_file(path, "--output")
    with one_line_errors(), one_line_warnings():
        settings = settings.resolved()
        make_ready_for(settings, download)
        data = read_training_data(settings)
        require_weights(settings)
        start_backend()
        with progress_bars("Trying learning rates: {}") as progress:
            found = training.find_learning_rate(settings, data, progress)
        from keras_rbi.figures.learning_rate_curve import learning_rate_curve

        title = f"{settings.backbone} on {Path(settings.dataset).name}"
        figure = learning_rate_curve(found, title)
        write_atomically(path, lambda place: figure.savefig(place, dpi=150, format="png"))
    words = as_arguments({"learning_rate": float(f"{found.suggestion:.1g}")})
    if asked.json:
        print_json(
            {
                "suggestion": found.suggestion,
                "rates": found.rates.tolist(),
                "losses": found.losses.tolist(),
                "figure": str(path),
            }
        )
        return
    say(f"Suggested: {' '.join(words)} (the loss falls fastest there; {path} shows it)")
    say(f"Without it this run would take {settings.learning_rate:g}.")
