"""ARI's events to ours, on messages captured from Asterisk 22.10.1 (ari_samples.json; fields nobody reads cut)."""

import json
from pathlib import Path

import pytest

from ari_app.ari.decode import Decoder, caller_seen, endpoint_of
from ari_app.model.events import (
    CallArrived,
    CallerSeen,
    FeatureDialled,
    KeyPressed,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegResumed,
    LegRinging,
    PhoneChanged,
    PlaybackEnded,
    SpeechBegan,
    SpeechEnded,
)

SAMPLES = json.loads(Path(__file__).with_name("ari_samples.json").read_text())
CALLER = SAMPLES["caller arrives"]["channel"]["id"]
FEATURE = SAMPLES["feature dialled"]["channel"]["id"]
HELD = SAMPLES["held"]["channel"]["id"]


def decoded(*names, decoder=None):
    decoder = decoder or Decoder()
    return [event for name in names for event in decoder.decode(SAMPLES[name])]


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("caller arrives", CallArrived(CALLER, "13800138000", "1860", "trunk")),
        ("feature dialled", FeatureDialled(FEATURE, "p1", "*131")),
        ("leg answers", LegAnswered("1-1.ans")),
        ("leg rings, dial", LegRinging("1-1.ans")),
        ("busy destroyed", LegEnded("1-1.busy", 17, 486)),
        ("declined destroyed", LegEnded("1-1.decl", 21, 603)),
        ("rang out destroyed", LegEnded("1-1.ring", 19, 480)),
        ("cancelled destroyed", LegEnded("1-1.can", 26, 0)),
        ("key", KeyPressed(CALLER, "5")),
        ("speech begins", SpeechBegan(CALLER)),
        ("speech ends", SpeechEnded(CALLER, 979)),
        ("prompt done", PlaybackEnded("pp", ok=True)),
        ("prompt missing", PlaybackEnded("1-1.p2", ok=False)),
        ("held", LegHeld(HELD)),
        ("resumed", LegResumed(HELD)),
        ("phone online", PhoneChanged("p1", reachable=True)),
    ],
)
def test_one_message_is_one_event(name, event):
    decoder = Decoder()
    assert decoded(name, decoder=decoder) == [event]
    assert not decoder.unknown


@pytest.mark.parametrize(
    "name",
    [
        "leg dialled",
        "leg rings, state",
        "leg up",
        "prompt started",
        "contact removed",
        "user event",
        "bridge entered",
    ],
)
def test_known_and_not_needed_says_nothing(name):
    decoder = Decoder()
    assert decoded(name, decoder=decoder) == []
    assert not decoder.unknown


def test_ringing_is_told_once_though_asterisk_says_it_twice():
    assert decoded("leg rings, dial", "leg rings, dial") == [LegRinging("1-1.ans")]


def test_progress_counts_as_ringing():
    early = {**SAMPLES["leg rings, dial"], "dialstatus": "PROGRESS"}
    assert Decoder().decode(early) == (LegRinging("1-1.ans"),)


def test_an_answered_leg_ends_once_and_a_soft_hangup_is_normal():
    names = ("hang-up asked by us", "answered leg leaves", "answered leg destroyed")
    assert decoded(*names) == [LegEnded("1-1.ans", 16, 0)]


def test_a_phone_whose_voice_stayed_away_ends_with_cause_44():
    asked = {**SAMPLES["hang-up asked by us"], "soft": True, "cause": 1}
    heard = Decoder()
    assert heard.decode(asked) == ()
    assert heard.decode(SAMPLES["answered leg leaves"]) == (LegEnded("1-1.ans", 44, 0),)


def test_a_caller_ends_with_stasis_end_and_a_bye_is_normal():
    assert decoded("caller BYE", "caller leaves") == [LegEnded(CALLER, 16, 0)]


def test_a_caller_who_gives_up_before_the_answer():
    assert decoded("feature given up", "feature leaves") == [LegEnded(FEATURE, 127, 487)]


def test_a_caller_whose_hangup_request_was_missed():
    assert decoded("caller leaves") == [LegEnded(CALLER, 0, 0)]


def test_doubled_ends_are_one_end():
    assert decoded("busy asked", "busy asked", "busy destroyed", "busy destroyed") == [LegEnded("1-1.busy", 17, 486)]


def test_a_channel_that_comes_back_ends_again():
    decoder = Decoder()
    names = ("caller arrives", "caller leaves", "caller arrives", "caller leaves")
    assert [type(event).__name__ for event in decoded(*names, decoder=decoder)] == ["CallArrived", "LegEnded"] * 2


@pytest.mark.parametrize("shown", ["anonymous", "Anonymous", "unavailable", ""])
def test_a_withheld_number_is_no_number(shown):
    arrives = SAMPLES["caller arrives"]
    message = {**arrives, "channel": {**arrives["channel"], "caller": {"number": shown, "name": ""}}}
    assert [event.caller for event in Decoder().decode(message)] == [""]


