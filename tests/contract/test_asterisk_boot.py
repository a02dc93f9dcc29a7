"""The rendered configuration on a real Asterisk: it boots without a complaint, and it stops without a trace."""

import base64
import os
import re
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ari_app.errors import AsteriskError
from ari_app.provision.checks import asterisk_checks
from ari_app.provision.instance import Instance, wait
from ari_app.render.asterisk import render
from tests.asterisk import (
    RunningAsterisk,
    asterisk_install,
    port_block,
    private_layout,
    running_asterisk,
    secrets_for,
    settings_on,
    stub_sounds,
)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAsterisk]:
    """An Asterisk of this module's own: its log holds what its boot said and nothing else."""
    folder = tmp_path_factory.mktemp("boot")
    net = {"ring_s": 0, "tries": 1, "try_every_s": 1, "message_s_max": 5}
    with running_asterisk(folder, {"paths": {"sounds": str(stub_sounds(folder))}, "net": net}) as running:
        yield running


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[Instance]:
    """Written, not started; stopped at the end."""
    with port_block() as first:
        settings = settings_on(first, tmp_path)
        installed = asterisk_install()
        layout = private_layout(settings, tmp_path, installed)
        instance = Instance(installed, layout, settings.asterisk)
        instance.write(render(settings, secrets_for(settings), layout))
        try:
            yield instance
        finally:
            instance.stop()


def log(instance: Instance) -> str:
    return Path(instance.layout.full_log).read_text(encoding="utf-8")


def complaints(instance: Instance) -> list[str]:
    return [line for line in log(instance).splitlines() if re.search(r"\b(ERROR|WARNING)\[", line)]


def test_boots_without_a_complaint(fresh: RunningAsterisk) -> None:
    assert "modules will be loaded" in log(fresh.instance)
    assert complaints(fresh.instance) == []
    assert fresh.instance.status().booted
    assert fresh.instance.status().version == fresh.instance.install.version


def test_a_reload_does_not_complain_either(fresh: RunningAsterisk) -> None:
    fresh.instance.cli("core reload")
    fresh.instance.cli("core waitfullybooted")
    assert complaints(fresh.instance) == []


def test_loads_the_wanted_modules_and_no_others(fresh: RunningAsterisk) -> None:
    wanted = set(re.findall(r"(?m)^require = (\S+)", Path(fresh.layout.etc, "modules.conf").read_text()))
    shown = fresh.instance.cli("module show").splitlines()
    running = {line.split()[0] for line in shown if line.startswith(("app_", "bridge_", "chan_", "codec_", "format_"))}
    running |= {line.split()[0] for line in shown if line.startswith(("func_", "pbx_", "res_"))}
    assert running == wanted
    assert not [line for line in shown if "Not Running" in line]


def test_files_are_private(fresh: RunningAsterisk) -> None:
    etc = Path(fresh.layout.etc)
    assert etc.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in etc.iterdir()} == {0o600}


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"hotline:{password}".encode()).decode()


def ari_status(here: RunningAsterisk, password: str | None) -> int:
    request = urllib.request.Request(f"{here.ari_url}/asterisk/info")
    if password is not None:
        request.add_header("Authorization", basic(password))
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_ari_wants_the_password(fresh: RunningAsterisk) -> None:
    assert ari_status(fresh, fresh.secrets.ari_password) == 200
    assert ari_status(fresh, None) == 401
    assert ari_status(fresh, "wrong") == 401


def ami(here: RunningAsterisk, secret: str, *actions: str) -> str:
    """Everything AMI says up to the answer to a last Ping, or until it closes."""
    lines = [f"Action: Login\r\nUsername: hotline\r\nSecret: {secret}", *actions, "Action: Ping\r\nActionID: last"]
    said = ""
    with socket.create_connection(here.ami, timeout=5) as link:
        link.sendall("".join(f"{action}\r\n\r\n" for action in lines).encode())
        while not re.search(r"ActionID: last\r\n(?s:.*?)\r\n\r\n", said):
            piece = link.recv(65536).decode()
            if not piece:
                break
            said += piece
    return said


