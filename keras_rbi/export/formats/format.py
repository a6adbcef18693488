"""The record of a format: what it is written with, and what must be installed for it."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format of exports: a folder with `write.py`, `run.py` and this record.

    `write.py` has `write(model, path, options)`, which may take representative images too.
    `run.py` has `run(path)`, which gives a function from an input's name and values to outputs, and
    the metadata; it is run in a process without Keras and must not import `keras_rbi`.

    Attributes:
        name: String.
        package: The package of its folder, `__name__` there.
        suffix: Of its file; empty for a folder.
        folder_marker: Of a folder, the file in it by which an earlier export is known.
        backends: Backends that write it, the preferred one first.
        packages: Packages that it needs, whatever the backend, with the extras that bring them.
        converters: Packages that a backend needs besides, with their extras.
        precisions: Precisions of the weights that it has.
        has_several_inputs: Whether it can have several ways in, bytes of files among them.
        cuts_groups: Whether it can cut batches of any size into relation groups.
    """

    name: str
    package: str
    suffix: str
    backends: tuple[str, ...]
    packages: Mapping[str, str] = field(default_factory=dict)
    converters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    precisions: tuple[str, ...] = ("float32",)
    has_several_inputs: bool = False
    cuts_groups: bool = True
    folder_marker: str = ""

    def check_path(self, path: Path) -> None:
        """Raises a `ValueError` where an export cannot go or would replace something else."""
        if self.suffix and path.suffix != self.suffix:
            raise ValueError(
                f"The file's name must end with {self.suffix!r}. Received: {str(path)!r}."
            )
        if self.suffix and path.is_dir():
            raise ValueError(f"{str(path)!r} is a folder. Name a file.")
        if self.suffix or not path.exists() or (path / self.folder_marker).is_file():
            return
        if not path.is_dir() or any(path.iterdir()):
            raise ValueError(
                f"{str(path)!r} exists and is no export as {self.name!r}. Take it away or name "
                "another folder."
            )

    @property
    def write(self) -> Callable[..., None]:
        """The function that writes it, imported when it is asked for."""
        return importlib.import_module(f"{self.package}.write").write

    @property
    def run_file(self) -> Path:
        """The file that runs it without Keras."""
        module: Any = importlib.import_module(self.package)
        return Path(module.__file__).with_name("run.py")
