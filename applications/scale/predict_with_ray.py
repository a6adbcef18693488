"""The likeliest classes of the images of a folder, by workers of Ray, as Parquet files.

    python -m applications.scale.predict_with_ray runs/birds-1 photos predictions --workers 8

Of images that cannot be read, the column `error` says why. Needs the extra `ray`.
"""

import argparse
from pathlib import Path
from typing import Any


class Predictor:
    """A worker, which loads the model once."""

    def __init__(self, model: str, folder: str, top: int) -> None:
        from keras_rbi import evaluation, training

        file = training.find_model(Path(model))
        self._model, self._names = training.load_trained_model(file)
        if evaluation.relations_of(self._model) == "batch":
            raise ValueError(
                "This model relates the images of a batch. Set its relations to 'self'."
            )
        self._folder, self._top = Path(folder), top

    def __call__(self, batch: dict[str, Any]) -> Any:
        import pyarrow as pa

        from keras_rbi.evaluation.predict_files import classify_each

        names = [str(name) for name in batch["image"]]
        files = [self._folder / name for name in names]
        found = list(classify_each(self._model, files, self._names, len(files)))
        # Types are said: a part of which all images can be read has no error to tell them by.
        columns = {"image": pa.array(names, pa.string())}
        for rank in range(self._top):
            best = [
                each.top(self._top)[rank] if each.error is None else (None, None) for each in found
            ]
            columns[f"class_{rank + 1}"] = pa.array([name for name, _ in best], pa.string())
            columns[f"probability_{rank + 1}"] = pa.array(
                [value for _, value in best], pa.float64()
            )
        columns["error"] = pa.array([each.error for each in found], pa.string())
        return pa.table(columns)


def main(
    model: str, images: str, output: str, workers: int = 2, batch_size: int = 32, top: int = 5
) -> None:
    """Predicts the images of a folder, and leaves a folder of Parquet files."""
    import ray.data

    from keras_rbi.datasets.files.find_images import images_in

    folder = Path(images).resolve()
    names = [{"image": path.relative_to(folder).as_posix()} for path in images_in(folder)]
    parts = min(len(names), 4 * workers)
    ray.data.from_items(names, override_num_blocks=parts).map_batches(
        Predictor,
        fn_constructor_args=(str(Path(model).resolve()), str(folder), top),
        batch_size=batch_size,
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=1,
    ).write_parquet(str(Path(output).resolve()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("images")
    parser.add_argument("output")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--top", type=int, default=5)
    main(**vars(parser.parse_args()))
