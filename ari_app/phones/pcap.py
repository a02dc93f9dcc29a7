"""RFC 4733 digits as a pcap file, for SIPp's `play_pcap_audio` (which sends by raw socket: root or CAP_NET_RAW)."""

import struct

from aiortp.dtmf import DTMF_EVENTS

STEP_MS, STEP = 20, 160  # One packet each 20 ms, 160 samples at 8 kHz.


def digits_pcap(digits: str, ms: int = 100, gap: int = 100, payload_type: int = 101) -> bytes:
    """Each digit: packets with growing duration and one time stamp, the end three times, then a pause."""
    packets: list[tuple[int, bytes]] = []
    at, sequence = 0, 1
    for digit in digits.upper():
        steps = max(1, ms // STEP_MS)
        since = at * 8
        for n in range(1, steps + 4):
            ends = n > steps
            length, flags = min(n, steps) * STEP, 0x8A if ends else 0x0A
            marker = 0x80 if n == 1 else 0
            rtp = struct.pack("!BBHII", 0x80, marker | payload_type, sequence, since, 0x48544C4E)
            event = struct.pack("!BBH", DTMF_EVENTS[digit], flags, length)
            packets.append((at + min(n - 1, steps) * STEP_MS, rtp + event))
            sequence += 1
        at += ms + gap
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    return head + b"".join(_record(at_ms, payload) for at_ms, payload in packets)


def _record(at_ms: int, payload: bytes) -> bytes:
    udp = struct.pack("!HHHH", 6000, 6000, 8 + len(payload), 0) + payload
    local = bytes((127, 0, 0, 1))
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, local, local) + udp
    frame = bytes(12) + b"\x08\x00" + ip
    return struct.pack("<IIII", at_ms // 1000, at_ms % 1000 * 1000, len(frame), len(frame)) + frame
