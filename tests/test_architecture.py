"""Design §2, invariants 1-3, and the sizes of §3 and §5, checked on the source itself."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

APP: Final = Path(__file__).parents[1] / "ari_app"
PURE: Final = {"model", "flow", "acd", "kpi", "line", "board", "sim"}
MIDDLE: Final = {"flow", "acd", "kpi", "line"}
ADAPTERS: Final = {
    *("runtime", "ari", "ami", "agi", "store", "media", "web"),
    *("render", "config", "provision", "phones", "lookup"),
}
COMPOSE: Final = {"commands", "bench", "transcript"}
MAY_USE: Final = {  # Of ours, by layer; `errors` may be used by all but the pure.
    "model": set[str](),
    **{name: {"model"} for name in MIDDLE},
    "board": {"model", *MIDDLE},
    "sim": {"model", "board", *MIDDLE},
    **{name: {"model", "board", "errors", *MIDDLE} for name in ADAPTERS},
}
PURE_LIBRARIES: Final = {
    *(
        "abc",
        "array",
        "bisect",
        "collections",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "functools",
        "heapq",
        "itertools",
        "math",
    ),
    *("operator", "re", "statistics", "string", "types", "typing", "zoneinfo", "pydantic", "numpy"),
    "ipaddress",
    *("ast", "holidays", "simpleeval"),  # flow: conditions and the calendar.
}
CLOCKS: Final = re.compile(r"\b(datetime\.(now|utcnow|today)|date\.today|time\.time)\(|\bfromtimestamp\([^,()]*\)")
LINES_MAX, FUNCTION_LINES_MAX, PARAMETERS_MAX = 400, 40, 5
BAD_NAMES: Final = ("Manager", "Helper", "Utils", "Base", "Handler", "Processor")

MODULES: Final = sorted(APP.rglob("*.py"))
IN_PURE: Final = [path for path in MODULES if path.relative_to(APP).parts[0] in PURE]


def name(path: Path) -> str:
    return str(path.relative_to(APP))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def package(path: Path) -> str:
    """The package a module belongs to, or its own name at the top."""
    first = path.relative_to(APP).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(path: Path) -> set[str]:
    """The packages of ours a module imports."""
    return {module.split(".")[1] for module in imports(path) if module.startswith("ari_app.")}


@pytest.mark.parametrize("path", IN_PURE, ids=name)
def test_pure_packages_import_nothing_impure(path: Path) -> None:
    foreign = {module.split(".")[0] for module in imports(path)} - {"ari_app", "__future__"}
    # Paths may be computed (pathlib.PurePath), but not touched.
    foreign -= {"pathlib"} if not re.search(r"\bPath\b", path.read_text(encoding="utf-8")) else set()
    foreign -= {"random"} if all(m == "random.Random" for m in imports(path) if m.startswith("random")) else set()
    allowed = PURE_LIBRARIES - ({"numpy"} if package(path) != "line" else set())
    assert foreign <= allowed, f"{name(path)} is pure, but imports {sorted(foreign - allowed)}"


@pytest.mark.parametrize("path", IN_PURE, ids=name)
def test_pure_packages_read_no_clock(path: Path) -> None:
    found = CLOCKS.search(path.read_text(encoding="utf-8"))
    assert not found, f"{name(path)}: {found.group()} reads the clock or the machine's zone; take `now` as an argument"
    calls = [n for n in ast.walk(tree(path)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    impure = [n for n in calls if n.func.id in ("open", "print", "input", "eval", "exec", "hash", "id")]  # type: ignore[attr-defined]
    assert not impure, f"{name(path)}:{impure[0].lineno} does what differs from run to run"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_go_down_only(path: Path) -> None:
    """Adapters never import each other; what composes (cli, daemon, commands/) may import everything."""
    here = package(path)
    if (APP / here).is_dir() and here not in COMPOSE:
        assert here in MAY_USE, f"{here}/ has no layer: name it in design.md §3 and here"
        wrong = ours(path) - MAY_USE[here] - {here}
        assert not wrong, f"{name(path)} imports {sorted(wrong)}"


@pytest.mark.parametrize(
    ("owner", "libraries", "traces"),
    [
        ("store", {"sqlite3", "sqlite_utils"}, r"\b(SELECT .* FROM|INSERT INTO|CREATE TABLE|DELETE FROM)\b"),
        ("config", {"yaml"}, ""),
        ("render", {"jinja2"}, ""),
        ("ami", {"panoramisk"}, ""),
        ("web", {"aiohttp.web"}, ""),
        ("ari", set(), r"\b(asterisk_id|StasisStart|ChannelDestroyed|ChannelDtmfReceived)\b"),
    ],
)
def test_each_dialect_has_one_speaker(owner: str, libraries: set[str], traces: str) -> None:
    """Invariant 3, as far as it shows in imports and words. Prompts and phones are tools beside the daemon."""
    for path in MODULES:
        if package(path) in (owner, "phones") or (owner, package(path)) in (("config", "media"), ("store", "lookup")):
            continue
        used = {m for m in imports(path) if any(m == lib or m.startswith(f"{lib}.") for lib in libraries)}
        composes = package(path) in COMPOSE or not (APP / package(path)).is_dir()
        assert composes or not used, f"{name(path)} imports {sorted(used)}: that is {owner}/'s"
        strings = [n for n in ast.walk(tree(path)) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        docs = {ast.get_docstring(n, clean=False) for n in ast.walk(tree(path)) if isinstance(n, DOCUMENTED)}
        for text in strings if traces else []:
            told = text.value in docs or not re.search(traces, str(text.value))
            assert told, f"{name(path)}:{text.lineno} speaks the language of {owner}/"


DOCUMENTED: Final = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_sizes_and_names(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LINES_MAX, f"{name(path)} has {lines} lines"
    assert path.stem not in ("utils", "util", "helpers", "misc"), name(path)
    assert len(path.relative_to(APP).parts) <= 3, f"{name(path)}: at most two package levels"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef):
            assert not node.name.endswith(BAD_NAMES), f"{name(path)}: class {node.name}"
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            _function(path, node)


def _function(path: Path, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    where = f"{name(path)}:{node.lineno} {node.name}"
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    assert length <= FUNCTION_LINES_MAX or _is_one_table(node), f"{where} has {length} lines"
    positional = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args) if arg.arg not in ("self", "cls")]
    assert len(positional) <= PARAMETERS_MAX, f"{where} takes {len(positional)} positional parameters"


def _is_one_table(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A dispatcher: nothing but one match whose arms are short. It is read as a table, not as a procedure."""
    matches = [n for n in node.body if isinstance(n, ast.Match)]
    return len(matches) == 1 and all(len(case.body) <= 3 for case in matches[0].cases)


def test_every_module_says_what_it_is() -> None:
    silent = [name(path) for path in MODULES if not ast.get_docstring(tree(path))]
    assert not silent