def test_ami_has_the_rights_we_need_and_no_more(fresh: RunningAsterisk) -> None:
    said = ami(
        fresh,
        fresh.secrets.ami_password,
        "Action: DBPut\r\nFamily: test\r\nKey: a\r\nVal: 1\r\nActionID: put",
        "Action: DBDel\r\nFamily: test\r\nKey: a\r\nActionID: del",
        "Action: MixMonitor\r\nChannel: none\r\nFile: x.wav\r\nActionID: mix",
        "Action: MixMonitorMute\r\nChannel: none\r\nState: 1\r\nActionID: mute",
        "Action: StopMixMonitor\r\nChannel: none\r\nActionID: stop",
        "Action: Reload\r\nModule: acl\r\nActionID: reload",
        "Action: Originate\r\nChannel: Local/1@hotline\r\nApplication: Echo\r\nActionID: originate",
        "Action: Command\r\nCommand: core show uptime\r\nActionID: command",
    )
    answers = {
        match[2]: match[1] + " " + (match[3] or "")
        for match in re.finditer(r"Response: (\w+)\r\nActionID: (\w+)\r\n(?:Message: ([^\r]*))?", said)
    }
    assert answers["put"].startswith("Success") and answers["del"].startswith("Success")
    assert answers["reload"].startswith("Success")
    for name in ("mix", "mute", "stop"):  # Allowed: it is the channel that is missing.
        assert "Permission denied" not in answers[name] and answers[name].startswith("Error")
    for name in ("originate", "command"):
        assert "Permission denied" in answers[name]


def test_ami_refuses_a_wrong_password(fresh: RunningAsterisk) -> None:
    said = ami(fresh, "wrong")
    assert "Authentication failed" in said and "Success" not in said


def test_doctor_finds_nothing(fresh: RunningAsterisk) -> None:
    checks = asterisk_checks(fresh.settings, fresh.secrets, fresh.instance.install, fresh.layout)
    assert [check for check in checks if not check.ok] == []
    assert all(not check.cure for check in checks)
    recordings = next(check for check in checks if check.name.startswith("recordings"))
    assert "not tried" not in recordings.found
    assert not list(Path(fresh.layout.monitor).iterdir())


def test_doctor_tries_the_path_map(fresh: RunningAsterisk, tmp_path: Path) -> None:
    elsewhere = {"path_map": {str(fresh.layout.spool): str(tmp_path)}}
    (tmp_path / "monitor").mkdir()
    asterisk = fresh.settings.asterisk.model_copy(update=elsewhere)
    settings = fresh.settings.model_copy(update={"asterisk": asterisk})
    checks = asterisk_checks(settings, fresh.secrets, fresh.instance.install, fresh.layout)
    assert [check.name for check in checks if not check.ok] == ["recordings: Asterisk writes, the daemon reads"]


