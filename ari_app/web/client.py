"""The CLI's way to the running daemon: small, synchronous, on the same API anyone may use (docs/api.md).

http.client rather than urllib's opener: no proxy from the environment and no redirect may ever see the token.
"""

import http.client
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from ari_app.errors import HotlineError

TIMEOUT_S: Final = 10.0
ANSWER_MAX: Final = 64 * 1024 * 1024  # Bytes of an answer.


class Api:
    """`base_url` such as http://127.0.0.1:8480; HotlineError says what went wrong and a cure."""

    def __init__(self, base_url: str, token: str, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(base_url)
        if parts.scheme != "http" or not parts.hostname:
            raise HotlineError(f"not an address of the daemon: {base_url!r}\nuse http://127.0.0.1:8480")
        self._host, self._port = parts.hostname, parts.port or 80
        self._url, self._token, self._timeout_s = base_url.rstrip("/"), token, timeout_s

    def get(self, path: str) -> Any:
        """The JSON at `path` (/api/queues)."""
        return self._request("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Post to `path` (/api/agents/8025/ready); HotlineError with the reason when the wish is refused."""
        return self._request("POST", path, json.dumps(body or {}).encode())

    def ask(self, agent: str, wish: str, **body: str) -> str:
        """An agent's wish (`value`, `phone` by keyword); the daemon's message."""
        answer = self.post(f"/api/agents/{quote(agent, safe='')}/{quote(wish, safe='')}", body)
        return str(answer["message"])

    def _request(self, method: str, path: str, body: bytes | None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json", "Connection": "close"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return _read(response.status, response.read(ANSWER_MAX), self._url)
        except TimeoutError:
            raise HotlineError(
                f"the daemon at {self._url} does not answer within {self._timeout_s:g} s\n"
                "is it overloaded or stopped by a debugger? Look at its log"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            raise HotlineError(
                f"no daemon answers at {self._url} ({_reason(error)})\n"
                "start it with `hotline run`, or set web.listen and web.port in config.yaml to where it listens"
            ) from None
        finally:
            connection.close()


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _read(status: int, raw: bytes, url: str) -> Any:
    try:
        body = json.loads(raw)
    except ValueError:
        raise HotlineError(
            f"{url} answered {status} but not as a hotline does\nset web.port in config.yaml to the daemon's port"
        ) from None
    if status == 401:
        raise HotlineError(f"the daemon at {url} refuses our token\nis it another hotline's? Start it from this folder")
    if status >= 400 and isinstance(body, dict) and "error" in body:
        raise HotlineError(f"{body['error']}\n{body.get('cure', '')}".rstrip())
    return body
