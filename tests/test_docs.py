"""The pages people read: every YAML block loads, every command exists, every link resolves, both languages agree."""

import re
import runpy
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from ari_app.cli import app
from ari_app.config.flows import load_flows, look_over
from ari_app.config.load import load_settings
from ari_app.config.marks import read_marked
from ari_app.config.scenario import load_scenario
from ari_app.flow.model import Flow, next_nodes
from ari_app.media.prompts import Prompts
from ari_app.site import Site
from ari_app.transcript import report
from ari_app.transcript.parse import parse
from ari_app.transcript.rehearse import rehearse
from ari_app.transcript.stage import house_of
from tests.asterisk import REPOSITORY, merged, secrets_for

PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])
PAIRS = [(page, twin) for page in PAGES if (twin := page.with_suffix(".zh-CN.md")) in PAGES]
COMMANDS = typer.main.get_command(app)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and where it stands."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^```([a-z]*)\n(.*?)^```$", text, re.M | re.S):
        yield Block(page, text.count("\n", 0, found.start()) + 1, found[1], found[2])


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


BLOCKS = [block for page in PAGES for block in blocks(page)]
STEPS = ("first-menu.md", "first-menu.zh-CN.md")  # Pages that are run as a whole, from the first block to the last.
YAML = [block for block in BLOCKS if block.language == "yaml" and block.page.name not in STEPS]
CALLS = [block for block in BLOCKS if block.language == "call"]


# -- YAML --


@pytest.mark.parametrize("block", YAML, ids=str)
def test_yaml_block_loads(block: Block, tmp_path: Path) -> None:
    written = _tree(block.text, tmp_path / "block.yaml")
    if "situations" in written:
        _load_situations(written)
    elif "nodes" in written:
        _load_flow(written, tmp_path)
    elif "callers" in written:
        load_scenario(tmp_path / "block.yaml")
    elif all(isinstance(value, dict) and "type" in value for value in written.values()):
        _load_flow(_framed(written), tmp_path)
    else:
        _load_config(written, tmp_path)


def test_admin_pages_show_every_node_type() -> None:
    shown = {name for block in YAML for name in re.findall(r"type: (\w+)", block.text) if block.page.stem == "admin"}
    assert shown == {"greet", "play", "menu", "queue", "language", "hangup"}


def _tree(text: str, path: Path) -> dict[str, Any]:
    """As the product reads it: every scalar as it was written."""
    path.write_text(text, encoding="utf-8")
    marks, problems = read_marked(path, "C")
    assert problems == []
    assert isinstance(marks.tree, dict)
    return marks.tree


def _framed(nodes: dict[str, Any]) -> dict[str, Any]:
    """A flow that begins with these nodes; whatever they lead to is a queue, so that every menu has a person."""
    start = next(iter(nodes))
    flow = Flow.model_validate({"start": start, "nodes": nodes})
    targets = {target for node in flow.nodes.values() for target in next_nodes(node).values()}
    return {"start": start, "nodes": {**{target: {"type": "queue", "queue": "general"} for target in targets}, **nodes}}


def _load_flow(written: dict[str, Any], folder: Path) -> None:
    flows, prompts = folder / "flows", Prompts.load(REPOSITORY / "sounds")
    shutil.copytree(REPOSITORY / "ivr_flows", flows)  # A block may call a sample flow.
    (flows / "block.yaml").write_text(_quoted(written), encoding="utf-8")
    settings = load_settings(REPOSITORY / "config.yaml")
    assert "block" in load_flows(flows, settings, lambda ids: prompts.missing(ids, ("zh-CN", "en")))


def _load_situations(written: dict[str, Any]) -> None:
    prompts, texts = Prompts.load(REPOSITORY / "sounds"), {Path("situations.yaml"): _quoted(written).encode()}
    checked = look_over(
        texts, load_settings(REPOSITORY / "config.yaml"), lambda ids: prompts.missing(ids, ("zh-CN", "en"))
    )
    assert (checked.errors, checked.warnings) == ((), ()) and checked.situations.named


def _load_config(written: dict[str, Any], folder: Path) -> None:
    sample = _tree((REPOSITORY / "config.yaml").read_text(encoding="utf-8"), folder / "sample.yaml")
    config = merged(merged(sample, {"paths": {"flows": str(REPOSITORY / "ivr_flows")}}), written)
    (folder / "config.yaml").write_text(_quoted(config), encoding="utf-8")
    load_settings(folder / "config.yaml")


def _quoted(tree: dict[str, Any]) -> str:
    return yaml.safe_dump(tree, default_style='"', sort_keys=False, allow_unicode=True)


@pytest.mark.parametrize("block", CALLS, ids=str)
def test_transcript_runs_as_it_says(block: Block) -> None:
    settings = load_settings(REPOSITORY / "config.yaml")
    house = house_of(Site(REPOSITORY / "config.yaml", settings, secrets_for(settings)))
    outcome = rehearse(parse(block.text, str(block)), house)
    assert outcome.ok, "\n".join(report.lines(outcome))


# -- commands --


def _spoken(page: Path) -> set[str]:
    """Commands named in running text: `hotline …` between backquotes."""
    return {" ".join(found.split()) for found in re.findall(r"`(hotline [^`]+)`", prose(page))}


def _typed(page: Path) -> set[str]:
    """Commands in blocks a reader would paste."""
    lines = [line for block in blocks(page) if block.language == "sh" for line in block.text.splitlines()]
    parts = [part.strip() for line in lines for part in re.split(r"&&|;|\s#\s", line)]
    found = [re.sub(r"^(sudo -u \w+ )?(\.venv/bin/)?", "", part) for part in parts]
    return {part for part in found if part.startswith("hotline ")}


