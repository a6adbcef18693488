"""The version of a build: that of the tag that it is made of. All else is in pyproject.toml."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent
# Of a checkout without tags: the release that it leads to, or is.
WITHOUT_TAGS = "0.2.0"


def described() -> str:
    """The last tag `vX.Y.Z`, how many commits ago it was, and the commit; empty without tags.

    Of an archive that git made, and of this checkout: not of another in which an archive lies.
    """
    if not (ROOT / ".git").exists():
        archive = ROOT / ".git_archival.txt"
        found = re.search(r"^describe: (v\S+)$", _text(archive), re.M)
        # What `git archive` writes of the tag itself has no number of commits.
        return "" if found is None else re.sub(r"^(v[\d.]+)$", r"\1-0-g0", found[1])
    command = ["git", "describe", "--tags", "--long", "--match", "v[0-9]*"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _text(file: Path) -> str:
    return file.read_text("utf-8") if file.is_file() else ""


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
    if found := re.search(r"^Version: (\S+)$", _text(ROOT / "PKG-INFO"), re.M):
        return found[1]
    return version_of(described())


if __name__ == "__main__":
    # Which tests of the above do without: Python 3.12 installs it no more.
    from setuptools import setup

    setup(version=version())
