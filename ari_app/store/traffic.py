"""How many callers took each way of a flow, from the store's rows of nodes entered."""

from collections.abc import Iterable
from contextlib import closing
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path

import orjson

from ari_app.flow.chart import Traffic
from ari_app.store import connect, queries

_SQL = queries.load("traffic")


def traffic(path: Path, flow: str, nodes: Iterable[str], day: date, zone: tzinfo) -> Traffic:
    """The callers whom `flow` answered on a local day; each counts once a node and once a way.

    A node of a subflow that has the name of one of `nodes` is taken for it: the store keeps names without their flow.
    """
    begin, end = (datetime(at.year, at.month, at.day, tzinfo=zone).timestamp() for at in (day, day + timedelta(days=1)))
    values = {"flow": flow, "begin": begin, "end": end, "nodes": orjson.dumps(list(nodes)).decode()}
    with closing(connect.reading(path)) as conn:
        calls, entered, ways, hung_up = (
            conn.execute(_SQL[name], values).fetchall() for name in ("calls", "entered", "ways", "hung_up")
        )
    return Traffic(
        calls[0]["callers"],
        {row["node"]: row["callers"] for row in entered},
        {(row["node"], row["onward"]): row["callers"] for row in ways},
        {row["node"]: row["callers"] for row in hung_up},
    )
