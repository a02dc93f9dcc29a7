"""`hotline doctor`'s part about Asterisk: each trap of a real Asterisk 22, tried rather than assumed."""

import grp
import os
import re
import socket
import threading
import time
import uuid
from pathlib import Path

from ari_app.errors import AsteriskError
from ari_app.model.check import Check
from ari_app.model.layout import CONF_FILES, Layout, seen_by_daemon
from ari_app.model.settings import Secrets, Settings
from ari_app.provision import ports
from ari_app.provision.install import MINIMUM, Install, number
from ari_app.provision.instance import Instance, wait

NAME_S_MAX = 0.5
WRITE_TIMEOUT_MS_MIN = 5000
RENDER_AGAIN = "`hotline asterisk restart` writes the files anew from config.yaml (an own box: `hotline conf install`)"


def asterisk_checks(settings: Settings, secrets: Secrets, install: Install | None, layout: Layout) -> list[Check]:
    """Every check that makes sense here; without an Asterisk only the first ones."""
    checks = [_version(install), _host_name()]
    if install is None:
        return checks
    instance = Instance(install, layout, settings.asterisk)
    missing = [name for name in CONF_FILES if not Path(layout.etc, name).exists()]
    found = f"missing in {layout.etc}: {', '.join(missing)}" if missing else f"{len(CONF_FILES)} files in {layout.etc}"
    checks.append(_check("configuration files", not missing, found, RENDER_AGAIN))
    if not missing:
        checks += [_identify_order(layout), _write_timeout(layout), _session_limit(settings, layout)]
        checks.append(_passwords(secrets, layout))
    checks += [_ports(settings, instance), _recordings(settings, instance)]
    if settings.asterisk.group:
        checks.append(_group(settings, layout))
    return checks


def conf_value(text: str, section: str, key: str) -> str | None:
    """The value of a key in one section of a .conf text; None when it is not set there."""
    body = re.search(rf"(?ms)^\[{re.escape(section)}\][^\n]*\n(.*?)(?=^\[|\Z)", text)
    value = re.search(rf"(?m)^\s*{re.escape(key)}\s*=>?\s*([^;\n]*)", body[1]) if body else None
    return value[1].strip() if value else None


def _check(name: str, ok: bool, found: str, cure: str) -> Check:
    return Check(name, ok, found, "" if ok else cure)


def _version(install: Install | None) -> Check:
    name = "Asterisk"
    if install is None:
        return Check(name, False, "none", "`hotline asterisk install` builds one (6 s, 80 MB, no root)")
    kind = "private" if install.private else "the box's own"
    found = f"{install.version}, {kind}, {install.binary}"
    return _check(name, number(install.version) >= MINIMUM, found, "Asterisk 22.10 or later is needed")


def _host_name() -> Check:
    """Asterisk looks its own name up; when that waits for DNS, every call does."""
    name = socket.gethostname()
    answered = threading.Event()
    result: list[str] = []

    def look_up() -> None:
        try:
            result.append(str(socket.getaddrinfo(name, None)[0][4][0]))
        except OSError as error:
            result.append(f"no address ({error})")
        answered.set()

    started = time.monotonic()
    threading.Thread(target=look_up, daemon=True).start()
    answered.wait(NAME_S_MAX)
    took_ms = (time.monotonic() - started) * 1000
    found = f"{name} is {result[0]}, after {took_ms:.0f} ms" if result else f"{name}: no answer in {NAME_S_MAX} s"
    ok = bool(result) and not result[0].startswith("no address")
    return _check("host name resolves", ok, found, f"add a line to /etc/hosts: 127.0.1.1 {name}")


def _read(layout: Layout, name: str) -> str:
    try:
        return Path(layout.etc, name).read_text(errors="replace")
    except OSError:
        return ""


def _identify_order(layout: Layout) -> Check:
    order = conf_value(_read(layout, "pjsip.conf"), "global", "endpoint_identifier_order") or "(default: ip first)"
    ok = order.split(",")[0] == "username"
    return _check("SIP: registered phones are known by name first", ok, order, RENDER_AGAIN)


