"""`hotline situations …`: what is done when a line is silent, a system is down, a caller is angry; in plain words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from ari_app.commands import common
from ari_app.commands.flow_files import put_schema
from ari_app.config.diagnostics import nearest
from ari_app.config.editor import schema_text, situation_schema
from ari_app.config.flows import read_texts
from ari_app.errors import ConfigError
from ari_app.flow.situations import SITUATIONS, SayStep, ScriptStep, Situation, WaitStep
from ari_app.live import checked
from ari_app.media.prompts import Prompts
from ari_app.site import Site

app = typer.Typer(no_args_is_help=True, help="Situations and their scripts: list, show.")

Lang = Annotated[str, typer.Option("--lang", help="zh-CN or en; left out: the hotline's.")]

_EN: Final = {
    "who": "who",
    "machine": "the machine",
    "agent": "an agent",
    "supervisor": "a supervisor",
    "when": "when",
    "trigger": "starts by itself",
    "allowed": "may run",
    "in-flow": "in a flow",
    "voicemail": "in a voicemail",
    "talking": "during a talk",
    "life": "ends at once by",
    "key": "a key",
    "speech": "speech",
    "clear": "a line that is good again",
    "never": "nothing",
    "steps": "the machine",
    "nodes": "done by the nodes",
    "hints": "hints",
    "cards": "an agent may say",
    "wait": "waits {} s",
    "hang-up": "hangs up",
    "next": "goes on in the flow",
    "after": "{}: after {:g} s of talk",
}
_ZH: Final = {
    "who": "谁来做",
    "machine": "机器",
    "agent": "坐席",
    "supervisor": "主管",
    "when": "什么时候",
    "trigger": "自动开始",
    "allowed": "可以用在",
    "in-flow": "流程里",
    "voicemail": "留言时",
    "talking": "通话时",
    "life": "出现就马上结束",
    "key": "按键",
    "speech": "说话",
    "clear": "线路恢复正常",
    "never": "无",
    "steps": "机器",
    "nodes": "由这些节点完成",
    "hints": "提示",
    "cards": "坐席可以说",
    "wait": "等 {} 秒",
    "hang-up": "挂机",
    "next": "回到流程",
    "after": "{}：通话 {:g} 秒以后",
}


@app.command("list")
def list_situations(lang: Lang = "") -> None:
    """Every situation: its name, who acts, what it is called."""
    site = common.site()
    language = _language(site, lang)
    words = _words(language)
    for name, each in _named(site).items():
        common.console.print(f"{name:<26}  {each.title.text(language)} ({_listed(each.who, words)})", markup=False)


@app.command()
def show(name: Annotated[str, typer.Argument(help="Its name, e.g. silent-line.")], lang: Lang = "") -> None:
    """One situation: when, what the machine says and waits for, what an agent may say."""
    site = common.site()
    named = _named(site)
    if name not in named:
        hint = nearest(name, named) or "`hotline situations list` names them all"
        raise ConfigError(f"no situation named {name!r}   {hint}")
    language = _language(site, lang)
    rows = Prompts.load(site.sounds).rows
    texts = {prompt: row.text for (prompt, spoken), row in rows.items() if spoken == language}
    for line in told(name, named[name], language, texts):
        common.console.print(line, markup=False)


@app.command()
def schema(
    write: Annotated[Path | None, typer.Option("--write", help="Write it here, beside situations.yaml.")] = None,
) -> None:
    """Print the JSON Schema of situations.yaml, for editors."""
    put_schema(schema_text(situation_schema()), write)


def told(name: str, each: Situation, language: str, texts: dict[str, str]) -> Iterator[str]:
    """A situation, a line a thing; `texts`: what prompts say."""
    words = _words(language)
    yield f"{name}: {each.title.text(language)}"
    yield f"  {words['who']}: {_listed(each.who, words)}"
    yield f"  {words['when']}: {each.when.text(language)}"
    if each.trigger is not None:
        yield f"  {words['trigger']}: {each.trigger}"
    if each.steps:
        yield f"  {words['allowed']}: {_listed(each.allowed, words)}"
        yield f"  {words['life']}: {_listed(each.life, words) or words['never']}"
        yield f"  {words['steps']}:"
        yield from (f"    {n}. {_step(step, words, texts)}" for n, step in enumerate(each.steps, 1))
    if each.nodes:
        yield f"  {words['nodes']}:"
        yield from (f"    {flow}.yaml: {', '.join(nodes)}" for flow, nodes in each.nodes.items())
    if each.hints_s is not None:
        yield f"  {words['hints']}:"
        yield from (f"    {words['after'].format(words[whom], seconds)}" for whom, seconds in each.hints_s)
    if each.cards is not None:
        yield f"  {words['cards']}:"
        yield from (f"    - {sentence}" for sentence in each.cards.sentences(language))


def _step(step: ScriptStep, words: dict[str, str], texts: dict[str, str]) -> str:
    match step:
        case SayStep(say=prompts):
            return " ".join(f"“{texts.get(prompt, prompt)}” ({prompt})" for prompt in prompts)
        case WaitStep(wait_s=seconds):
            return words["wait"].format(f"{seconds:g}")
        case _:
            return words[step]


def _listed(names: tuple[str, ...], words: dict[str, str]) -> str:
    return ("、" if words is _ZH else ", ").join(words[name] for name in names)


def _words(language: str) -> dict[str, str]:
    return _EN if language == "en" else _ZH


def _language(site: Site, lang: str) -> str:
    if lang not in ("", "zh-CN", "en"):
        raise typer.BadParameter(f"{lang!r}; there are zh-CN and en", param_hint="--lang")
    return lang or site.settings.language


def _named(site: Site) -> dict[str, Situation]:
    """Of the files as they are; ConfigError with all problems."""
    found = checked(site, Prompts.load(site.sounds), read_texts(site.flows)).situations.named
    if not found:
        raise ConfigError(f"no file {site.flows / f'{SITUATIONS}.yaml'}")
    return dict(found)