class Caller:
    """Just enough SIP over UDP to call, say one more thing, and be hung up on."""

    def __init__(self, here: RunningAsterisk, dialled: str) -> None:
        self.target = here.sip
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(15)
        self.rtp = here.spare_ports[-2]
        self.uri = f"sip:{dialled}@127.0.0.1:{here.sip[1]}"
        self.call_id = f"{dialled}-{time.monotonic_ns()}"
        self.to = f"<{self.uri}>"
        self.sequence = 0

    def send(self, method: str, body: str = "", headers: str = "") -> None:
        self.sequence += method != "ACK"
        port = self.socket.getsockname()[1]
        branch = f"z9hG4bK{time.monotonic_ns()}"
        text = (
            f"{method} {self.uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch={branch};rport\r\n"
            f"From: <sip:13800138000@127.0.0.1>;tag=1\r\nTo: {self.to}\r\nCall-ID: {self.call_id}\r\n"
            f"CSeq: {self.sequence} {method}\r\nContact: <sip:c@127.0.0.1:{port}>\r\nMax-Forwards: 70\r\n{headers}"
            f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        )
        self.socket.sendto(text.encode(), self.target)

    def invite(self) -> None:
        origin = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        self.send("INVITE", f"{origin}m=audio {self.rtp} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n")

    def receive(self) -> str:
        return self.socket.recv(65536).decode()

    def answered(self) -> str:
        """The final answer to the last request; ACKed when it was an INVITE."""
        while True:
            said = self.receive()
            if re.match(r"SIP/2.0 [2-6]", said) and f"CSeq: {self.sequence} " in said:
                break
        if said.startswith("SIP/2.0 200") and "INVITE" in said:
            self.to = re.search(r"(?m)^To: ([^\r]*)", said)[1]  # type: ignore[index]
            self.uri = re.search(r"(?m)^Contact: <([^>]*)>", said)[1]  # type: ignore[index]
            self.send("ACK")
        return said

    def wait_for_bye(self) -> None:
        while not (said := self.receive()).startswith("BYE"):
            pass
        headers = "".join(re.findall(r"(?m)^(?:Via|From|To|Call-ID|CSeq):[^\r]*\r\n", said))
        self.socket.sendto(f"SIP/2.0 200 OK\r\n{headers}Content-Length: 0\r\n\r\n".encode(), self.target)


@contextmanager
def calling(here: RunningAsterisk, dialled: str) -> Iterator[Caller]:
    caller = Caller(here, dialled)
    try:
        caller.invite()
        yield caller
    finally:
        caller.socket.close()


@pytest.mark.parametrize("dialled", ["1860", "reception", "*11", "+8613800138000", "99%2C99"])
def test_without_a_daemon_the_caller_is_told_and_hung_up(fresh: RunningAsterisk, dialled: str) -> None:
    before = complaints(fresh.instance)
    with calling(fresh, dialled) as caller:
        assert caller.answered().startswith("SIP/2.0 200")
        apology = f"!Playback!{fresh.layout.sounds}/zh-CN/system-fault!"
        assert wait(lambda: apology in fresh.instance.cli("core show channels concise"), 2)
        caller.wait_for_bye()
    said = complaints(fresh.instance)[len(before) :]
    tries = 2  # At once, and after the music.
    assert len(said) == 2 * tries and all(
        "for app 'hotline'" in line or "'hotline' doesn't exist" in line for line in said
    )


@asynccontextmanager
async def daemon(here: RunningAsterisk) -> AsyncIterator[Callable[[str], Awaitable[dict[str, Any]]]]:
    """The least a daemon can be: the application is there; calls the given function with what to originate."""
    headers = {"Authorization": basic(here.secrets.ari_password)}
    async with (
        aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(10)) as http,
        http.ws_connect(f"{here.ari_url}/events?app=hotline") as events,
    ):

        async def started(local: str) -> dict[str, Any]:
            """Its StasisStart; with a `local` extension, that extension is called first. The call is then ended."""
            if local:
                call = {"endpoint": f"Local/{local}/n", "extension": "-", "context": "nowhere"}
                async with http.post(f"{here.ari_url}/channels", params=call) as answer:
                    assert answer.status == 200, await answer.text()
            async for message in events:
                event: dict[str, Any] = message.json()
                if event["type"] == "StasisStart":
                    await http.delete(f"{here.ari_url}/channels/{event['channel']['id']}")
                    return event
            raise AssertionError("the event socket was closed")

        yield started


