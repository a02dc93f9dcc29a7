"""What must fit together across the parts of config.yaml: names, numbers, codes, ports, addresses."""

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from itertools import combinations
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from ari_app.config.control_checks import MAY_NOT_BE_DIALLED, check_control
from ari_app.config.diagnostics import Problem, Shared, nearest, shown
from ari_app.config.marks import KeyPath, Marks
from ari_app.config.screening_checks import check_screening
from ari_app.config.surge_checks import check_surge
from ari_app.flow.situations import SITUATIONS
from ari_app.model.dialling import is_permitted
from ari_app.model.ids import Number, Skill
from ari_app.model.routing import FeatureCodes
from ari_app.model.settings import Settings
from ari_app.model.skills import SkillsFault, needs_of, parse
from ari_app.model.surge import in_surge

NO_SUCH_NAME: Final = "C" + Shared.NO_SUCH_NAME
CODES_COLLIDE: Final = "C020"
BAD_RTP_RANGE: Final = "C021"
SAME_PORT: Final = "C022"
BAD_TIMEZONE: Final = "C023"
BAD_ADDRESS: Final = "C024"
SAME_REASON: Final = "C025"
SAME_SOURCE: Final = "C026"
BAD_SKILLS: Final = "C027"
NOBODY_WORKS: Final = "C041"

_RTP_PORTS_MIN: Final = 100
_HOST_PORT: Final = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}", re.ASCII)
_SIP_ADDRESS: Final = re.compile(r"sip:[A-Za-z0-9._~+-]+@([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})", re.ASCII)


def check_settings(settings: Settings, marks: Marks, root: Path) -> Iterator[Problem]:
    """Problems across parts; `root` is where relative paths start. `settings` may lack parts that were faulty."""
    yield from _skills(settings, marks)
    yield from check_surge(settings, marks)
    yield from _phones(settings, marks)
    yield from _contacts(settings, marks)
    yield from _flows(settings, marks, root / settings.paths.flows)
    yield from _codes(settings, marks)
    yield from _reasons(settings, marks)
    yield from _rtp_range(settings, marks)
    yield from _ports(settings, marks)
    yield from _addresses(settings, marks)
    yield from _sources(settings, marks)
    yield from _allowed(settings, marks)
    yield from _outbound(settings, marks)
    yield from check_control(settings, marks)
    yield from check_screening(settings, marks, root)
    yield from _timezone(settings, marks)


def _skills(settings: Settings, marks: Marks) -> Iterator[Problem]:
    known = {*marks.names(("skills",))}
    asked: list[tuple[KeyPath, Mapping[str, int] | str]] = []
    for name, queue in settings.queues.items():
        asked.append((("queues", name, "skills"), queue.skills))
        asked += [(("queues", name, "relax", at, "skills"), each.skills) for at, each in enumerate(queue.relax)]
    asked += [(("agents", number, "skills"), agent.skills) for number, agent in settings.agents.items()]
    asked += [(("boxes", name, "skills"), box.skills) for name, box in settings.boxes.items()]
    for path, skills in asked:
        yield from _named_skills(path, skills, known, marks)
    yield from _unworked(settings, marks)


def _unworked(settings: Settings, marks: Marks) -> Iterator[Problem]:
    """Boxes whose messages would be offered to nobody, not even once all steps of the surge plan are taken."""
    most = [in_surge(settings.surge, number, agent.skills) for number, agent in settings.agents.items()]
    able = [{Skill(skill): level for skill, level in has.items()} for has in most]
    for name, box in settings.boxes.items():
        try:
            needs = needs_of(box.skills)
        except SkillsFault:
            continue  # Told already, as are skills nobody knows.
        if needs.skills() <= set(settings.skills) and box.offered and not any(needs.met_by(has) for has in able):
            message = f"no agent can ever have what the box {shown(name)} asks for"
            written = ("boxes", name, "skills") in marks.keys
            say, path = (marks.problem, ("boxes", name, "skills")) if written else (marks.key_problem, ("boxes", name))
            yield say(path, NOBODY_WORKS, message, "give somebody the skills, ask for less, or leave out offered")


def _named_skills(path: KeyPath, skills: Mapping[str, int] | str, known: set[str], marks: Marks) -> Iterator[Problem]:
    if not isinstance(skills, str):
        for skill in skills:
            if skill not in known:
                hint = nearest(skill, known)
                yield marks.key_problem((*path, skill), NO_SUCH_NAME, f"no skill named {shown(skill)}", hint)
        return
    try:
        named = parse(skills).skills()
    except SkillsFault as fault:
        message = f"{fault}, at character {fault.column} of {shown(skills)}"
        yield marks.problem(path, BAD_SKILLS, message, "such as billing>=3 & (mandarin | english)")
        return
    for skill in sorted(named - known):
        yield marks.problem(path, NO_SUCH_NAME, f"no skill named {shown(skill)}", nearest(skill, known))


