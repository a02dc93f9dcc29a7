"""A small hotline of its own for tests of transcripts: collect, look-up, hours, voicemail, survey, language."""

import json
from pathlib import Path
from typing import Any

from ari_app.config.load import load_settings
from ari_app.site import Site
from ari_app.transcript.parse import parse
from ari_app.transcript.rehearse import House, Outcome, rehearse
from ari_app.transcript.stage import house_of
from tests.asterisk import REPOSITORY, merged, sample, secrets_for

DESK: dict[str, Any] = {
    "start": "office",
    "nodes": {
        "office": {"type": "hours", "hours": "office", "on_open": "greeting", "on_closed": "message"},
        "greeting": {"type": "greet", "next": "number"},
        "number": {
            "type": "collect",
            "say": ["main-menu"],
            "into": "number",
            "min": 3,
            "max": 4,
            "secret": True,
            "next": "balance",
        },
        "balance": {
            "type": "lookup",
            "agi": "balance",
            "send": {"number": "number"},
            "into": {"balance": "balance", "stopped": "stopped"},
            "on_failure": "sorry",
            "next": "which",
        },
        "which": {"type": "branch", "cases": [{"when": "stopped", "to": "line"}], "otherwise": "tell"},
        "tell": {"type": "play", "say": ["please-wait", "money:balance"], "next": "rate"},
        "rate": {"type": "survey", "question": "helpful", "say": ["main-menu"], "next": "bye"},
        "line": {"type": "queue", "queue": "general", "say": [], "on_closed": "sorry"},
        "message": {
            "type": "voicemail",
            "say": ["please-wait"],
            "box": "night",
            "on_failure": "sorry",
            "next": "bye",
        },
        "sorry": {"type": "hangup", "say": ["queue-timeout"]},
        "bye": {"type": "hangup"},
    },
}
CHANGES: dict[str, Any] = {
    "hours": {"office": {"weekly": {"mon-fri": ["08:00-20:00"]}}},
    "queues": {"general": {"hours": "office"}},
    "numbers": {"1870": {"flow": "desk"}},
}


def write_site(folder: Path) -> Path:
    """A folder with config.yaml and flows (the sample's and `desk`); returns the configuration's path."""
    (folder / "ivr_flows").mkdir()
    (folder / "ivr_flows" / "desk.yaml").write_text(json.dumps(DESK), encoding="utf-8")
    for flow in (REPOSITORY / "ivr_flows").glob("*.yaml"):
        (folder / "ivr_flows" / flow.name).write_bytes(flow.read_bytes())
    paths = {"sounds": str(REPOSITORY / "sounds"), "asterisk_root": str(REPOSITORY / ".asterisk")}
    config = merged(merged(sample(), CHANGES), {"paths": paths})
    (folder / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
    return folder / "config.yaml"


def house_in(folder: Path) -> House:
    config = write_site(folder)
    settings = load_settings(config)
    return house_of(Site(config, settings, secrets_for(settings)))


def run(house: House, text: str) -> Outcome:
    return rehearse(parse(text, "story.call"), house)
