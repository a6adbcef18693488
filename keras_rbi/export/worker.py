"""The process that writes an export for a process of another backend.

KERAS_BACKEND=tensorflow python -m keras_rbi.export.worker FOLDER
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np

from keras_rbi.export.options import ExportOptions
from keras_rbi.export.writing import IMAGES_FILE, write_here


def main(folder: Path) -> None:
    """Writes what `job.json` in a folder says of the model beside it."""
    job = json.loads((folder / "job.json").read_text("utf-8"))
    model = keras.models.load_model(folder / "model.keras", compile=False)
    images = np.load(folder / IMAGES_FILE) if (folder / IMAGES_FILE).is_file() else None
    write_here(model, Path(job["path"]), ExportOptions.from_dict(job["options"]), images)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
