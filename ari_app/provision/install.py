"""Finds the box's own Asterisk, or builds a private one from the Debian archive (no root, no chroot).

The private one is a folder of unpacked .debs, run through its own dynamic loader, so that it needs nothing
of the box but a kernel. It is rebuilt by deleting the folder.
"""

import fcntl
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ari_app.errors import AsteriskError

MINIMUM: Final = (22, 10)  # Below it claim, bridge variables and report_events are missing.
SUITE: Final = "forky"  # Debian 12 and 13 have no asterisk package; the next release has the LTS 22.
KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DISK_FREE_MB: Final = 600  # 80 downloaded + 200 unpacked, with room.

# What Asterisk's packages ask for but a private Asterisk never opens (checked by a boot): account and
# package tools, Perl (only res_snmp uses it), GnuPG, time zones and samples (the box's or our own are used).
UNUSED: Final = re.compile(
    r"(adduser|asterisk-config|base-passwd|debconf|dirmngr|gnupg.*|gpg.*|libc-gconv.*|libdebconf.*|libpam.*"
    r"|libperl.*|libsemanage.*|libsensors-config|libsepol.*|libsnmp-base|login.*|passwd|pci\.ids|perl.*"
    r"|pinentry.*|readline-common|tzdata)_"
)

# ld.so with --argv0: `core restart now` runs argv[0] again, which must be this script and not the loader.
WRAPPER: Final = """\
#!/bin/sh
# Made by hotline: runs the Asterisk of this folder with the libraries of this folder.
here=${{0%/*}}
export OPENSSL_MODULES="$here/{libraries}/ossl-modules"
exec "$here/{loader}" --argv0 "$0" --library-path "$here/{libraries}:$here/{libraries}/pulseaudio" \\
    "$here/usr/sbin/asterisk" "$@"
"""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Install:
    """An Asterisk that can be run: `binary` takes asterisk's own options."""

    binary: Path
    modules: Path
    data: Path
    version: str
    private: bool


def find(root: Path, own_only: bool = False) -> Install | None:
    """The box's own Asterisk if it is recent enough, else the private one in `root`, unless `own_only`; else None."""
    return _own() or (None if own_only else _private(root.absolute()))


def own_version() -> str:
    """Of the box's own Asterisk, however old; empty when there is none."""
    path = shutil.which("asterisk")
    return _version_of(Path(path)) if path is not None else ""


def install(root: Path, say: Say) -> Install:
    """Find or build; safe to repeat and to run twice at once. Raises AsteriskError with a cure."""
    if found := find(root):
        say(f"Asterisk {found.version} is there: {found.binary}")
        return found
    if own := shutil.which("asterisk"):
        say(f"{own} is {_version_of(Path(own))}, too old: 22.10 is needed. Building a private one beside it.")
    root = root.absolute()
    _check_tools(root)
    with _alone(root):
        if found := _private(root):  # Another process built it while we waited.
            return found
        partial = root.with_name(root.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)  # Of a build that was killed.
        try:
            _build(root, partial, say)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    if found := _private(root):
        return found
    raise AsteriskError(f"{root}: was built but cannot be used; delete the folder and try again")


