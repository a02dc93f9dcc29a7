"""What a waiting caller is told of his expected wait."""

from hypothesis import given
from hypothesis import strategies as st

from ari_app.acd.told import MINUTES_MAX, in_minutes, next_told

seconds = st.floats(0, 5000)
ranges = st.tuples(seconds, seconds).map(lambda pair: (min(pair), max(pair)))


def test_a_range_is_told_in_whole_minutes_that_hold_it() -> None:
    assert in_minutes(130, 200) == (2, 4)
    assert in_minutes(0, 20) == (0, 1)
    assert in_minutes(60, 120) == (1, 2)


def test_it_grows_only_when_staff_left() -> None:
    assert next_told((2, 4), (150, 400), staff_left=False) == (2, 4)
    assert next_told((2, 4), (150, 400), staff_left=True) == (2, 7)


def test_a_range_that_would_be_a_lie_is_not_told() -> None:
    assert next_told((2, 4), (250, 400), staff_left=False) is None
    assert next_told(None, (4000, 5000), staff_left=False) is None
    assert next_told((2, 4), None, staff_left=True) is None


@given(st.lists(st.tuples(ranges, st.booleans()), max_size=12))
def test_never_longer_than_before_unless_staff_left(story: list[tuple[tuple[float, float], bool]]) -> None:
    before = None
    for expected, staff_left in story:
        told = next_told(before, expected, staff_left=staff_left)
        if told is None:
            continue
        assert 0 <= told[0] < told[1] <= MINUTES_MAX
        if before is not None and not staff_left:
            assert told[0] <= before[0] and told[1] <= before[1]
        before = told
