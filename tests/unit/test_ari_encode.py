"""Effects to ARI requests, and frames to replies: pure."""

import orjson
import pytest

from ari_app.ari.encode import encode
from ari_app.ari.protocol import Answered, Exchange, Garbled, Occurred, Reply, Request, hear
from ari_app.errors import Gone, RequestFailed
from ari_app.model.effects import (
    Announce,
    Answer,
    Dial,
    DropBridge,
    HangUp,
    Join,
    Leave,
    Listen,
    MakeBridge,
    Mute,
    Play,
    Ring,
    Snoop,
    StopPlay,
    Unlisten,
    Unmute,
)

C = "7-1"
CALLER = "1795328332.11"


def prompts(prompt, language, audio):
    return None if prompt == "missing" else f"/sounds/{language}/{prompt}{audio}"


def sent(effect):
    return [(r.method, r.path, r.query, r.quiet_404) for r in encode(effect, prompts, "hotline")]


@pytest.mark.parametrize(
    ("effect", "requests"),
    [
        (Answer(C, CALLER), [("POST", f"channels/{CALLER}/answer", {}, False)]),
        (HangUp(C, CALLER, 17), [("DELETE", f"channels/{CALLER}", {"reason_code": "17"}, True)]),
        (
            Play(C, CALLER, "7-1.p1", ("greeting", "missing", "digit-8"), "en"),
            [
                (
                    "POST",
                    f"channels/{CALLER}/play/7-1.p1",
                    {"media": "sound:/sounds/en/greeting,sound:/sounds/en/digit-8"},
                    False,
                )
            ],
        ),
        (Play(C, CALLER, "7-1.p1", ("missing",), "en"), []),
        (
            Play(C, CALLER, "7-1.p1", ("greeting",), "en", "-of-v1"),
            [("POST", f"channels/{CALLER}/play/7-1.p1", {"media": "sound:/sounds/en/greeting-of-v1"}, False)],
        ),
        (
            Announce(C, "7-1.b1", "7-1.p1", ("a",), "en"),
            [("POST", "bridges/7-1.b1/play/7-1.p1", {"media": "sound:/sounds/en/a"}, False)],
        ),
        (
            Join(C, "7-1.b1", "7-1.l1", keep_keys=True),
            [("POST", "bridges/7-1.b1/addChannel", {"channel": "7-1.l1", "absorbDTMF": "true"}, False)],
        ),
        (Mute(C, "7-1.l1"), [("POST", "channels/7-1.l1/mute", {"direction": "in"}, False)]),
        (Unmute(C, "7-1.l1"), [("DELETE", "channels/7-1.l1/mute", {"direction": "in"}, True)]),
        *(
            (
                Snoop(C, "7-1.l3", "7-1.l1", whisper),
                [
                    (
                        "POST",
                        "channels/7-1.l1/snoop/7-1.l3",
                        {"spy": "both", "whisper": heard, "app": "hotline", "appArgs": "leg"},
                        False,
                    )
                ],
            )
            for whisper, heard in ((False, "none"), (True, "out"))
        ),
        (StopPlay(C, "7-1.p1"), [("DELETE", "playbacks/7-1.p1", {}, True)]),
        (MakeBridge(C, "7-1.b1", "mixing"), [("POST", "bridges/7-1.b1", {"type": "mixing,video_sfu"}, False)]),
        (
            MakeBridge(None, "music-default", "holding", "default"),
            [
                ("POST", "bridges/music-default", {"type": "holding"}, False),
                ("POST", "bridges/music-default/moh", {"mohClass": "default"}, False),
            ],
        ),
        (Join(C, "7-1.b1", CALLER), [("POST", "bridges/7-1.b1/addChannel", {"channel": CALLER}, False)]),
        (
            Join(C, "music-default", CALLER, music="default"),
            [
                ("POST", "bridges/music-default/addChannel", {"channel": CALLER}, False),
                ("POST", "bridges/music-default/moh", {"mohClass": "default"}, False),
            ],
        ),
        (Leave(C, "7-1.b1", CALLER), [("POST", "bridges/7-1.b1/removeChannel", {"channel": CALLER}, True)]),
        (DropBridge(C, "7-1.b1"), [("DELETE", "bridges/7-1.b1", {}, True)]),
        (
            Listen(C, CALLER, 256, 300),
            [("POST", f"channels/{CALLER}/variable", {"variable": "TALK_DETECT(set)", "value": "300,256"}, True)],
        ),
        (
            Unlisten(C, CALLER),
            [("POST", f"channels/{CALLER}/variable", {"variable": "TALK_DETECT(remove)", "value": ""}, True)],
        ),
    ],
)
def test_effect_to_requests(effect, requests):
    assert sent(effect) == requests


