"""The way to the exchange over HTTP: a request goes out, and either an answer comes, or it is known what may have become of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import aiohttp

# The largest known answer, the contexts of all perpetuals, has 180 kB; pages of fills have less than 2 MB.
BODY_BYTES_MAX = 64 << 20


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TransportError(Exception):
    """No answer came."""


class RequestNotSent(TransportError):  # noqa: N818 -- says what is known
    """The request surely was not executed: there was no connection to send it on."""


class AnswerLost(TransportError):  # noqa: N818 -- says what is known
    """The request may have been executed."""


class Transport(Protocol):
    """Posts a body, and waits for the answer."""

    async def post(self, path: str, body: bytes, *, timeout_s: float) -> Reply:
        """Post JSON to ``/info`` or ``/exchange``, once.

        Raises
        ------
        RequestNotSent, AnswerLost
            Nothing else is raised for what happens on the way.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class HttpTransport:
    """A pool of kept-alive connections (``aiohttp``). It sends each request once: whoever wants it twice has to say so."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def post(self, path: str, body: bytes, *, timeout_s: float) -> Reply:
        """Post JSON once; see :class:`Transport`."""
        import aiohttp  # noqa: PLC0415 -- of the extra `live`

        session = self._session
        if session is None:
            # How many there may be, the queue before it decides: a request that waited here could be passed by no cancel.
            # No cookies, no proxies of the environment, no redirects: a signed body goes to the address that was configured.
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
            session = self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Content-Type": "application/json"},
                trust_env=False,
            )
        # Half of the time is for a connection: what is over by then was not sent.
        timeout = aiohttp.ClientTimeout(total=timeout_s, connect=timeout_s / 2)
        try:
            async with session.post(
                f"{self._url}{path}", data=body, allow_redirects=False, timeout=timeout
            ) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Reply(response.status, headers, await _body(response))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise RequestNotSent(f"{self._url}{path}: no connection: {error}") from error
        except TimeoutError as error:
            raise AnswerLost(f"{self._url}{path}: no answer within {timeout_s} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise AnswerLost(f"{self._url}{path}: {type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _body(response: aiohttp.ClientResponse) -> bytes:
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise ValueError(f"an answer of more than {BODY_BYTES_MAX} bytes")
        parts.append(part)
    return b"".join(parts)
