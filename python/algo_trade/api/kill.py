"""``/api/kill``: the kill switch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from starlette.routing import Route

from algo_trade.api.problems import OrjsonResponse, Problem

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from algo_trade.bots import Runner


def routes(runner: Runner) -> list[Route]:
    """Return the route of the kill switch."""

    async def kill(request: Request) -> Response:
        body = await request.body()
        try:
            wish = orjson.loads(body) if body else {}
        except orjson.JSONDecodeError as error:
            return Problem(422, f'the body is not JSON: {error.msg}; nothing, or {{"flatten": true}}, will do')
        if not isinstance(wish, dict) or wish.keys() - {"flatten"} or not isinstance(wish.get("flatten", False), bool):
            return Problem(422, 'the body must be {"flatten": true} or {"flatten": false}')
        return OrjsonResponse(await runner.kill(flatten=wish.get("flatten", False)))

    return [Route("/api/kill", kill, methods=["POST"])]
