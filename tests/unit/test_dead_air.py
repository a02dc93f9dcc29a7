"""The silences a caller hears that nobody meant, counted from made-up frames."""

import pytest

from tests.dead_air import gaps, spans


def heard(*stretches: tuple[float, float], until: float = 10.0) -> list[tuple[float, bool]]:
    """Frames of 20 ms from 0 s on, sounding in these stretches."""
    times = [n * 0.02 for n in range(round(until / 0.02))]
    return [(at, any(begin <= at < end for begin, end in stretches)) for at in times]


def lengths(*args: object) -> list[float]:
    return [pytest.approx(end - begin, abs=0.021) for begin, end in gaps(*args)]  # type: ignore[arg-type]


def test_all_sounds() -> None:
    assert gaps(heard((0, 10)), [], [], (0.0, 10.0)) == []


def test_silences_before_between_and_after() -> None:
    assert lengths(heard((0.5, 4.0), (5.0, 8.0)), [], [], (0.0, 10.0)) == [0.5, 1.0, 2.0]


def test_packets_that_do_not_come_are_silence_too() -> None:
    came = [frame for frame in heard((0, 10)) if not 4.0 <= frame[0] < 4.8]
    assert lengths(came, [], [], (0.0, 10.0)) == [0.8]


def test_his_turn_is_no_gap_and_its_edges_are() -> None:
    """A prompt ends at 3.0, the menu waits from 3.3 to 6.0 (he presses a key), the next prompt sounds from 6.2."""
    assert lengths(heard((0, 3.0), (6.2, 10)), [(3.3, 6.0)], [], (0.0, 10.0)) == [0.2, 0.3]


def test_waits_in_a_row_and_one_over_the_whole() -> None:
    assert gaps(heard((0, 3)), [(3.0, 5.0), (5.0, 10.0)], [], (0.0, 10.0)) == []
    assert gaps(heard(), [(-1.0, 11.0)], [], (0.0, 10.0)) == []


def test_a_pause_within_a_prompt_is_its_own_and_between_two_it_is_not() -> None:
    sound = heard((0, 2), (2.4, 5), (5.6, 10))
    assert lengths(sound, [], [(0.0, 5.1), (5.3, 10.0)], (0.0, 10.0)) == [0.6]


def test_spans_of_a_state() -> None:
    marks = [(1.0, True), (2.0, True), (3.0, False), (4.0, True)]
    assert spans(marks, 9.0) == [(1.0, 3.0), (4.0, 9.0)] and spans([], 9.0) == []
