"""What the service does with images: decodes them, asks the model, and words its predictions."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from keras_rbi.evaluation.observation_probabilities import (
    image_supports,
    observation_probabilities,
)
from keras_rbi.evaluation.top_classes import top_classes
from keras_rbi.serving.batcher import Batcher
from keras_rbi.serving.beside import Beside
from keras_rbi.serving.class_map import class_map
from keras_rbi.serving.decoders import Decoders
from keras_rbi.serving.limits import Limits
from keras_rbi.serving.metrics import Metrics
from keras_rbi.serving.reference_images import ReferenceImages

# Maps of all classes take room.
MAPS_AT_ONCE = 8
NOTHING: dict[str, np.ndarray] = {"probabilities": np.zeros(0, "float32")}
# Name and bytes of an image, or what is wrong with it.
Sent = tuple[str, bytes | str]
# Status and content of a response.
Reply = tuple[int, dict[str, Any]]


class Model(Protocol):
    """What the service needs of a model: `OnnxModel` has it.

    One that also `has_features`, `has_maps` or `attends_to` references gives these by methods that
    `OnnxModel` describes.
    """

    class_names: Sequence[str]
    image_size: int
    relations: str

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Probabilities `(batch, classes)` of uint8 images `(batch, side, side, 3)`."""


@dataclass(frozen=True)
class Seen:
    """An image that was read, and what the model says of it."""

    pixels: np.ndarray
    said: dict[str, np.ndarray]

    @property
    def probabilities(self) -> np.ndarray:
        """Of the classes, shape `(classes,)`."""
        return self.said["probabilities"]


