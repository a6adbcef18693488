"""The version of a build, from tags; and what else names it."""

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def build_script():
    spec = importlib.util.spec_from_file_location("build_script", ROOT / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_versions_are_those_of_tags():
    version_of = build_script().version_of
    assert version_of("v0.2.0-0-gabc123") == "0.2.0"
    assert version_of("v0.2.9-12-gabc123") == "0.2.10.dev12+gabc123"
    for other in ("", "v0.2-0-gabc123", "0.2.0"):
        assert version_of(other) == build_script().WITHOUT_TAGS


def test_a_source_distribution_keeps_the_version_that_it_was_made_with(tmp_path, monkeypatch):
    script = build_script()
    monkeypatch.setattr(script, "ROOT", tmp_path)
    assert script.version() == script.WITHOUT_TAGS
    (tmp_path / "PKG-INFO").write_text("Metadata-Version: 2.4\nVersion: 0.2.1.dev3+gabc\n", "utf-8")
    assert script.version() == "0.2.1.dev3+gabc"


@pytest.mark.parametrize(
    ("told", "version"),
    [("v0.3.1", "0.3.1"), ("v0.3.1-4-gabc123", "0.3.2.dev4+gabc123"), ("", "0.2.0")],
)
def test_an_archive_of_git_has_the_version_of_its_commit(tmp_path, monkeypatch, told, version):
    script = build_script()
    # In somebody else's checkout, whose tags are none of ours.
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tmp_path)]
    for words in (["init", "-q"], ["commit", "-qm", "-", "--allow-empty"], ["tag", "v9.9.9"]):
        subprocess.run([*git, *words], check=True)
    monkeypatch.setattr(script, "ROOT", tmp_path / "keras-rbi")
    script.ROOT.mkdir()
    assert script.version() == script.WITHOUT_TAGS
    (script.ROOT / ".git_archival.txt").write_text(f"describe: {told}\n", "utf-8")
    assert script.version() == version
    (script.ROOT / ".git_archival.txt").write_bytes((ROOT / ".git_archival.txt").read_bytes())
    assert script.version() == script.WITHOUT_TAGS


def test_the_changelog_and_the_citation_know_the_release():
    release = build_script().WITHOUT_TAGS
    sections = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    released = [each for each in sections if each != "Unreleased"]
    assert re.fullmatch(rf"{re.escape(release)} - \d{{4}}-\d\d-\d\d", released[0])
    kinds = re.findall(r"^### (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {release}\n" in citation
    assert f"\ndate-released: {released[0].split(' - ')[1]}\n" in citation
