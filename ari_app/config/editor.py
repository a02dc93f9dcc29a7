"""The JSON Schemas of flow files and of situations.yaml, for editors: what may be written, a sentence for each key.

It accepts what the loader accepts: scalars are text there, so numbers may be quoted, yes and no are true and false, and
what looks like a number to an editor (a telephone key, a name of digits) may stand where text belongs.
"""

import json
from typing import Any, Final, get_args

from ari_app.flow.model import Flow
from ari_app.flow.nodes import Node
from ari_app.flow.situations import SituationFile

FILE: Final = "schema.json"
SITUATIONS_FILE: Final = "situations.schema.json"
MODELINE: Final = "# yaml-language-server: $schema="

_DIALECT: Final = "http://json-schema.org/draft-07/schema#"  # The newest that yaml-language-server knows fully.
_NUMBER: Final = r"^[+-]?[0-9]{1,18}(\.[0-9]{1,18})?$"

Schema = dict[str, Any]


def flow_schema() -> Schema:
    """The schema as JSON's own types."""
    raw = Flow.model_json_schema(mode="validation")
    parts: Schema = {name: _polished(part) for name, part in raw.pop("$defs").items()}
    whole = _polished(raw)
    nodes = whole["properties"]["nodes"]
    nodes["patternProperties"] = {name: {"$ref": "#/definitions/Node"} for name in nodes["patternProperties"]}
    branches = {_type(branch): branch for branch in get_args(Node)}
    for name, branch in branches.items():
        parts[branch.__name__]["properties"]["type"] = {"const": name, "description": _sentence(branch)}
    head = {"$schema": _DIALECT, "title": "A flow of the hotline"}
    return {**head, **whole, "definitions": {"Node": _node(branches), **parts}}


def situation_schema() -> Schema:
    """The same of situations.yaml."""
    raw = SituationFile.model_json_schema(mode="validation")
    parts: Schema = {name: _polished(part) for name, part in raw.pop("$defs").items()}
    return {"$schema": _DIALECT, "title": "Situations of the hotline", **_polished(raw), "definitions": parts}


def schema_text(schema: Schema) -> str:
    """A file `ivr_flows/*schema.json`."""
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"


def _type(branch: Any) -> str:
    return str(get_args(branch.model_fields["type"].annotation)[0])


def _sentence(branch: Any) -> str:
    return " ".join((branch.__doc__ or "").split())


def _node(branches: dict[str, Any]) -> Schema:
    """A node by its type: if … then …, which editors follow better than a choice of seventeen shapes."""
    kinds: Schema = {
        "enum": list(branches),
        "description": "What the node does.",
        "markdownEnumDescriptions": [_sentence(branch) for branch in branches.values()],
    }
    chosen = [
        {
            "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
            "then": {"$ref": f"#/definitions/{branch.__name__}"},
        }
        for name, branch in branches.items()
    ]
    return {"type": "object", "required": ["type"], "properties": {"type": kinds}, "allOf": chosen}


def _polished(schema: Any) -> Any:
    """Without what pydantic adds for itself, null never being accepted, and scalars as generous as the loader's."""
    if isinstance(schema, list):
        return [_polished(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: value for key, value in schema.items() if key != "discriminator"}
    if isinstance(found.get("title"), str):
        del found["title"]  # A key is its own title.
    if "anyOf" in found:
        branches = [branch for branch in found.pop("anyOf") if branch != {"type": "null"}]
        found = {**branches[0], **found} if len(branches) == 1 else {**found, "anyOf": _polished(branches)}
    if found.get("default", "") is None:
        del found["default"]
    if "$ref" in found:
        named = {"$ref": found["$ref"].replace("#/$defs/", "#/definitions/")}
        note = found.get("description")  # Beside a $ref it would not be read.
        return {"allOf": [named], "description": note} if note else named
    if "properties" in found:
        found["properties"] = {name: _polished(value) for name, value in found["properties"].items()}
    if "patternProperties" in found:
        found["patternProperties"] = {name: _polished(value) for name, value in found["patternProperties"].items()}
        found["additionalProperties"] = False
    if "items" in found:
        found["items"] = _polished(found["items"])
    return _generous(found)


def _generous(schema: Schema) -> Schema:
    """A scalar with all the ways it may be written; bounds hold for numbers, patterns for texts."""
    match schema:
        case {"type": "integer" | "number" as kind}:
            return {**schema, "type": [kind, "string"], "pattern": _NUMBER}
        case {"type": "boolean"}:
            rest = {key: value for key, value in schema.items() if key != "type"}
            return {**rest, "enum": [True, False, "true", "false", "yes", "no"]}
        case {"type": "string", "enum": _} | {"const": _}:
            return {key: value for key, value in schema.items() if key != "type"}
        case {"type": "string", "pattern": "^[0-9*#]$"}:
            return {**schema, "type": ["string", "integer"], "minimum": 0, "maximum": 9}
        case {"type": "string"} if "pattern" not in schema:
            return {**schema, "type": ["string", "number", "boolean"]}
    return schema