class Service:
    """Predicts images.

    Args:
        model: The model, whose prediction of an image must depend on that image alone.
        limits: What to take on.
        metrics: Where to count.
        beside: What is known of the model besides.
    """

    def __init__(self, model: Model, limits: Limits, metrics: Metrics, beside: Beside) -> None:
        asked: Any = model
        self.model: Model = model
        self.beside: Beside = beside
        self.has_maps: bool = bool(getattr(model, "has_maps", False))
        self.references: ReferenceImages | None = _usable(beside.references, asked)
        self.attends: bool = self.references is not None and self.references.are_attended
        self._metrics = metrics
        self._decoders = Decoders(model.image_size, limits)
        self._batchers = [
            Batcher(
                getattr(model, "look", self._predictions),
                limits.max_batch,
                limits.deadline,
                metrics.batch_sizes.observe,
            )
        ]
        if self.has_maps:
            most = min(MAPS_AT_ONCE, limits.max_batch)
            self._batchers.append(Batcher(asked.maps, most, 0.0, metrics.batch_sizes.observe))

    async def start(self) -> None:
        """Begins to predict."""
        await self._decoders.start()
        for batcher in self._batchers:
            batcher.start()

    async def stop(self) -> None:
        """Predicts what is waiting, and ends."""
        for batcher in self._batchers:
            await batcher.stop()
        await self._decoders.stop()

    async def predict(self, images: list[Sent], top: int, references: int = 0) -> Reply:
        """The likeliest classes of each image, with what is most like it of each."""
        seen = await self._look(images)
        entries = [
            {"error": one} if isinstance(one, str) else await self._prediction(one, top, references)
            for one in seen
        ]
        return _reply("predictions", images, entries)

    async def explain(self, images: list[Sent], classes: Sequence[int], attended: int = 6) -> Reply:
        """The maps of classes, or of the likeliest class, over each image; what it attended to."""
        # Of a class that is asked for, the map is all that the model is run for.
        only_maps = bool(classes) and not self.attends
        seen = await (self._read(images) if only_maps else self._look(images))
        maps = await self._maps(seen) if self.has_maps else [None] * len(seen)
        entries: list[dict[str, Any]] = []
        for one, of_it in zip(seen, maps, strict=True):
            if isinstance(one, str):
                entries.append({"error": one})
                continue
            entry: dict[str, Any] = {"maps": []}
            if of_it is not None:
                entry["maps"] = [
                    {"class": self.model.class_names[each], "rows": class_map(of_it, each)}
                    for each in classes or [int(one.probabilities.argmax())]
                ]
            if self.attends:
                entry["attended"] = self._attended(one, attended)
            entries.append(entry)
        return _reply("explanations", images, entries)

    async def compare(self, images: list[Sent], pair: tuple[int, int], count: int) -> Reply:
        """What in each image, and in references of two classes, speaks for the one or the other."""
        seen = await self._look(images)
        maps = await self._maps(seen)
        entries: list[dict[str, Any]] = []
        for one, of_it in zip(seen, maps, strict=True):
            if isinstance(one, str) or of_it is None:
                entries.append({"error": str(one)})
                continue
            near = self._nearest(one, count, pair) if self.references else []
            maps_of = await asyncio.gather(
                *(self._compared(each["reference"], pair) for each in near)
            )
            shown = [{**each, **both} for each, both in zip(near, maps_of, strict=True)]
            names = [self.model.class_names[each] for each in pair]
            entries.append(
                {
                    "classes": [
                        {"class": name, **self._of_class(one, number)}
                        for name, number in zip(names, pair, strict=True)
                    ],
                    **_both_ways(of_it, pair),
                    "references": shown,
                }
            )
        return _reply("comparisons", images, entries)

    async def observe(self, images: list[Sent], top: int) -> Reply:
        """One prediction from photographs of one thing, and what each of them adds."""
        seen = await self._look(images)
        rows = [one.probabilities for one in seen if not isinstance(one, str)]
        entries: list[dict[str, Any]] = [
            {"error": one}
            if isinstance(one, str)
            else {"top": top_classes(one.probabilities, self.model.class_names, top)}
            for one in seen
        ]
        status, content = _reply("images", images, entries)
        if not rows:
            return status, content
        temperature = self.beside.calibration.temperature(len(rows))
        whole = observation_probabilities(np.stack(rows), temperature)
        supports = iter(image_supports(np.stack(rows), temperature) if len(whole) > 1 else ())
        for entry in content["images"]:
            if "top" in entry and len(whole) > 1:
                entry["support"] = float(next(supports))
        content["observation"] = {
            "top": top_classes(whole, self.model.class_names, top),
            "images": len(rows),
            "temperature": temperature,
            "calibrated": bool(self.beside.calibration.temperatures),
        }
        if self.beside.confidence is not None:
            # As one photograph would be that says what they say in the mean: photographs that are
            # all alike tell no more than one, and unlike ones are right more often.
            mean = observation_probabilities(np.stack(rows), 1.0)
            content["observation"]["sure"] = self.beside.confidence.is_sure(mean)
        return status, content

    async def nearest(self, images: list[Sent], count: int, classes: Sequence[int]) -> Reply:
        """The references that are most like each image."""
        seen = await self._look(images)
        entries = [
            {"error": one}
            if isinstance(one, str)
            else {"references": self._nearest(one, count, classes or None)}
            for one in seen
        ]
        return _reply("nearest", images, entries)

    async def check(self, image: Sent) -> str | None:
        """Why an image cannot be read, or `None`."""
        found = await self._decoded(*image, 0)
        self._count([found])
        return found if isinstance(found, str) else None

    def reference(self, number: int) -> dict[str, Any]:
        """What there is to say of a reference."""
        assert self.references is not None
        label = int(self.references.labels[number])
        return {
            "reference": number,
            "class": self.model.class_names[label] if label >= 0 else "",
            "name": self.references.names[number],
            "photograph": f"references/{number}",
        }

    async def _read(self, images: list[Sent]) -> list[Seen | str]:
        """The images, of which nothing has been asked yet."""
        found = await asyncio.gather(
            *(self._decoded(*image, number) for number, image in enumerate(images))
        )
        self._count(found)
        return [image if isinstance(image, str) else Seen(image, NOTHING) for image in found]

    def _count(self, found: Sequence[np.ndarray | str]) -> None:
        refused = sum(isinstance(image, str) for image in found)
        self._metrics.images.labels("answered").inc(len(found) - refused)
        self._metrics.images.labels("refused").inc(refused)

    async def _look(self, images: list[Sent]) -> list[Seen | str]:
        found = await self._read(images)
        readable = [one.pixels for one in found if not isinstance(one, str)]
        rows = iter(await self._batchers[0].submit(readable))
        return [one if isinstance(one, str) else Seen(one.pixels, next(rows)) for one in found]

    def _predictions(self, images: np.ndarray) -> list[dict[str, np.ndarray]]:
        return [{"probabilities": row} for row in self.model.predict(images)]

    async def _decoded(self, name: str, content: bytes | str, number: int) -> np.ndarray | str:
        """The image, or what is wrong with it."""
        if isinstance(content, str):
            return content
        try:
            return await self._decoders.decode(content, name, number)
        except ValueError as error:
            return str(error)

    async def _maps(self, seen: list[Seen | str]) -> list[np.ndarray | None]:
        readable = [one.pixels for one in seen if not isinstance(one, str)]
        rows = iter(await self._batchers[1].submit(readable))
        return [None if isinstance(one, str) else next(rows) for one in seen]

    async def _prediction(self, one: Seen, top: int, references: int) -> dict[str, Any]:
        best: list[dict[str, Any]] = list(
            top_classes(one.probabilities, self.model.class_names, top)
        )
        entry: dict[str, Any] = {"top": best}
        confidence = self.beside.confidence
        if confidence is not None:
            calibrated = np.sort(confidence.calibrated(one.probabilities))[::-1]
            for each, value in zip(best, calibrated, strict=False):
                each["calibrated"] = float(value)
            entry["sure"] = confidence.is_sure(one.probabilities)
        if references and self.references is not None:
            numbers = np.argsort(-one.probabilities, kind="stable")[:top]
            # Of thousands of references this takes some milliseconds.
            near = await asyncio.to_thread(self._nearest, one, references, numbers.tolist())
            for each in best:
                each["references"] = [other for other in near if other["class"] == each["class"]]
        return entry

    def _nearest(
        self, one: Seen, count: int, classes: Sequence[int] | None
    ) -> list[dict[str, Any]]:
        assert self.references is not None
        if self.attends:
            found = self.references.most(one.said["attention"][1:], count, classes)
        else:
            found = self.references.nearest(one.said["features"], count, classes)
        how = "share" if self.attends else "likeness"
        return [{**self.reference(number), how: round(value, 6)} for number, value in found]

    def _attended(self, one: Seen, count: int) -> dict[str, Any]:
        """Whom an image attended to and how much, and what the prediction were without that."""
        found: dict[str, Any] = {
            "itself": round(float(one.said["attention"][0]), 6),
            "references": self._nearest(one, count, None),
        }
        alone = one.said.get("probabilities_without_attention")
        if alone is not None:
            found["without"] = top_classes(alone, self.model.class_names, 1)
            found["changed"] = round(float(np.abs(one.probabilities - alone).max()), 6)
        return found

    async def _compared(self, number: int, pair: tuple[int, int]) -> dict[str, Any]:
        assert self.references is not None
        pixels = await self._decoders.decode(self.references.files[number], f"reference {number}")
        (maps,) = await self._batchers[1].submit([pixels])
        return _both_ways(maps, pair)

    def _of_class(self, one: Seen, number: int) -> dict[str, Any]:
        found = {"probability": float(one.probabilities[number])}
        if self.beside.confidence is not None:
            calibrated = self.beside.confidence.calibrated(one.probabilities)
            found["calibrated"] = float(calibrated[number])
        return found


def _usable(references: ReferenceImages | None, model: Any) -> ReferenceImages | None:
    """References that a model can tell of: by its features, or because it attends to them."""
    if references is None:
        return None
    if references.are_attended:
        return references if len(references) == getattr(model, "attends_to", 0) else None
    return references if getattr(model, "has_features", False) else None


def _both_ways(maps: np.ndarray, pair: tuple[int, int]) -> dict[str, Any]:
    first, second = pair
    return {"first": class_map(maps, first, second), "second": class_map(maps, second, first)}


def _reply(what: str, images: list[Sent], entries: list[dict[str, Any]]) -> Reply:
    """200 where an image could be read, at least; else 400, with the reasons."""
    named = [{"image": name, **entry} for (name, _), entry in zip(images, entries, strict=True)]
    content: dict[str, Any] = {what: named}
    errors = [entry["error"] for entry in entries if "error" in entry]
    if len(errors) < len(entries):
        return 200, content
    return 400, {"detail": "; ".join(errors), **content}