def _phones(settings: Settings, marks: Marks) -> Iterator[Problem]:
    known = marks.names(("phones",))
    for number, agent in settings.agents.items():
        if agent.phone not in known:
            message = f"no phone named {shown(agent.phone)}"
            yield marks.problem(("agents", number, "phone"), NO_SUCH_NAME, message, nearest(agent.phone, known))


def _contacts(settings: Settings, marks: Marks) -> Iterator[Problem]:
    for name, phone in settings.phones.items():
        found = _SIP_ADDRESS.fullmatch(phone.contact)
        if phone.contact and (found is None or not 1 <= int(found[2]) <= 65_535):
            message = f"{shown(phone.contact)} is not a SIP address"
            yield marks.problem(("phones", name, "contact"), BAD_ADDRESS, message, "such as sip:desk7@192.0.2.7:5060")


def _flows(settings: Settings, marks: Marks, folder: Path) -> Iterator[Problem]:
    try:
        known = {file.stem for file in folder.glob("*.yaml")} - {SITUATIONS}
    except (OSError, ValueError):
        known = set()
    for number, plan in settings.numbers.items():
        if plan.flow not in known:
            message = f"no flow {shown(plan.flow)} in {folder}"
            hint = nearest(plan.flow, known) or f"write {plan.flow}.yaml there"
            yield marks.problem(("numbers", number, "flow"), NO_SUCH_NAME, message, hint)
    yield from _fault(settings, marks, known)


def _fault(settings: Settings, marks: Marks, flows: set[str]) -> Iterator[Problem]:
    fault, hours = settings.fault, marks.names(("hours",))
    if (fault.hours is None) != (fault.flow is None):
        yield marks.problem(("fault",), NO_SUCH_NAME, "fault needs both hours and flow", "write both, or neither")
    if fault.hours is not None and fault.hours not in hours:
        message = f"no hours named {shown(fault.hours)}"
        yield marks.problem(("fault", "hours"), NO_SUCH_NAME, message, nearest(fault.hours, hours))
    if fault.flow is not None and fault.flow not in flows:
        message = f"no flow {shown(fault.flow)}"
        yield marks.problem(("fault", "flow"), NO_SUCH_NAME, message, nearest(fault.flow, flows))


def _codes(settings: Settings, marks: Marks) -> Iterator[Problem]:
    """Digits may follow a code at once, so no code may begin another, nor a number callers dial."""
    codes = [(("feature_codes", name), getattr(settings.feature_codes, name)) for name in FeatureCodes.model_fields]
    numbers = [(("numbers", number), number) for number in settings.numbers]
    said: set[KeyPath] = set()
    for (path, code), (other_path, other) in combinations([*codes, *numbers], 2):
        if path[0] == "numbers" or not (code.startswith(other) or other.startswith(code)):
            continue
        places = (path, other_path, ()) if other_path[0] == "numbers" else (other_path, path, ())
        written = next(place for place in places if place in marks.keys or not place)
        if written in said:
            continue
        said.add(written)
        relation = "is also" if code == other else "overlaps with"
        message = f"{shown(other)} ({'.'.join(other_path)}) {relation} {shown(code)} ({'.'.join(path)})"
        hint = "no feature code may be the beginning of another one or of a number, nor a number that of a code"
        yield marks.problem(written, CODES_COLLIDE, message, hint)


def _reasons(settings: Settings, marks: Marks) -> Iterator[Problem]:
    for part in ("not_ready_reasons", "dispositions"):
        names: dict[str, str] = getattr(settings.agent_rules, part)
        first: dict[str, str] = {}
        for key, name in names.items():
            if (earlier := first.setdefault(name, key)) != key:
                message = f"{shown(name)} is already the meaning of key {earlier}"
                yield marks.problem(("agent_rules", part, key), SAME_REASON, message, "one key for one meaning")


def _rtp_range(settings: Settings, marks: Marks) -> Iterator[Problem]:
    first, last = settings.asterisk.rtp_port_first, settings.asterisk.rtp_port_last
    ports = last - first + 1
    path = ("asterisk", "rtp_port_last" if ("asterisk", "rtp_port_last") in marks.keys else "rtp_port_first")
    if last <= first:
        message = f"the voice range {first}-{last} ends before it begins"
        yield marks.problem(path, BAD_RTP_RANGE, message, "rtp_port_first must be the smaller one")
    elif ports < _RTP_PORTS_MIN:
        message = f"the voice range {first}-{last} has only {ports} ports"
        yield marks.problem(path, BAD_RTP_RANGE, message, f"at least {_RTP_PORTS_MIN}: 4 for each call with an agent")
    elif ports % 2 or first % 2:
        message = f"the voice range {first}-{last} is not made of pairs"
        hint = "begin with an even port and end with an odd one: voice and its control go in pairs"
        yield marks.problem(path, BAD_RTP_RANGE, message, hint)


