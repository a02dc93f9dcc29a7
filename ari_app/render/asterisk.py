"""Settings -> the files of an Asterisk: name -> text. The templates stand in asterisk_conf/.

Each value is checked on its way into a file: a line break or a semicolon would write settings of its own.
"""

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ari_app.errors import ConfigError
from ari_app.model.dialling import is_permitted
from ari_app.model.ids import Number
from ari_app.model.layout import CONF_FILES, MARKER, Layout
from ari_app.model.screening import APPEALED, FAMILY
from ari_app.model.settings import Secrets, Settings

TEMPLATES: Final = Path(__file__).resolve().parents[2] / "asterisk_conf"

# Where a far end needs no external address: RFC 1918, RFC 6598, loopback and link-local.
LOCAL_NETWORKS: Final = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
)

SECURITY_EVENTS: Final = ("ChallengeResponseFailed", "FailedACL", "InvalidAccountID", "InvalidPassword")


def render(settings: Settings, secrets: Secrets, layout: Layout) -> dict[str, str]:
    """Every file of `CONF_FILES`, name -> text. Raises ConfigError on a value that cannot stand in a file."""
    jinja = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        finalize=_safe,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Not HTML; `_safe` guards the values.
    )
    _check(settings, secrets, layout)
    asterisk = settings.asterisk
    host = f"[{asterisk.sip_listen}]" if ":" in asterisk.sip_listen else asterisk.sip_listen
    values = {
        "settings": settings,
        "secrets": secrets,
        "layout": layout,
        "app": asterisk.app,
        "bind": f"{host}:{asterisk.sip_port}",
        "bind_tls": f"{host}:{asterisk.tls.port}" if asterisk.tls else "",
        "media_address": "" if asterisk.sip_listen in ("0.0.0.0", "::") else asterisk.sip_listen,
        "external": asterisk.external_address,
        "local_networks": LOCAL_NETWORKS,
        "security_events": SECURITY_EVENTS,
        "music": sorted({"default", *(queue.music for queue in settings.queues.values())}),
        "codes": settings.feature_codes.model_dump(),
        "overflow": _overflow(settings),
        "screened": FAMILY,
        "appealed": APPEALED,
        "languages": _languages(settings),
        "opus": any("opus" in phone.codecs for phone in settings.phones.values()),
    }
    return {
        name: f"{MARKER}config.yaml and asterisk_conf/{name}.j2: change those, not this file.\n\n"
        + jinja.get_template(f"{name}.j2").render(values)
        for name in CONF_FILES
    }


def _languages(settings: Settings) -> dict[str, str | None]:
    """Numbers that are answered in another language than the hotline's."""
    plans = settings.numbers.items()
    return {number: plan.language for number, plan in plans if plan.language not in (None, settings.language)}


def _overflow(settings: Settings) -> str:
    """The emergency number as Dial() wants it; empty when none is set, or it may not be dialled."""
    number, outbound = settings.net.overflow, settings.outbound
    if not number or not is_permitted(Number(number), outbound):
        return ""
    trunk = settings.trunks[outbound.trunk]
    return f"PJSIP/trunk.{outbound.trunk}/sip:{number}@{trunk.address}" if trunk.address else ""


def _safe(value: object) -> object:
    text = str(value)
    if "\n" in text or "\r" in text or ";" in text:
        raise ConfigError(f"{text!r} cannot stand in a file of Asterisk's: it holds a line break or a semicolon")
    return value


def _check(settings: Settings, secrets: Secrets, layout: Layout) -> None:
    missing = sorted(set(settings.phones) - set(secrets.phones))
    if missing:
        raise ConfigError(f"the secrets file has no password for phone {', '.join(missing)}")
    if not (layout.etc.is_absolute() and layout.sounds.is_absolute()):
        raise ConfigError(f"{layout.etc}, {layout.sounds}: Asterisk needs absolute paths")
    for key, path in (("sounds", layout.sounds), ("scripts", layout.scripts), ("state", layout.net)):
        bad = [sign for sign in ",&|${}()\"'" if sign in str(path)]
        if bad:
            raise ConfigError(
                f"paths.{key}: {path}: {' '.join(bad)} means something to Asterisk; use a path without it"
            )
    first, last = settings.asterisk.rtp_port_first, settings.asterisk.rtp_port_last
    if first + 3 > last:
        raise ConfigError(f"asterisk.rtp_port_last: {last} leaves no room above rtp_port_first {first}")
