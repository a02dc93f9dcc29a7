import hashlib
import struct
import wave
from array import array

import pytest

from ari_app.media import recordings
from ari_app.media.recordings import RecordingProblem, join, orphans, verify

ID = "7-42.r5"
DAY = "2026-11-18"


def side(path, samples, rate=8000, channels=1, width=2):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(array("h", samples).tobytes())


def stereo(path):
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        samples = array("h", file.readframes(file.getnframes()))
    return list(samples[0::2]), list(samples[1::2])


@pytest.fixture
def folders(tmp_path):
    for name in ("parts", "kept"):
        (tmp_path / name).mkdir()
    return tmp_path / "parts", tmp_path / "kept"


def both(folder, left, right):
    paths = recordings.parts(folder, ID)
    side(paths[0], left)
    side(paths[1], right)
    return paths


def test_caller_is_left_and_agent_right(folders):
    parts, kept = folders
    both(parts, [1, 2, 3], [-1, -2, -3])
    joined = join(parts, ID, kept, DAY)
    path = kept / joined.path
    assert joined.path == f"{DAY}/{ID}.wav"
    assert stereo(path) == ([1, 2, 3], [-1, -2, -3])
    assert joined.size_bytes == path.stat().st_size == 44 + 12
    assert joined.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert joined.seconds == 3 / 8000
    assert verify(path, joined.sha256)
    assert not list(parts.iterdir())
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("lengths", [(0, 5), (65_536, 65_536), (65_537, 200_001), (131_072, 3)])
def test_the_shorter_side_is_filled_with_silence(folders, lengths):
    parts, kept = folders
    left, right = [7] * lengths[0], [9] * lengths[1]
    both(parts, left, right)
    joined = join(parts, ID, kept, DAY)
    longest = max(lengths)
    assert stereo(kept / joined.path) == (
        left + [0] * (longest - lengths[0]),
        right + [0] * (longest - lengths[1]),
    )


@pytest.mark.parametrize("declared", [0, 0xFFFFFFFF, 100])
def test_the_header_of_a_killed_asterisk_is_read_by_file_size(folders, declared):
    parts, kept = folders
    for path in both(parts, range(1000), range(1000)):
        raw = bytearray(path.read_bytes())
        raw[4:8] = raw[40:44] = struct.pack("<I", declared)
        path.write_bytes(raw + b"\x05")  # And half a sample at the end.
    assert stereo(kept / join(parts, ID, kept, DAY).path)[0] == list(range(1000))


def test_a_chunk_after_the_sound_is_no_sound(folders):
    parts, kept = folders
    for path in both(parts, [5, 6], [5, 6]):
        path.write_bytes(path.read_bytes() + b"LIST\x04\0\0\0abcd")
    assert stereo(kept / join(parts, ID, kept, DAY).path) == ([5, 6], [5, 6])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "missing"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(b"RIFF\0\0"), "damaged"),
        (lambda path: path.write_bytes(b"OggS" + bytes(400)), "damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:30]), "damaged"),
        (lambda path: side(path, [1, 2], channels=2), "not 16-bit mono"),
        (lambda path: side(path, [1, 2], rate=16000), "16000 Hz"),
    ],
)
def test_a_side_that_cannot_be_used_is_said_and_kept(folders, spoil, said):
    parts, kept = folders
    paths = both(parts, [1, 2], [3, 4])
    spoil(paths[1])
    with pytest.raises(RecordingProblem, match=said):
        join(parts, ID, kept, DAY)
    assert paths[0].exists()
    assert not [path for path in kept.rglob("*") if path.is_file()]


def test_two_sides_without_sound_are_a_problem(folders):
    both(folders[0], [], [])
    with pytest.raises(RecordingProblem, match="no sound"):
        join(folders[0], ID, folders[1], DAY)


