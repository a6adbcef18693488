"""What the search goes through, with the bytes it begins with and such that are nearly them."""

import importlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

CORPUS = Path(__file__).parent / "corpus"
NEEDS = {"requests": "starlette"}
TARGETS = sorted(path.name for path in CORPUS.iterdir())


def check_of(target):
    if target in NEEDS:
        pytest.importorskip(NEEDS[target], reason="the service is the extra `serve`")
    return importlib.import_module(f"fuzz_{target}").check


def nearly(contents):
    """Bytes of which some are replaced, moved or left out."""

    @st.composite
    def draw_some(draw):
        content = draw(st.sampled_from(contents))
        for _ in range(draw(st.integers(1, 3))):
            begin = draw(st.integers(0, len(content)))
            end = draw(st.integers(begin, min(len(content), begin + 8)))
            # Of another file, which may be one of another kind.
            other = draw(st.sampled_from(contents))
            put = draw(st.one_of(st.binary(max_size=8), st.just(other[begin : begin + 64])))
            content = content[:begin] + put + content[end:]
        return content

    return draw_some()


@pytest.mark.parametrize("target", TARGETS)
def test_bytes_that_were_found_are_refused_or_read(target):
    check = check_of(target)
    files = sorted((CORPUS / target).iterdir())
    for file in files:
        check(file.read_bytes())
    contents = [file.read_bytes() for file in files]

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(nearly(contents))
    def check_all(content):
        check(content)

    check_all()
