"""Who is shut out: how many failures, how long, who never."""

import pytest

from ari_app.model.bans import WATCHED_MAX, BanRules, Bans, networks

RULES = BanRules(failures=3, within_s=60, ban_s=100, ban_s_max=1000, bans_max=2)


def bans(rules: BanRules = RULES, *allow: str) -> Bans:
    return Bans(rules, networks(allow))


def knock(at: Bans, address: str, *times: float) -> list[float]:
    """The ends of the bans that came of it."""
    made = [at.failed(address, now) for now in times]
    return [ban.until for ban in made if ban is not None]


def test_the_third_failure_within_the_time_is_one_too_many() -> None:
    assert knock(bans(), "203.0.113.9", 0, 1) == []
    assert knock(bans(), "203.0.113.9", 0, 1, 2) == [102]
    assert knock(bans(), "203.0.113.9", 0, 30, 60, 90) == []  # Never three within 60 s.
    assert knock(bans(), "2001:db8::7", 0, 1, 2) == [102]


def test_each_address_counts_for_itself() -> None:
    at = bans()
    assert knock(at, "203.0.113.9", 0, 1) == knock(at, "203.0.113.10", 0, 1) == []


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "198.51.100.7", "192.0.2.1", "", "nonsense"]
)
def test_who_is_never_shut_out(address: str) -> None:
    assert knock(bans(RULES, "198.51.100.0/24", "192.0.2.1"), address, *range(20)) == []


def test_bans_grow_up_to_a_limit_and_are_forgotten_when_it_is_quiet() -> None:
    at, now, lasted = bans(), 0.0, []
    for _ in range(4):
        (until,) = knock(at, "203.0.113.9", now, now, now)
        lasted.append(until - now)
        assert at.over(until - 1) == [] and [ban.address for ban in at.over(until)] == ["203.0.113.9"]
        now = until + 1
    assert lasted == [100, 400, 1000, 1000]
    at.over(now + 1001)
    assert knock(at, "203.0.113.9", 9e6, 9e6, 9e6) == [9e6 + 100]


def test_lifted_by_hand_the_past_is_forgotten() -> None:
    at = bans()
    knock(at, "203.0.113.9", 0, 0, 0)
    assert at.lift("203.0.113.9") is not None and at.lift("203.0.113.9") is None and at.lift("x") is None
    assert knock(at, "203.0.113.9", 5, 5, 5) == [105]


def test_everything_has_a_limit() -> None:
    at = bans()
    for n in range(WATCHED_MAX + 50):
        at.failed(f"10.{n // 65536}.{n // 256 % 256}.{n % 256}", 0)
    assert len(at._failed) == WATCHED_MAX
    for last in (1, 2, 3):
        knock(at, f"203.0.113.{last}", 0, 0, 0)
    assert len(at.held) == RULES.bans_max


def test_switched_off_nobody_is() -> None:
    assert knock(bans(RULES.model_copy(update={"on": False})), "203.0.113.9", *range(20)) == []
