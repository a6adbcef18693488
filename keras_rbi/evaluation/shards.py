"""Parts of a folder of images, by names that stay where they are whatever comes or goes."""

import hashlib
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Shard:
    """One of several parts of the files of a folder.

    Attributes:
        number: Which, from 1.
        of: How many there are.
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """The shard that a text such as `3/64` names.

        Raises:
            ValueError: If it names none.

        Example:

        >>> from keras_rbi.evaluation.shards import Shard
        >>> Shard.parse("3/64")
        Shard(number=3, of=64)
        """
        found = re.fullmatch(r"(\d+)/(\d+)", text.strip(), re.ASCII)
        shard = cls(*map(int, found.groups())) if found else None
        if shard is None or not 1 <= shard.number <= shard.of:
            raise ValueError(
                f"A shard is a number of how many, from 1/64 to 64/64. Received: {text!r}."
            )
        return shard

    def has(self, name: str) -> bool:
        """Whether a file is in it.

        It depends on the name and the number of shards alone: not on the machine, the process or
        the other files.

        Args:
            name: The file, relative to the folder, with `/` between its parts.
        """
        digest = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.of == self.number - 1

    def __str__(self) -> str:
        return f"{self.number:05}-of-{self.of:05}"
