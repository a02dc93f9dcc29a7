"""Every transcript of tests/calls runs as it says; a wrong one is refused with its line."""

from pathlib import Path

import pytest

from tests.transcripts import ROOT, Wrong, run_call

CALLS = sorted((ROOT / "tests/calls").glob("*.call"))


@pytest.mark.parametrize("path", CALLS, ids=lambda path: path.stem)
def test_call(path: Path) -> None:
    run_call(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "caller 138 → 1860\n  < play greeting-evening\n",
            ":2  < play greeting-evening\nwanted: play greeting-evening",
        ),
        ("caller 138 → 1860\n  < nothing\n", ":2  < nothing\nsomething was done"),
        ("caller 138 → 1860\n  < play greeting-morning, answer\n", "wanted: answer"),
        ("jump\n", ":1  jump\nno step reads like this: 'jump'"),
        ("agent 8025 sleeps\n", "not 'sleeps'"),
        ("caller 138 → 1860\n  < fact CallOpened via=nowhere\n", "wanted: fact CallOpened via=nowhere"),
    ],
)
def test_wrong_transcript(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.call"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Wrong) as wrong:
        run_call(path)
    assert said in str(wrong.value)
