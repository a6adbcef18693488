"""What the picture of the first page says."""

import pytest

from applications.answer_picture import percent


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.0, "0%"), (1e-9, "<1%"), (0.0049, "<1%"), (0.0051, "1%"), (0.9949, "99%"), (0.9951, ">99%"),
     (1.0, "100%")],
)  # fmt: skip
def test_no_probability_is_called_0_or_1_that_is_merely_near_it(probability, text):
    assert percent(probability) == text
