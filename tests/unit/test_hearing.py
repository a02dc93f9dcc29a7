"""What the analyser says, read from its pipe."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from ari_app.ami.link import AmiLink
from ari_app.hearing import Hearing
from ari_app.model.events import LineJudged
from ari_app.model.line import Rules


async def test_an_analyser_killed_in_the_middle_of_a_line_costs_that_line_only() -> None:
    told: list[Any] = []
    hearing = Hearing(cast(AmiLink, None), Rules(), Path("/a"), Path("/a"), told.append)
    pipe = asyncio.StreamReader()
    pipe.feed_data(b'{"line":"7-1.h1","verdict":"quiet","speech_dbfs":-45.0,"noise_dbfs":-70.0}\n{"line":"7-1.h1","ver')
    pipe.feed_eof()
    await hearing._reports(cast(Any, SimpleNamespace(stdout=pipe)))
    assert told == [LineJudged("7-1.h1", "quiet", -45.0, -70.0, None)]  # type: ignore[arg-type]
