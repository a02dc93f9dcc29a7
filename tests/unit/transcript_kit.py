"""A small hotline of its own for tests of transcripts: menus and queues (main), and most other nodes (desk)."""

import json
from pathlib import Path
from typing import Any

from ari_app.config.load import load_settings
from ari_app.site import Site
from ari_app.transcript.parse import parse
from ari_app.transcript.rehearse import House, Outcome, rehearse
from ari_app.transcript.stage import house_of
from tests.asterisk import REPOSITORY, secrets_for

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
MAIN: dict[str, Any] = {
    "start": "greeting",
    "nodes": {
        "greeting": {"type": "greet", "next": "main_menu"},
        "main_menu": {
            "type": "menu",
            "say": ["main-menu"],
            "keys": {"1": "billing", "2": "network", "3": "english", "5": "shop", "0": "person"},
            "repeat_key": "*",
            "on_wrong": "person",
        },
        "english": {"type": "language", "language": "en", "next": "main_menu"},
        "billing": {"type": "queue", "queue": "billing", "on_timeout": "sorry"},
        "shop": {"type": "transfer", "directory": "shop", "next": "sorry", "on_busy": "person"},
        "network": {"type": "queue", "queue": "network", "on_timeout": "sorry"},
        "person": {"type": "queue", "queue": "general", "on_timeout": "sorry"},
        "sorry": {"type": "hangup", "say": ["queue-timeout"]},
    },
}
CONFIG: dict[str, Any] = {
    "numbers": {"1860": {"flow": "main"}, "1870": {"flow": "desk"}},
    "hours": {"office": {"weekly": {"mon-fri": ["08:00-20:00"]}}},
    "skills": {"billing": "bills", "network": "faults", "general": "all else"},
    "queues": {
        "billing": {"skills": {"billing": 1}, "whisper": "queue-billing"},
        "network": {"skills": {"network": 1}},
        "general": {"skills": {"general": 1}, "hours": "office"},
    },
    "agents": {
        "8025": {"phone": "p8025", "skills": {"billing": 4, "general": 5}},
        "8026": {"phone": "p8026", "skills": {"network": 3, "billing": 2, "general": 5}},
    },
    "phones": {"p8025": {}, "p8026": {}},
    "trunks": {"local": {"match": ["127.0.0.1"], "address": "127.0.0.1:5999"}},
    "outbound": {"trunk": "local", "permitted": ["139XXXXXXXX"]},
    "directory": {"shop": "number:13900139000"},
    "paths": {"sounds": str(REPOSITORY / "sounds"), "asterisk_root": str(REPOSITORY / ".asterisk")},
}


def write_site(folder: Path) -> Path:
    """A folder with config.yaml and two flows; returns the configuration's path."""
    (folder / "ivr_flows").mkdir()
    for name, flow in {"main": MAIN, "desk": DESK}.items():
        (folder / "ivr_flows" / f"{name}.yaml").write_text(json.dumps(flow), encoding="utf-8")
    (folder / "agi_scripts").mkdir()
    (folder / "agi_scripts" / "balance.py").write_text('"""Never asked: transcripts answer by hand."""\n')
    (folder / "config.yaml").write_text(json.dumps(CONFIG), encoding="utf-8")
    return folder / "config.yaml"


def house_in(folder: Path) -> House:
    config = write_site(folder)
    settings = load_settings(config)
    return house_of(Site(config, settings, secrets_for(settings)))


def run(house: House, text: str) -> Outcome:
    return rehearse(parse(text, "story.call"), house)