def test_the_trunk_the_dialplan_names_goes_before_the_endpoint():
    message = {**SAMPLES["caller arrives"], "args": ["in", "1860", "carrier"]}
    assert Decoder().decode(message) == (CallArrived(CALLER, "13800138000", "1860", "carrier"),)
    message["args"] = ["in", "1860", ""]
    assert Decoder().decode(message) == (CallArrived(CALLER, "13800138000", "1860", "trunk"),)


def test_a_phone_changes_once_however_often_asterisk_says_so():
    decoder = Decoder()
    names = ("phone offline", "phone online", "phone online", "phone offline", "phone offline")
    assert decoded(*names, decoder=decoder) == [PhoneChanged("p1", True), PhoneChanged("p1", False)]


def test_a_listing_tells_what_is_news_of_a_phone():
    decoder = Decoder()
    decoder.phones_are(["p1"])
    assert decoded("phone online", "phone offline", decoder=decoder) == [PhoneChanged("p1", False)]


def test_while_we_list_every_state_of_a_phone_is_news():
    decoder = Decoder()
    decoder.phones_unknown()
    held = decoded("phone offline", "phone offline", decoder=decoder)
    assert held == [PhoneChanged("p1", False)]
    decoder.phones_are(["p1"], held)  # The listing was taken before it went away.
    assert decoded("phone offline", "phone online", decoder=decoder) == [PhoneChanged("p1", True)]


def test_other_roles_are_ignored_to_their_end():
    decoder = Decoder()
    snoop = {**SAMPLES["leg answers"], "args": ["snoop", "7-1"]}
    assert decoder.decode(snoop) == ()
    assert decoded("answered leg leaves", "answered leg destroyed", decoder=decoder) == []
    assert decoder.unknown == {"StasisStart snoop": 1}


@pytest.mark.parametrize(
    ("message", "counted"),
    [
        ({"type": "ChannelDreamt", "channel": {"id": "x"}}, "ChannelDreamt"),
        ({"type": "StasisStart"}, "StasisStart incomplete"),
        ({"type": "StasisStart", "args": ["in"], "channel": SAMPLES["caller arrives"]["channel"]}, "StasisStart inco"),
        ({"type": "ChannelDestroyed", "cause": "x", "channel": {"id": "x"}}, "ChannelDestroyed incomplete"),
        ({"type": "ChannelDtmfReceived", "channel": None}, "ChannelDtmfReceived incomplete"),
        ({"type": "Dial", "dialstatus": ["RINGING"], "peer": {"id": 1}}, None),
        ({"type": None}, "None"),
        ({}, "None"),
    ],
)
def test_what_cannot_be_read_is_counted_and_never_fatal(message, counted):
    decoder = Decoder()
    assert decoder.decode(message) == ()
    assert decoder.decode(message) == ()
    if counted:
        assert [(name.startswith(counted), times) for name, times in decoder.unknown.items()] == [(True, 2)]


def test_a_flood_of_unknown_types_stays_small():
    decoder = Decoder()
    for n in range(10_000):
        decoder.decode({"type": f"Flood{n}"})
    assert decoder.unknown.total() == 10_000
    assert len(decoder.unknown) <= 201
    for n in range(20_000):
        decoder.decode({**SAMPLES["busy destroyed"], "channel": {"id": f"7-{n}.l1"}})
    assert len(decoder._ended) <= 8192


def test_every_sample_cut_short_is_survived():
    for message in SAMPLES.values():
        for field in message:
            if field != "type":
                Decoder().decode({name: value for name, value in message.items() if name != field})


@pytest.mark.parametrize(
    ("channel", "endpoint"),
    [
        ("PJSIP/trunk-00000006", "trunk"),
        ("PJSIP/trunk.local-0000000a", "trunk.local"),
        ("PJSIP/my-phone-2-00000006", "my-phone-2"),
        ("Local/echo@test-00000003;1", "echo@test"),
        ("odd", "odd"),
    ],
)
def test_the_endpoint_in_a_channel_name(channel, endpoint):
    assert endpoint_of(channel) == endpoint


def listed_channel(app_data: str, number: str = "13800138000") -> dict[str, object]:
    dialplan = {"context": "hotline", "exten": "call", "priority": 2, "app_name": "Stasis", "app_data": app_data}
    return {"id": "1795.1", "name": "PJSIP/local-00000001", "caller": {"number": number}, "dialplan": dialplan}


def test_who_a_listed_caller_is() -> None:
    seen = caller_seen(listed_channel("hotline,in,1860,trunk-a"), "hotline")
    assert seen == CallerSeen("1795.1", "13800138000", "1860", "trunk-a")
    assert caller_seen(listed_channel("hotline,in,1860,"), "hotline") == CallerSeen(
        "1795.1", "13800138000", "1860", "local"
    )
    assert caller_seen(listed_channel("hotline,in,1860", "Anonymous"), "hotline") == CallerSeen(
        "1795.1", "", "1860", "local"
    )


@pytest.mark.parametrize("app_data", ["hotline,feature,*11", "other,in,1860,x", "hotline,in", "", "hotline"])
def test_no_caller_of_ours(app_data: str) -> None:
    assert caller_seen(listed_channel(app_data), "hotline") is None