def _ports(settings: Settings, marks: Marks) -> Iterator[Problem]:
    asterisk = settings.asterisk
    ports: dict[KeyPath, int] = {
        ("asterisk", name): getattr(asterisk, name) for name in ("sip_port", "http_port", "ami_port")
    }
    ports["web", "port"] = settings.web.port
    ports["agi", "port"] = settings.agi.port
    for (path, port), (other_path, other) in combinations(ports.items(), 2):
        if port == other:
            written = next(place for place in (other_path, path, ()) if place in marks.keys or not place)
            names = f"{'.'.join(map(str, path))} and {'.'.join(map(str, other_path))}"
            yield marks.problem(written, SAME_PORT, f"{names} are both {port}", "choose another port")
    if asterisk.rtp_port_first <= asterisk.sip_port <= asterisk.rtp_port_last:
        message = f"port {asterisk.sip_port} lies in the voice range {asterisk.rtp_port_first}-{asterisk.rtp_port_last}"
        yield marks.problem(("asterisk", "sip_port"), SAME_PORT, message, "choose a port outside of it")


def _addresses(settings: Settings, marks: Marks) -> Iterator[Problem]:
    for part, name in (("asterisk", "sip_listen"), ("web", "listen")):
        address: str = getattr(getattr(settings, part), name)
        try:
            ip_address(address)
        except ValueError:
            hint = "localhost is 127.0.0.1" if address == "localhost" else "such as 127.0.0.1, or 0.0.0.0 for all"
            yield marks.problem((part, name), BAD_ADDRESS, f"{shown(address)} is not an IP address", hint)


def _sources(settings: Settings, marks: Marks) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for trunk, plan in settings.trunks.items():
        for at, source in enumerate(plan.match):
            path: KeyPath = ("trunks", trunk, "match", at)
            try:
                network = str(ip_network(source))
            except ValueError:
                yield marks.problem(
                    path, BAD_ADDRESS, f"{shown(source)} is not an IP address or network", _network_hint(source)
                )
                continue
            if (earlier := first.setdefault(network, trunk)) != trunk:
                message = f"{shown(source)} is already the trunk {shown(earlier)}"
                yield marks.problem(path, SAME_SOURCE, message, "one address belongs to one trunk")


def _allowed(settings: Settings, marks: Marks) -> Iterator[Problem]:
    places: list[tuple[KeyPath, tuple[str, ...]]] = [(("security", "bans", "allow"), settings.security.bans.allow)]
    places += [(("phones", name, "networks"), phone.networks) for name, phone in settings.phones.items()]
    for path, sources in places:
        for at, source in enumerate(sources):
            try:
                ip_network(source)
            except ValueError:
                message = f"{shown(source)} is not an IP address or network"
                yield marks.problem((*path, at), BAD_ADDRESS, message, _network_hint(source))


def _outbound(settings: Settings, marks: Marks) -> Iterator[Problem]:
    for name, plan in settings.trunks.items():
        if plan.address and _HOST_PORT.fullmatch(plan.address) is None:
            message = f"{shown(plan.address)} is not HOST:PORT"
            yield marks.problem(("trunks", name, "address"), BAD_ADDRESS, message, "such as 203.0.113.7:5060")
    trunk = settings.outbound.trunk
    if trunk and trunk not in settings.trunks:
        message = f"no trunk named {shown(trunk)}"
        yield marks.problem(("outbound", "trunk"), NO_SUCH_NAME, message, nearest(trunk, settings.trunks))
    elif trunk and not settings.trunks[trunk].address:
        message = f"the trunk {shown(trunk)} has no address to dial out to"
        yield marks.problem(("outbound", "trunk"), BAD_ADDRESS, message, f"write trunks.{trunk}.address: HOST:PORT")
    overflow = settings.net.overflow
    if overflow and not is_permitted(Number(overflow), settings.outbound):
        message = f"{shown(overflow)} fits none of outbound.permitted, or there is no outbound.trunk"
        yield marks.problem(("net", "overflow"), MAY_NOT_BE_DIALLED, message, "write both, or leave net.overflow empty")


def _network_hint(source: str) -> str:
    try:
        return f"did you mean '{ip_network(source, strict=False)}'?"
    except ValueError:
        return "such as 203.0.113.7 or 203.0.113.0/24"


def _timezone(settings: Settings, marks: Marks) -> Iterator[Problem]:
    try:
        ZoneInfo(settings.timezone)
    except (ValueError, OSError, LookupError):  # OSError: a folder of zones ("Asia").
        hint = nearest(settings.timezone, available_timezones()) or "such as Asia/Shanghai"
        yield marks.problem(("timezone",), BAD_TIMEZONE, f"no time zone named {shown(settings.timezone)}", hint)