async def test_what_the_application_is_told(fresh: RunningAsterisk) -> None:
    async with daemon(fresh) as started:
        with calling(fresh, "1860"):
            event = await started("")
        assert event["args"] == ["in", "1860", "local"]
        assert event["channel"]["caller"]["number"] == "13800138000"
        assert event["channel"]["language"] == "zh-CN"
        assert event["channel"]["name"].startswith("PJSIP/trunk.local-")
        for dialled, args in (
            ("*11@from-phone", ["feature", "*11"]),
            ("*131@from-phone", ["feature", "*131"]),
            ("*19@from-phone", ["feature", "*19"]),
            ("*99@from-phone", ["in", "*99", ""]),
            ("1860@from-phone", ["in", "1860", ""]),
            ("*11@from-trunk", ["in", "*11", ""]),
            ("+861860@from-trunk", ["in", "+861860", ""]),
            ("reception@from-trunk", ["in", "reception", ""]),
            (f"{'9' * 50}@from-trunk", ["in", "9" * 32, ""]),
        ):
            assert (await started(dialled))["args"] == args


def test_a_richer_configuration_boots_without_a_complaint(tmp_path: Path) -> None:
    changes = {
        "asterisk": {"external_address": "203.0.113.9"},
        "phones": {"browser": {"transport": "ws", "codecs": ["opus", "ulaw"]}, "global": {"transport": "tcp"}},
        "trunks": {"global": {"match": ["192.0.2.0/24", "2001:db8::/64"], "dtmf": "info", "caller_trusted": True}},
        "numbers": {"+861860": {"flow": "main", "language": "en"}},
    }
    with running_asterisk(tmp_path, changes) as running:
        assert complaints(running.instance) == []
        shown = running.instance.cli("pjsip show endpoints")
        assert all(f"Endpoint:  {name} " in shown for name in ("browser", "global", "trunk.global", "p8025"))


def register(here: RunningAsterisk, name: str) -> int:
    """The status a REGISTER without a password gets, from this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind(("127.0.0.1", 0))
        wire.settimeout(5)
        port = wire.getsockname()[1]
        text = (
            f"REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{name};rport\r\n"
            f"From: <sip:{name}@127.0.0.1>;tag=1\r\nTo: <sip:{name}@127.0.0.1>\r\nCall-ID: {name}-{port}\r\n"
            f"CSeq: 1 REGISTER\r\nContact: <sip:{name}@127.0.0.1:{port}>\r\nMax-Forwards: 70\r\n"
            "Content-Length: 0\r\n\r\n"
        )
        wire.sendto(text.encode(), here.sip)
        return int(wire.recv(65536).split()[1])


def test_tls_srtp_networks_and_an_overflow_number_boot_and_listen(tmp_path: Path) -> None:
    """TLS is spoken, a phone's ACL and SRTP are taken, and the emergency number can be dialled."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test")
    subprocess.run([*made, "-keyout", key, "-out", cert], check=True, capture_output=True)
    with port_block() as spare:
        changes = {
            "asterisk": {"tls": {"cert": str(cert), "key": str(key), "port": spare}},
            "phones": {
                "p8025": {"transport": "tls", "media_encryption": "sdes", "networks": ["127.0.0.0/8"]},
                "p8026": {"networks": ["192.0.2.0/24"]},
            },
            "trunks": {"carrier": {"match": ["192.0.2.1"], "address": "192.0.2.1:5060"}},
            "outbound": {"trunk": "carrier", "permitted": ["10086"]},
            "net": {"overflow": "10086"},
        }
        with running_asterisk(tmp_path, changes) as running:
            assert complaints(running.instance) == []
            context = ssl.create_default_context(cafile=str(cert))
            context.check_hostname = False
            with socket.create_connection(("127.0.0.1", spare), 5) as plain, context.wrap_socket(plain) as wire:
                assert wire.version() in ("TLSv1.2", "TLSv1.3")
            shown = running.instance.cli("pjsip show endpoint p8025")
            assert re.search(r"media_encryption +: sdes", shown) and re.search(r"transport +: transport-tls", shown)
            # Both are asked for a password; p8026 for one that is none: a stranger learns nothing.
            assert [register(running, name) for name in ("p8026", "visitor")] == [401, 401]
            refused = [line for line in log(running.instance).splitlines() if "Not match Endpoint ACL" in line]
            assert len(refused) == 1 and "sip:p8026@" in refused[0]
            dialled = "Dial(PJSIP/trunk.carrier/sip:10086@192.0.2.1:5060,30,g)"
            assert dialled in running.instance.cli("dialplan show call@net")


