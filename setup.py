"""The version of a build: that of the tag that it is made of. All else is in pyproject.toml."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent
# Of a checkout without tags: the release that it leads to, or is.
WITHOUT_TAGS = "0.2.0"


def described() -> str:
    """The last tag `vX.Y.Z`, how many commits ago it was, and the commit; empty without tags."""
    command = ["git", "describe", "--tags", "--long", "--match", "v[0-9]*"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def version_of(description: str) -> str:
    """`0.2.0` of `v0.2.0-0-gabc`, and `0.2.1.dev3+gabc` of what comes after it."""
    found = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)-(\d+)-(g[0-9a-f]+)", description)
    if found is None:
        return WITHOUT_TAGS
    major, minor, patch, since, commit = found.groups()
    if since == "0":
        return f"{major}.{minor}.{patch}"
    return f"{major}.{minor}.{int(patch) + 1}.dev{since}+{commit}"


def version() -> str:
    """The version, which a source distribution has been told."""
    told = ROOT / "PKG-INFO"
    if told.is_file() and (found := re.search(r"^Version: (\S+)$", told.read_text("utf-8"), re.M)):
        return found[1]
    return version_of(described())


if __name__ == "__main__":
    # Which tests of the above do without: Python 3.12 installs it no more.
    from setuptools import setup

    setup(version=version())
