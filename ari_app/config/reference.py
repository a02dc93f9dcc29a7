"""docs/config.md, made from the settings model: every key with its sentence, type, unit and default."""

from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ari_app.config import shapes
from ari_app.config.words import PATTERNS

_UNITS: Final = {"_s": "seconds", "_s_max": "seconds", "_mb": "MiB", "_days": "days"}
_BOUNDS: Final = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def keys_table(model: type[BaseModel]) -> str:
    """Markdown: one table a part, in the order of the model; `<name>` stands for a name of your own."""
    sections: list[str] = []
    _sections(model, "", sections)
    return "\n".join(sections)


def config_page(model: type[BaseModel]) -> str:
    """The whole page."""
    head = (
        "# config.yaml: every key\n\n"
        "Made from the settings model by `hotline config keys`; do not edit by hand. A key "
        "without a default must be written. Text needs quotes only where YAML would misread it (`*`, `#`, `: `).\n"
    )
    return f"{head}\n{keys_table(model)}"


def _sections(model: type[BaseModel], prefix: str, sections: list[str]) -> None:
    title = f"`{prefix.rstrip('.')}`" if prefix else "Top level"
    intro = " ".join((model.__doc__ or "").split())
    rows = [key_row(name, field) for name, field in shapes.fields(model).items()]
    sections.append(f"## {title}\n\n{intro}\n\n| key | meaning | type | default |\n|---|---|---|---|")
    sections[-1] += "".join(f"\n{row}" for row in rows) + "\n"
    for name, field in shapes.fields(model).items():
        inner = shapes.bare(field.annotation)
        if shapes.is_model(inner):
            _sections(inner, f"{prefix}{name}.", sections)
        elif shapes.is_model(entry := shapes.bare(shapes.child(inner, ""))):
            _sections(entry, f"{prefix}{name}.<{_entry_word(inner)}>.", sections)


def _entry_word(shape: shapes.Shape) -> str:
    pattern = _limits(get_args(shape)[0]).get("pattern", "")
    return {"^[0-9]{1,8}$": "work number", "^\\+?[0-9*#]{1,24}$": "number"}.get(pattern, "name")


def key_row(name: str, field: FieldInfo) -> str:
    """One row of a table of keys: key, meaning, type with its bounds, default."""
    kind = _words(shapes.child_of(field))
    unit = next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "")
    cells = (f"`{name}`", field.description or "", f"{kind}, {unit}" if unit else kind, _default(field))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is PydanticUndefined:
        return "*must be written*"
    if isinstance(default, BaseModel):
        return "see below"
    return f"`{_yaml(default)}`" if default is not None else "left out"


def _yaml(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return "{" + ", ".join(f"{_yaml(key)}: {_yaml(item)}" for key, item in value.items()) + "}"
        case tuple() | list():
            return "[" + ", ".join(_yaml(item) for item in value) + "]"
        case str() if not value or value[0] in "*#&" or value.isdigit():
            return f'"{value}"'
    return str(value)


def _words(shape: shapes.Shape) -> str:
    """A type in words: `number, at least 3, at most 120`."""
    inner, limits = shapes.bare(shape), _limits(shape)
    bounds = [f"{_BOUNDS[name]} {limits[name]:,.12g}" for name in _BOUNDS if name in limits]
    if options := shapes.literals(inner):
        return " / ".join(f"`{option}`" for option in options)
    if inner in (int, float):
        return ", ".join(["whole number" if inner is int else "number", *bounds])
    if inner is bool:
        return "true / false"
    if shapes.is_model(inner):
        return "keys below"
    if shapes.kind_of(inner) is dict:
        return f"{{{_words(get_args(inner)[0])}: {_words(get_args(inner)[1])}}}"
    if shapes.kind_of(inner) is list:
        return f"list of {_words(get_args(inner)[0])}"
    if pattern := limits.get("pattern"):
        return PATTERNS.get(pattern, "text").partition(" (")[0]
    return f"text, at most {limits['max_length']} characters" if "max_length" in limits else "text"


def _limits(shape: shapes.Shape) -> dict[str, Any]:
    """Bounds, lengths and patterns, from every Annotated and Field around the bare shape."""
    found: dict[str, Any] = {}
    for extra in shapes.extras(shape):
        metadata = extra.metadata if isinstance(extra, FieldInfo) else [extra]
        for item in metadata:
            for name in (*_BOUNDS, "pattern", "max_length"):
                if (value := getattr(item, name, None)) is not None:
                    found.setdefault(name, value)
    return found


if __name__ == "__main__":
    from ari_app.model.settings import Settings

    print(config_page(Settings), end="")
