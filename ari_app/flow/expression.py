"""Conditions and values of a flow: `balance < 0 and vip`. Pure; names, comparisons and arithmetic, nothing else.

simpleeval with no functions and no attributes; names are checked when the flow is loaded. Texts compare with texts:
what a caller typed is text; `number(typed)` makes it one.
"""

import ast
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from simpleeval import InvalidExpression, SimpleEval

Value = str | int | float | bool
LENGTH_MAX: Final = 200
PARSED_MAX: Final = 1024  # Expressions kept parsed: parsing costs ten times what working out does.

_ALLOWED: Final = (
    ast.Expression,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.UnaryOp,
    ast.Not,
    ast.USub,
    ast.BinOp,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.Mod,
    ast.Compare,
    ast.Eq,
    ast.NotEq,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
    ast.In,
    ast.NotIn,
    ast.Constant,
    ast.Name,
    ast.Load,
    ast.Tuple,
    ast.List,
    ast.Call,
)


_AT_REST: Final[list[SimpleEval]] = []
"""Evaluators nobody uses now, one a thread at most: to make one takes longer than to work most expressions out."""


class BadExpression(ValueError):
    """The text is no expression we allow, or it cannot be worked out; says why."""


@lru_cache(maxsize=PARSED_MAX)
def names_in(text: str) -> frozenset[str]:
    """The variables an expression reads. BadExpression when it is not one."""
    nodes = list(ast.walk(_parsed(text)))
    called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return frozenset(node.id for node in nodes if isinstance(node, ast.Name)) - called


def evaluate(text: str, values: Mapping[str, Value]) -> Value:
    """Work it out. BadExpression, with the reason, when it cannot be: the flow then takes the branch of that case."""
    tree = _parsed(text)
    try:
        evaluator = _AT_REST.pop()
    except IndexError:
        evaluator = SimpleEval(functions={"number": _number})  # type: ignore[no-untyped-call]
    evaluator.names = dict(values)
    try:
        result = evaluator.eval(text, previously_parsed=tree.body)  # type: ignore[no-untyped-call]
    except (InvalidExpression, TypeError, ValueError, ArithmeticError) as error:
        raise BadExpression(f"{text!r}: {error}") from None
    finally:
        evaluator.names = {}
        _AT_REST.append(evaluator)
    if not isinstance(result, str | int | float | bool):
        raise BadExpression(f"{text!r} gives neither text, number nor yes or no")
    return result


def _number(value: Value) -> float:
    return float(value)


@lru_cache(maxsize=PARSED_MAX)
def _parsed(text: str) -> ast.Expression:
    """The tree is shared by all who ask: only to be read."""
    if len(text) > LENGTH_MAX:
        raise BadExpression(f"longer than {LENGTH_MAX} characters")
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadExpression(f"{text!r} is no expression: {getattr(error, 'msg', error)}") from None
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            raise BadExpression(f"{text!r}: {type(node).__name__} is not allowed here")
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id == "number"):
            raise BadExpression(f"{text!r}: the only function is number(…)")
    return tree
