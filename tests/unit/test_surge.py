"""The surge plan by itself: thresholds, times, rush, undoing, and what is done by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.acd.surge import Plan, Step, Surge, Take, Undo, head_count

HANDBOOK = Plan(
    waiting=5,
    rush=10,
    for_s=300,
    steps=(
        Step("experts"),
        Step("outbound"),
        Step("quality"),
        Step("back office", only_in_rush=True),
        Step("longer shifts", only_in_rush=True, rush_after_s=600),
    ),
)


def moves(surge: Surge, *seen: tuple[float, int]) -> list[tuple[float, str, int]]:
    """What the plan does when so many wait from so many seconds on; the last time is when to stop looking."""
    done: list[tuple[float, str, int]] = []
    for (at, waiting), (until, _) in zip(seen, [*seen[1:], (seen[-1][0], 0)], strict=True):
        now = at
        while True:
            while (move := surge.see(waiting, now)) is not None:
                done.append((now, type(move).__name__, move.step + 1))
            due = surge.next_at()
            if due is None or due >= until:
                break
            now = due
    return done


def test_a_step_after_each_five_minutes() -> None:
    assert moves(Surge(HANDBOOK), (0, 6), (2000, 6)) == [(300, "Take", 1), (600, "Take", 2), (900, "Take", 3)]


def test_five_waiting_are_not_too_many() -> None:
    assert moves(Surge(HANDBOOK), (0, 5), (2000, 5)) == []


def test_the_five_minutes_begin_anew_when_fewer_wait_meanwhile() -> None:
    assert moves(Surge(HANDBOOK), (0, 6), (299, 5), (301, 6), (601, 7), (602, 7)) == [(601, "Take", 1)]


def test_more_than_ten_skip_the_waits_and_go_on_to_the_back_office() -> None:
    taken = [(100, "Take", n) for n in (1, 2, 3, 4)]
    assert moves(Surge(HANDBOOK), (0, 6), (100, 11), (500, 11)) == taken
    assert moves(Surge(HANDBOOK), (100, 11), (701, 11)) == [*taken, (700, "Take", 5)]


def test_the_back_office_is_for_a_rush_only() -> None:
    assert moves(Surge(HANDBOOK), (0, 10), (9000, 10))[-1] == (900, "Take", 3)


def test_steps_are_undone_one_by_one_in_reverse_after_five_calm_minutes_each() -> None:
    done = moves(Surge(HANDBOOK), (0, 11), (10, 5), (2000, 5))
    assert done[4:] == [(310, "Undo", 4), (610, "Undo", 3), (910, "Undo", 2), (1210, "Undo", 1)]


def test_what_swings_about_the_threshold_changes_nothing() -> None:
    surge = Surge(HANDBOOK)
    moves(surge, (0, 6), (301, 6))
    assert moves(surge, *[(400 + 100 * n, 5 + n % 2) for n in range(40)]) == []


def test_what_was_taken_by_hand_is_undone_by_hand_and_holds_what_is_below() -> None:
    surge = Surge(HANDBOOK)
    assert moves(surge, (0, 6), (301, 6)) == [(300, "Take", 1)]
    assert surge.take(302, "fair in town") == Take(1, "fair in town")
    assert moves(surge, (310, 0), (9000, 0)) == []
    assert surge.undo(9000, "over") == Undo(1, "over")
    assert moves(surge, (9000, 0), (9400, 0)) == [(9300, "Undo", 1)]
    assert surge.undo(9500, "more") is None


def test_disarmed_it_only_watches() -> None:
    surge = Surge(HANDBOOK, armed=False)
    assert moves(surge, (0, 50), (9000, 50)) == [] and surge.next_at() is None
    assert [surge.take(1, "") is not None for _ in range(6)] == [True] * 5 + [False]


def test_it_says_why() -> None:
    surge = Surge(HANDBOOK)
    assert (surge.see(6, 0), surge.see(8, 300)) == (None, Take(0, "8 waiting, more than 5 for 300 s"))
    assert surge.see(12, 301) == Take(1, "12 waiting, more than 10")


@pytest.mark.parametrize(("over", "count"), [(0, 0), (-3, 0), (1, 1), (3, 1), (4, 2), (30, 10)])
def test_head_count(over: int, count: int) -> None:
    """300 s a call, to be cleared in 900 s: one person serves three."""
    assert head_count(over, 300, 900) == count


SEEN = st.lists(st.tuples(st.floats(0.1, 700), st.integers(0, 14)), max_size=60)


@given(SEEN)
def test_steps_are_taken_in_order_undone_in_reverse_and_never_early(seen: list[tuple[float, int]]) -> None:
    surge, now, taken = Surge(HANDBOOK), 0.0, 0
    since, rush, calm = None, None, None  # Since when more than w, more than rush, w or fewer.
    changed = -1e9
    for wait, waiting in seen:
        since = (now if since is None else since) if waiting > 5 else None
        rush = (now if rush is None else rush) if waiting > 10 else None
        calm = (now if calm is None else calm) if waiting <= 5 else None
        while (move := surge.see(waiting, now)) is not None:
            if isinstance(move, Take):
                assert move.step == taken and since is not None
                assert rush is not None or now - max(since, changed) >= 300 - 1e-6
                assert rush is not None or not HANDBOOK.steps[taken].only_in_rush
                taken += 1
            else:
                taken -= 1
                assert move.step == taken and calm is not None and now - max(calm, changed) >= 300 - 1e-6
            changed = now
        due = surge.next_at()
        assert due is None or due > now
        now += wait