def test_done_again_after_a_crash_it_gives_the_same_file(folders):
    parts, kept = folders
    both(parts, [1, 2], [3, 4])
    first = join(parts, ID, kept, DAY)
    assert join(parts, ID, kept, DAY) == first  # Crashed before the fact was noted.
    side(recordings.parts(parts, ID)[0], [1, 2])
    assert join(parts, ID, kept, DAY) == first  # Crashed between the removal of the two sides.
    assert not list(parts.iterdir())
    both(parts, [1, 2], [3, 4])
    assert join(parts, ID, kept, DAY) == first  # Crashed before either was removed.


def test_a_name_that_is_not_ours_leads_nowhere(folders):
    for name, day in (("../../etc/passwd", DAY), (ID, "../.."), ("7-42.l5", DAY)):
        with pytest.raises(RecordingProblem, match="no recording of ours"):
            join(folders[0], name, folders[1], day)


def test_compressing_keeps_every_sample_and_the_wav(folders):
    parts, kept = folders
    both(parts, [(n * 37) % 2000 - 1000 for n in range(100_000)], [n % 50 for n in range(100_000)])
    path = kept / join(parts, ID, kept, DAY).path
    flac = recordings.compress(path)
    assert flac == path.with_suffix(".flac")
    assert flac.stat().st_size < path.stat().st_size
    import soundfile

    samples, rate = soundfile.read(flac, dtype="int16")
    assert rate == 8000
    assert (samples[:, 0].tolist(), samples[:, 1].tolist()) == stereo(path)
    assert orphans(kept, {ID}) == [path]  # The caller deletes it once the store knows the FLAC.


def test_what_cannot_be_compressed_stays(folders):
    path = folders[1] / f"{ID}.wav"
    path.write_bytes(b"no sound at all")
    with pytest.raises(RecordingProblem, match="cannot be compressed"):
        recordings.compress(path)
    with pytest.raises(RecordingProblem, match="cannot be compressed"):
        recordings.compress(path.with_name("gone.wav"))
    assert [each.name for each in folders[1].iterdir()] == [path.name]


def test_a_changed_file_is_noticed(folders):
    parts, kept = folders
    both(parts, [1, 2], [3, 4])
    joined = join(parts, ID, kept, DAY)
    path = kept / joined.path
    path.write_bytes(path.read_bytes()[:-1] + b"\x09")
    assert not verify(path, joined.sha256)
    with pytest.raises(RecordingProblem, match="cannot be read"):
        verify(path.with_name("gone.wav"), joined.sha256)


def test_files_nobody_knows_are_found(folders):
    _, kept = folders
    (kept / DAY).mkdir()
    for name in (f"{ID}.wav", "9-9.r1.wav", "7-43.r1.wav.part", "7-44.r1.flac"):
        (kept / DAY / name).write_bytes(b"x")
    found = [path.name for path in orphans(kept, {ID, "7-44.r1"})]
    assert found == ["7-43.r1.wav.part", "9-9.r1.wav"]
    assert orphans(kept / "nowhere", set()) == []


def test_a_file_that_cannot_be_made_safe_keeps_its_sides_and_harms_no_other(folders, monkeypatch):
    parts, kept = folders
    other = "7-43.r1"
    merged = {}
    for recording in (ID, other):
        for path, samples in zip(recordings.parts(parts, recording), ([1, 2], [3, 4]), strict=True):
            side(path, samples)
        merged[recording] = recordings.merge(parts, recording, kept, DAY)
    assert sorted(orphans(kept, {ID, other})) == [kept / DAY / f"{ID}.wav.part", kept / DAY / f"{other}.wav.part"]
    sync = recordings._sync

    def broken(path):
        if path.name.startswith(ID):
            raise OSError(5, "Input/output error", str(path))
        sync(path)

    monkeypatch.setattr(recordings, "_sync", broken)
    assert list(recordings.seal(parts, kept, merged)) == [ID]
    assert all(path.exists() for path in recordings.parts(parts, ID))
    assert not any(path.exists() for path in recordings.parts(parts, other))
    assert verify(kept / merged[other].path, merged[other].sha256)
    assert not (kept / merged[ID].path).exists()
