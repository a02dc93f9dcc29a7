"""A port that is taken is told with the place of its key."""

from pathlib import Path

from ari_app.config.places import placed


def test_lines_that_begin_with_a_key_get_its_place(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("name: x\nasterisk:\n  sip_port: 5070\n")
    lines = ("asterisk.sip_port: taken", "asterisk.ami_port: taken", "no key: as it was", "main.yaml: gone", "  more")
    told = placed("\n".join(lines), config)
    assert told.splitlines() == [
        f"{config}:3:13  asterisk.sip_port: taken",
        f"{config}  asterisk.ami_port: taken",
        "no key: as it was",
        "main.yaml: gone",
        "  more",
    ]
    assert placed("asterisk.sip_port: x", tmp_path / "none.yaml") == f"{tmp_path / 'none.yaml'}  asterisk.sip_port: x"