def _resolve(words: list[str]) -> tuple[Any, list[str]]:
    """The command (Typer's own kind of click.Command) the words name, and what is left of them."""
    command: Any = COMMANDS
    while words and _is_group(command):
        there = command.list_commands(None)
        assert words[0] in there, f"no command {words[0]!r}; there are: {', '.join(there)}"
        command, words = command.get_command(None, words[0]), words[1:]
    return command, words


def _is_group(command: Any) -> bool:
    return hasattr(command, "list_commands")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_named_in_text_exist_with_their_options(page: Path) -> None:
    for spoken in _spoken(page):
        words = [word for word in shlex.split(spoken)[1:] if word != "…"]
        if words and words[0].startswith("-"):
            continue
        command, rest = _resolve(words)
        known = {option for parameter in command.params for option in parameter.opts}
        unknown = {word.partition("=")[0] for word in rest if word.startswith("--")} - known
        assert not unknown, f"`{spoken}`: no option {', '.join(unknown)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_blocks_can_be_typed(page: Path) -> None:
    for typed in _typed(page):
        command, rest = _resolve(shlex.split(typed)[1:])
        assert not _is_group(command), f"`{typed}` names no command"
        command.make_context(typed, rest)  # Parses, runs nothing; UsageError when it would not do.


@pytest.mark.parametrize("page", STEPS)
def test_first_menu_works_as_it_is_shown(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file saved, every command of a `console` block run, in the order of the page, in a copy."""
    for folder in ("ivr_flows", "tests/calls"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    for folder in ("sounds", "agi_scripts"):
        (tmp_path / folder).symlink_to(REPOSITORY / folder)
    shutil.copy(REPOSITORY / "config.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    for block in blocks(REPOSITORY / "docs" / page):
        if block.language == "yaml":
            _save(block.text)
        elif block.language == "console":
            for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.M):
                assert _settled(_run(command, shown)) == _settled(shown), f"{block}: {command}"


def _save(text: str) -> None:
    """A whole flow becomes first.yaml; lines under `numbers:` join those of config.yaml."""
    if "nodes:" in text:
        Path("ivr_flows/first.yaml").write_text(text, encoding="utf-8")
    else:
        config = Path("config.yaml").read_text(encoding="utf-8")
        line = text.removeprefix("numbers:\n")
        Path("config.yaml").write_text(re.sub(r"^numbers:.*\n", rf"\g<0>{line}", config, flags=re.M), encoding="utf-8")


def _run(command: str, shown: str) -> str:
    """What is typed after `> ` goes to the command."""
    name, *words = shlex.split(command)
    if name != "hotline":
        return subprocess.run([name, *words], check=True, capture_output=True, text=True).stdout
    return CliRunner().invoke(app, words, input="".join(re.findall(r"^> (.*\n)", shown, re.M))).output


def _settled(output: str) -> str:
    """Without what changes when config.yaml or a prompt does."""
    return re.sub(r"\d+ (?=numbers|queues|agents)|\d+:\d\d:\d\d|[\d.]+ s$", "…", output, flags=re.M)


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.M))
    named = {name for page in PAGES for name in re.findall(r"`make (?:-s )?([a-z]+)", page.read_text(encoding="utf-8"))}
    assert named <= targets


# -- links --


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_resolve(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        assert file.exists(), f"{page.name}: {target} is not there"
        assert not anchor or anchor in _anchors(file), f"{page.name}: {target}: no such heading"


def test_named_files_exist() -> None:
    """Paths of the repository between backquotes: `ari_app/board/call.py`."""
    folders = r"(?:ari_app|asterisk_conf|docs|ivr_flows|sounds|systemd|tests|tools)"
    pages = [page for page in PAGES if page.name not in ("config.md", "codes.md")]
    named = {(page.name, path) for page in pages for path in re.findall(rf"`({folders}/[\w./-]*)`", prose(page))}
    missing = {(page, path) for page, path in named if "ID" not in path and not (REPOSITORY / path).exists()}
    assert not missing


# -- two languages, made pages --


@pytest.mark.parametrize(("page", "twin"), PAIRS, ids=lambda page: page.name)
def test_translation_has_the_same_sections_and_blocks(page: Path, twin: Path) -> None:
    assert _levels(page) == _levels(twin)
    assert [_bare(block) for block in blocks(page)] == [_bare(block) for block in blocks(twin)]
    assert prose(page).count("\n| ") == prose(twin).count("\n| ")


def test_pages_for_users_are_in_both_languages() -> None:
    assert {page.name for page, _ in PAIRS} >= {"README.md", "admin.md", "first-menu.md", "nodes.md", "cookbook.md"}


def _levels(page: Path) -> list[int]:
    return [len(found) for found in re.findall(r"^(#+) ", prose(page), re.M)]


def _bare(block: Block) -> tuple[str, str]:
    """Without comments and without texts in quotes that people read, which are translated."""
    text = re.sub(r"\s+# .*$", "", block.text, flags=re.M)
    return block.language, re.sub(r'"[^"\n]*[^\W\d_][^"\n]*"', '""', text)


def test_states_page_is_current() -> None:
    page = runpy.run_path(str(REPOSITORY / "tools" / "draw_states.py"))["page"]
    assert (REPOSITORY / "docs" / "states.md").read_text(encoding="utf-8") == page(), "python tools/draw_states.py"


def test_a_decision_record_is_the_only_one_with_its_number() -> None:
    records = [path.name for path in (REPOSITORY / "docs/adr").glob("*.md")]
    assert len({name[:4] for name in records}) == len(records) > 0
    for name in records:
        assert (REPOSITORY / "docs/adr" / name).read_text("utf-8").startswith(f"# {name[:4]}"), name