def _write_timeout(layout: Layout) -> Check:
    value = conf_value(_read(layout, "ari.conf"), "general", "websocket_write_timeout") or "100"
    ok = value.isdigit() and int(value) >= WRITE_TIMEOUT_MS_MIN
    return _check("ARI: websocket_write_timeout", ok, f"{value} ms", RENDER_AGAIN)


def _session_limit(settings: Settings, layout: Layout) -> Check:
    value = conf_value(_read(layout, "http.conf"), "general", "sessionlimit") or "100"
    ok = value.isdigit() and int(value) > settings.limits.calls_max
    return _check("HTTP: sessionlimit", ok, f"{value} connections", RENDER_AGAIN)


def _passwords(secrets: Secrets, layout: Layout) -> Check:
    ari = conf_value(_read(layout, "ari.conf"), "hotline", "password")
    ami = conf_value(_read(layout, "manager.conf"), "hotline", "secret")
    ok = (ari, ami) == (secrets.ari_password, secrets.ami_password)
    found = "those of the secrets file" if ok else "not those of the secrets file"
    return _check("ARI and AMI passwords", ok, found, RENDER_AGAIN)


def _ports(settings: Settings, instance: Instance) -> Check:
    if (pid := instance.pid()) is not None:
        return Check("ports", True, f"in use by our Asterisk (pid {pid})")
    problems = ports.taken(settings.asterisk)
    numbers = ", ".join(dict.fromkeys(str(listener.port) for listener in ports.listeners(settings.asterisk)))
    found = "; ".join(problem.partition(": ")[2] for problem in problems) or f"{numbers} are free"
    return _check("ports", not problems, found, "stop that program, or change the port in config.yaml (asterisk:)")


def _recordings(settings: Settings, instance: Instance) -> Check:
    """Asterisk writes a sound where recordings go, and we read and remove it under our name for the place."""
    name = "recordings: Asterisk writes, the daemon reads"
    theirs = instance.layout.monitor
    ours = Path(seen_by_daemon(theirs, settings.asterisk.path_map))
    if not ours.is_dir():
        return Check(name, False, f"{ours} is not there", "`hotline asterisk start` creates it; see asterisk.path_map")
    if not os.access(ours, os.R_OK | os.W_OK | os.X_OK):
        return Check(name, False, f"{ours}: no right to read and remove", "set asterisk.group to a group both are in")
    if instance.pid() is None:
        return Check(name, True, f"{ours} is ours to read and write (Asterisk does not run: its side was not tried)")
    probe = f"doctor-{uuid.uuid4().hex[:12]}"
    source = ours / f"{probe}.sln"
    result = ours / f"{probe}.wav"
    try:
        source.write_bytes(bytes(320))
        source.chmod(0o644)
        said = instance.cli(f"file convert {theirs / source.name} {theirs / result.name}").strip()
        ok = wait(result.exists, 2) and len(result.read_bytes()) > 44
        found = f"{theirs} is {ours}" if theirs != ours else str(ours)
        cure = "asterisk.path_map must name this folder as Asterisk sees it, and asterisk.group a group both are in"
        return _check(name, ok, found if ok else f"{found}: {said or 'no file appeared'}", cure)
    except (OSError, AsteriskError) as error:
        return Check(name, False, str(error), "see asterisk.path_map and asterisk.group in config.yaml")
    finally:
        source.unlink(missing_ok=True)
        result.unlink(missing_ok=True)


def _group(settings: Settings, layout: Layout) -> Check:
    name, group = "recordings: group", settings.asterisk.group
    try:
        gid = grp.getgrnam(group).gr_gid
    except KeyError:
        return Check(name, False, f"no group {group}", f"`groupadd {group}`, or empty asterisk.group")
    if gid not in (*os.getgroups(), os.getegid()) and os.geteuid() != 0:
        return Check(name, False, f"the daemon's user is not in {group}", f"`usermod -aG {group} USER`, log in again")
    folder = Path(seen_by_daemon(layout.monitor, settings.asterisk.path_map))
    ok = folder.is_dir() and folder.stat().st_gid == gid and bool(folder.stat().st_mode & 0o2000)
    found = f"{folder} belongs to {group}" if ok else f"{folder} does not hand its group on"
    return _check(name, ok, found, f"`chgrp {group} {folder} && chmod 2770 {folder}`")