def number(version: str) -> tuple[int, int]:
    """(22, 10) of '22.10.1~dfsg+…'; (0, 0) when there is no number in it."""
    match = re.search(r"(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _version_of(binary: Path) -> str:
    try:
        done = subprocess.run([binary, "-V"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(r"Asterisk (?:GIT-)?(\d+\.\d+(?:\.\d+)?)", done.stdout)
    return match[1] if match else ""


def _own() -> Install | None:
    path = shutil.which("asterisk")
    if path is None:
        return None
    binary = Path(path)
    version = _version_of(binary)
    prefix = binary.resolve().parent.parent
    places = [*prefix.glob("lib*/asterisk/modules"), *prefix.glob("lib*/*/asterisk/modules")]
    modules = next((place for place in places if (place / "app_stasis.so").exists()), None)
    data = [prefix / "share/asterisk", Path("/var/lib/asterisk")]
    if number(version) < MINIMUM or modules is None:
        return None
    return Install(binary, modules, next((d for d in data if d.is_dir()), data[0]), version, private=False)


def _private(root: Path) -> Install | None:
    try:
        version = (root / "VERSION").read_text().split()[0]
    except (OSError, IndexError):
        return None
    if number(version) < MINIMUM:
        raise AsteriskError(f"{root}: Asterisk {version} is too old, 22.10 is needed; delete it and install again")
    modules = next(root.glob("usr/lib/*/asterisk/modules"), None)
    if modules is None or not (root / "asterisk").exists():
        raise AsteriskError(f"{root}: is not complete; delete the folder and run `hotline asterisk install`")
    return Install(root / "asterisk", modules, root / "usr/share/asterisk", version, private=True)


def _check_tools(root: Path) -> None:
    missing = [tool for tool in ("apt-get", "dpkg-deb", "dpkg") if shutil.which(tool) is None]
    if missing:
        raise AsteriskError(
            f"no Asterisk ≥ 22.10 here, and a private one cannot be built without {', '.join(missing)}: "
            "use Debian or a relative of it, or install Asterisk 22.10 or later by hand so that it is on PATH"
        )
    if not KEYRING.exists():
        raise AsteriskError(f"{KEYRING} is missing: `apt-get install debian-archive-keyring`, then try again")
    root.parent.mkdir(parents=True, exist_ok=True)
    free_mb = shutil.disk_usage(root.parent).free // 2**20
    if free_mb < DISK_FREE_MB:
        raise AsteriskError(f"{root.parent}: {free_mb} MB free, {DISK_FREE_MB} needed; set paths.asterisk_root")


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """One builder at a time; the lock is on the parent folder and dies with the process."""
    folder = os.open(root.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _build(root: Path, partial: Path, say: Say) -> None:
    """Download, unpack into `partial`, try it, rename: there is never half an Asterisk in `root`."""
    if root.exists() and any(root.iterdir()):
        raise AsteriskError(f"{root}: is in the way and not ours (no VERSION file); move it or set paths.asterisk_root")
    apt = partial / "apt"
    started = time.monotonic()
    say(f"Asterisk from Debian {SUITE}: asking for the list of packages")
    _apt(apt, "update")
    say(f"  {time.monotonic() - started:.0f} s: downloading about 80 MB")
    _apt(apt, "install", "-y", "--download-only", "asterisk")
    debs = sorted(deb for deb in (apt / "cache/archives").glob("*.deb") if not UNUSED.match(deb.name))
    say(f"  {time.monotonic() - started:.0f} s: unpacking {len(debs)} packages")
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda deb: _run(["dpkg-deb", "-x", str(deb), str(partial)]), debs))
    shutil.rmtree(apt)
    _write_wrapper(partial)
    version = _version_of(partial / "asterisk")
    if number(version) < MINIMUM:
        raise AsteriskError(f"Debian {SUITE} gave Asterisk {version or '(none)'}, 22.10 is needed: install one by hand")
    package = next((deb.stem for deb in debs if deb.name.startswith("asterisk_")), "")
    (partial / "VERSION").write_text(f"{version}\n{package} from Debian {SUITE}\n")
    if root.exists():
        root.rmdir()
    partial.rename(root)
    say(f"  {time.monotonic() - started:.0f} s: Asterisk {version} is ready in {root}")


def _write_wrapper(root: Path) -> None:
    modules = next(root.glob("usr/lib/*/asterisk/modules"), None)
    # On amd64 and arm64 the ABI's path is lib64/ or lib/; a copy stands in the multiarch folder in any case.
    loader = next(iter([*root.glob("usr/lib/*/ld-linux*.so.*"), *root.glob("usr/lib*/ld-linux*.so.*")]), None)
    if modules is None or loader is None:
        raise AsteriskError(f"{root}: the packages hold no Asterisk modules or no loader; report this architecture")
    libraries = modules.parent.parent
    text = WRAPPER.format(libraries=libraries.relative_to(root), loader=loader.relative_to(root))
    wrapper = root / "asterisk"
    wrapper.write_text(text)
    wrapper.chmod(0o755)


def _apt(state: Path, *arguments: str) -> None:
    """Run apt-get on a state of its own: the box's package lists, settings and packages stay untouched."""
    conf = state / "apt.conf"
    if not conf.exists():
        (state / "lists/partial").mkdir(parents=True)
        (state / "cache/archives/partial").mkdir(parents=True)
        (state / "status").touch()
        mirror = os.environ.get("HOTLINE_DEBIAN_MIRROR") or _own_mirror()
        (state / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror} {SUITE} main\n")
        conf.write_text(_apt_conf(state))
    _run(["apt-get", "-qq", *arguments], APT_CONFIG=str(conf))


def _own_mirror() -> str:
    """The Debian archive this box's own apt is set up with: a place its network is known to reach."""
    sites = _run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]).split()
    own = next((site for site in sites if site.rstrip("/").endswith("/debian")), None)
    if own is None:
        raise AsteriskError("This box's apt knows no Debian archive. Name one in HOTLINE_DEBIAN_MIRROR.")
    return own.rstrip("/")


def _apt_conf(state: Path) -> str:
    """Nothing of the box's apt is read but how it reaches archives (proxies, a clock it does not trust)."""
    reach = r"(?m)^Acquire::(?:https?|ForceIPv[46]|Check-Valid-Until|Check-Date)\b.*$"
    network = re.findall(reach, _run(["apt-config", "dump"]))
    architecture = _run(["dpkg", "--print-architecture"]).strip()
    return "\n".join(
        [
            f'Dir::State "{state}"; Dir::State::lists "{state}/lists"; Dir::State::status "{state}/status";',
            f'Dir::Cache "{state}/cache"; Dir::Etc::sourcelist "{state}/sources.list";',
            'Dir::Etc::sourceparts "/dev/null"; Dir::Etc::parts "/dev/null"; Dir::Etc::main "/dev/null";',
            'Dir::Etc::preferences "/dev/null"; Dir::Etc::preferencesparts "/dev/null";',
            'Dir::Log "/dev/null"; APT::Install-Recommends "false"; APT::Sandbox::User "";',
            'APT::Update::Error-Mode "any"; Debug::NoLocking "true";',
            'Acquire::Languages "none"; Acquire::Retries "3";',
            f'APT::Architecture "{architecture}"; APT::Architectures {{ "{architecture}"; }};',
            *network,
            "",
        ]
    )


def _run(command: list[str], **environment: str) -> str:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
            env={**os.environ, "LC_ALL": "C", **environment},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AsteriskError(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        last = " / ".join(done.stderr.strip().splitlines()[-3:])
        raise AsteriskError(
            f"{' '.join(command[:3])} failed: {last}\n"
            "Is the Debian archive reachable? HOTLINE_DEBIAN_MIRROR names another mirror."
        )
    return done.stdout