def test_rtp_listens_where_sip_does(fresh: RunningAsterisk) -> None:
    with calling(fresh, "1860") as caller:
        answer = caller.answered()
        port = int(re.search(r"m=audio (\d+)", answer)[1])  # type: ignore[index]
        assert port in range(fresh.settings.asterisk.rtp_port_first, fresh.settings.asterisk.rtp_port_last + 1)
        bound = [line.split()[1] for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
        assert f"0100007F:{port:04X}" in bound
        caller.wait_for_bye()


def test_a_refer_is_refused_at_once(fresh: RunningAsterisk) -> None:
    with calling(fresh, "1860") as caller:
        caller.answered()
        caller.send("REFER", headers="Refer-To: <sip:1860@127.0.0.1>\r\n")
        assert re.match(r"SIP/2.0 [456]", caller.answered())
        caller.wait_for_bye()


def http_port(instance: Instance) -> int:
    return int(re.search(r"(?m)^bindport = (\d+)", Path(instance.layout.etc, "http.conf").read_text())[1])  # type: ignore[index]


def leave_closing(port: int) -> None:
    """A connection that its server has closed: for a minute the kernel keeps it on the port (TIME_WAIT)."""
    with socket.create_server(("127.0.0.1", port)) as server:
        client = socket.create_connection(server.getsockname(), 5)
        server.accept()[0].close()
        with client:
            assert client.recv(1) == b""
    with socket.socket() as bare, pytest.raises(OSError, match="in use"):
        bare.bind(("127.0.0.1", port))


def test_connections_of_a_run_before_that_are_closing_keep_nobody_from_starting(stopped: Instance) -> None:
    leave_closing(http_port(stopped))
    assert stopped.start() is True


def test_a_taken_port_is_said_once_and_nothing_is_half_started(stopped: Instance) -> None:
    port = http_port(stopped)
    leave_closing(port)  # As whoever had these ports before may have: it must stop neither this test nor Asterisk.
    message = rf"^asterisk\.http_port: tcp port {port} on 127\.0\.0\.1 .*$"
    with socket.create_server(("127.0.0.1", port)), pytest.raises(AsteriskError, match=message):
        stopped.start()
    assert stopped.pid() is None
    assert not Path(stopped.layout.full_log).exists()


def test_a_boot_that_fails_says_why(stopped: Instance) -> None:
    stopped.write({"modules.conf": "[modules]\nautoload=no\nrequire = no_such_module.so\n"})
    with pytest.raises(AsteriskError, match="no_such_module"):
        stopped.start()
    assert stopped.pid() is None


def processes(instance: Instance) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return [command for command in found if str(instance.layout.conf) in command and " -f" in command]


def test_start_status_stop_from_anyone(stopped: Instance) -> None:
    other = Instance(stopped.install, stopped.layout, stopped._asterisk)  # As a later `hotline asterisk …` has it.
    assert stopped.start() is True
    assert other.start() is False
    assert other.status().pid == stopped.pid() and other.status().channels == 0
    assert os.getsid(other.pid() or 0) == other.pid()
    assert other.stop() is True
    assert processes(stopped) == []
    assert stopped.stop() is False
    assert stopped.status().pid is None
    with pytest.raises(AsteriskError, match="does not run"):
        stopped.cli("core show uptime")


def test_core_restart_now(stopped: Instance) -> None:
    stopped.start()
    pid = stopped.pid()
    first = Path(stopped.layout.full_log).read_text().count("modules will be loaded")
    stopped.cli("core restart now")
    until = time.monotonic() + 20
    while Path(stopped.layout.full_log).read_text().count("modules will be loaded") == first:
        assert time.monotonic() < until
        time.sleep(0.05)
    while not stopped.status().booted:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert stopped.pid() == pid
    assert complaints(stopped) == []
