"""Secrets and numbers in logs: a daemon at its most talkative says none of them."""

from pathlib import Path

import pytest
import structlog

from ari_app.model.facts import Connected
from ari_app.model.machine import Log
from ari_app.runtime.logging import configure
from tests.asterisk import RunningAsterisk
from tests.e2e.kit import running_hotline, talk
from tests.e2e.test_calls import to_queue


async def test_a_debug_log_holds_no_secret(exchange: RunningAsterisk, capfd: pytest.CaptureFixture[str]) -> None:
    configure(Log(format="json", level="debug"))
    try:
        async with running_hotline(exchange) as hotline:
            async with hotline.agent("8025") as agent, hotline.caller() as caller:
                first = await to_queue(caller)
                await hotline.wait(Connected)
                await talk(first, await agent.incoming(10))
                await first.hangup()
                await hotline.closed(by="caller")
            await hotline.at_rest()
    finally:
        structlog.reset_defaults()
    said = "".join(capfd.readouterr())
    said += Path(exchange.layout.full_log).read_text(errors="replace")
    said += Path(exchange.layout.console_log).read_text(errors="replace")
    assert "ready" in said
    secrets = exchange.secrets
    words = [secrets.ari_password, secrets.ami_password, secrets.api_token, *secrets.phones.values()]
    assert [word for word in words if word in said] == []
