"""PCM tools of the phones, and the digits written for SIPp."""

import struct
from pathlib import Path

import pytest

from ari_app.phones import PhoneError, Ports, audio
from ari_app.phones.pcap import digits_pcap


def test_tones_and_levels() -> None:
    pcm = audio.tone(600, 1, -20)
    assert audio.level_dbfs(pcm) == pytest.approx(-20, abs=0.1)
    assert audio.tone_dbfs(pcm, 600) == pytest.approx(-20, abs=0.1)
    assert audio.tone_dbfs(pcm, 700) < -60
    assert audio.onset_s(audio.silence(0.5) + pcm) == pytest.approx(0.5)
    assert audio.onset_s(audio.silence(0.5)) is None
    assert audio.heard(audio.silence(1) + pcm, 600) and not audio.heard(pcm, 650)


def test_wav_goes_round(tmp_path: Path) -> None:
    left, right = audio.tone(600, 1), audio.tone(900, 0.5)
    audio.write_wav(tmp_path / "a.wav", left, right)
    rate, (back_left, back_right) = audio.read_wav(tmp_path / "a.wav")
    assert (rate, back_left, back_right) == (8000, left, right + audio.silence(0.5))


def test_a_known_piece_is_found_where_it_lies() -> None:
    piece = b"".join(audio.tone(hz, 0.05) for hz in (500, 820, 610, 1130, 700))
    heard = audio.tone(400, 1) + piece + audio.silence(1)
    assert audio.find_s(heard, piece) == pytest.approx(1.0, abs=0.001)
    assert audio.find_s(audio.tone(400, 2), piece) is None
    assert audio.find_s(piece, heard) is None


def test_ports_are_even_free_and_below_the_kernels() -> None:
    found = list(Ports(range(21001, 21010)))
    assert sorted(found) == [21002, 21004, 21006, 21008]
    with pytest.raises(PhoneError):
        Ports(range(32000, 33000))


def test_pcap_holds_each_digit_with_its_end_three_times() -> None:
    data = digits_pcap("1#", ms=100, gap=100)
    packets, at = [], 24
    while at < len(data):
        seconds, micros, length, _ = struct.unpack_from("<IIII", data, at)
        rtp = data[at + 16 + 14 + 20 + 8 : at + 16 + length]
        packets.append((seconds * 1000 + micros // 1000, rtp[1] & 0x7F, rtp[12], bool(rtp[13] & 0x80)))
        at += 16 + length
    assert [packet for packet in packets if packet[3]] == [(100, 101, 1, True)] * 3 + [(300, 101, 11, True)] * 3
    assert [packet[0] for packet in packets[:5]] == [0, 20, 40, 60, 80]
