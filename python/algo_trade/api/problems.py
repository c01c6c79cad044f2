"""Errors as problem documents (RFC 9457), and which status each of ours has."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

from algo_trade.errors import (
    AlgoTradeError,
    BotError,
    BotExistsError,
    BotRunsError,
    InputError,
    MailboxFullError,
    UnknownBotError,
)

if TYPE_CHECKING:
    from starlette.exceptions import HTTPException
    from starlette.requests import Request

# The first that fits counts.
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (UnknownBotError, 404),
    (BotExistsError, 409),
    (BotRunsError, 409),
    (MailboxFullError, 503),
    (BotError, 409),
    (InputError, 422),
    (AlgoTradeError, 500),
)


class OrjsonResponse(Response):
    """A JSON document."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:  # noqa: ANN401 -- whatever JSON has
        """Return the document as bytes."""
        return orjson.dumps(content)


class Problem(OrjsonResponse):
    """What went wrong: ``detail`` is for the person who reads it; ``more`` are fields of its own.

    Parameters
    ----------
    status : of the response
    detail : what is wrong, where, and what to do
    more : other fields
    """

    media_type = "application/problem+json"

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None, **more: Any) -> None:  # noqa: ANN401
        title = HTTPStatus(status).phrase
        document = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
        super().__init__(document, status, headers)


def problem_of(error: Exception) -> Problem:
    """Return an error of ours as a problem document."""
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    kind = type(error).__name__
    return Problem(status, str(error), error=kind)


async def on_error(_: Request, error: Exception) -> Response:
    """Answer with a problem document, when a resource raised an error of ours."""
    return problem_of(error)


async def on_http_error(_: Request, error: HTTPException) -> Response:
    """Answer with a problem document, where there is no such resource or method."""
    headers = dict(error.headers) if error.headers else None
    return Problem(error.status_code, error.detail, headers)
