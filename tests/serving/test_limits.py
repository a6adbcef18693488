import pytest

from keras_rbi.serving.admission import Admission, FullError
from keras_rbi.serving.limits import Limits


def test_room_is_given_back_also_after_an_error():
    admission = Admission(3)

    def fail():
        with admission.admit(2):
            assert admission.in_hand == 2
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        fail()
    assert admission.in_hand == 0


def test_there_is_no_room_for_a_part():
    admission = Admission(3)
    with admission.admit(2):
        with pytest.raises(FullError), admission.admit(2):
            pass
        assert admission.in_hand == 2
        with admission.admit(1):
            assert admission.in_hand == 3
            # Nothing more fits in, as for a request of one image that is in hand itself.
            with admission.admit(0):
                assert admission.in_hand == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_batch": 0},
        {"deadline": -1.0},
        {"deadline": float("inf")},
        {"decode_seconds": float("nan")},
        {"max_pixels": 0},
        {"queue": 8},
        {"decode_bytes": 2**20},
    ],
)
def test_limits_out_of_their_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Limits(**wrong)
    assert Limits(deadline=0.0).deadline == 0