def test_ring():
    [(method, path, query, _)] = sent(Ring(C, "7-1.l1", "p8025", "+8613800138000", "Billing", 19.2))
    assert (method, path) == ("POST", "channels/7-1.l1")
    assert query == {
        "endpoint": "PJSIP/p8025",
        "app": "hotline",
        "appArgs": "leg",
        "timeout": "20",  # Whole seconds: rather one more than one less.
        "callerId": '"Billing" <+8613800138000>',
    }


def test_what_is_shown_cannot_break_out_of_the_caller_id():
    [(_, _, query, _)] = sent(Ring(C, "7-1.l1", "p1", '1" <666>\r\nX: y', 'a"<b>,\r\n\\客服', 1))
    assert query["callerId"].count('"') == 2
    assert query["callerId"].count("<") == query["callerId"].count(">") == 1
    assert not set(query["callerId"]) & set("\r\n\\,")
    assert "客服" in query["callerId"]


def test_an_id_cannot_leave_its_place_in_the_path():
    [(_, path, _, _)] = sent(Answer(C, "../bridges/x?y"))
    assert path == "channels/..%2Fbridges%2Fx%3Fy/answer"


def test_a_request_is_one_frame_with_an_id_of_its_own():
    exchange = Exchange()
    first, frame = exchange.ask(Request("POST", "channels/x/answer", {"a": "b"}))
    second, filtered = exchange.ask(Request("PUT", "applications/x/eventFilter", {}, {"allowed": []}))
    assert first != second
    assert orjson.loads(frame) == {
        "type": "RESTRequest",
        "transaction_id": first,
        "request_id": first,
        "method": "POST",
        "uri": "channels/x/answer",
        "query_strings": [{"name": "a", "value": "b"}],
    }
    assert orjson.loads(filtered)["content_type"] == "application/json"
    assert orjson.loads(orjson.loads(filtered)["message_body"]) == {"allowed": []}


@pytest.mark.parametrize(
    "frame", ["", "nonsense", "[]", "null", "{}", '{"type": 5}', b"\xff\xfe", '{"type":"RESTResponse"}']
)
def test_garbled_frames_are_told_apart(frame):
    assert isinstance(hear(frame), Garbled)


def test_replies_and_events_are_told_apart():
    reply = '{"type":"RESTResponse","request_id":"4","status_code":204,"reason_phrase":"No Content"}'
    assert hear(reply) == Answered("4", Reply(204, "No Content"))
    assert hear('{"type":"StasisStart"}') == Occurred({"type": "StasisStart"})


@pytest.mark.parametrize(
    ("reply", "error", "text"),
    [
        (Reply(404, "Not Found", '{"message":"Channel not found"}'), Gone, "404 Channel not found"),
        (Reply(500, "Internal", '{"error":"Allocation failed"}'), RequestFailed, "500 Allocation failed"),
        (Reply(409, "Conflict", "no json"), RequestFailed, "409 Conflict"),
        (Reply(409, "Conflict"), RequestFailed, "409 Conflict"),
    ],
)
def test_a_failed_reply_says_why(reply, error, text):
    with pytest.raises(error, match=text):
        reply.check()


def test_a_good_reply_gives_its_value():
    assert Reply(200, "OK", '{"a":1}').check().value() == {"a": 1}
    assert Reply(204, "No Content").check().value() is None


def test_dial():
    [(method, path, query, _)] = sent(Dial(C, "7-1.l1", "138001;&x", "carrier", "203.0.113.7:5060", "1860", 29.5))
    assert (method, path) == ("POST", "channels/7-1.l1")
    assert query["endpoint"] == "PJSIP/trunk.carrier/sip:138001x@203.0.113.7:5060"
    assert query["timeout"] == "30" and query["callerId"] == "1860" and query["appArgs"] == "leg"
