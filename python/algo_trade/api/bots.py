"""``/api/bots``: bots as a resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic import ValidationError
from starlette.responses import Response
from starlette.routing import Route

from algo_trade.api.problems import OrjsonResponse, Problem
from algo_trade.config import BotConfig
from algo_trade.config.show import plain

if TYPE_CHECKING:
    from starlette.requests import Request

    from algo_trade.bots import Runner

COMMANDS: Final = ("start", "stop", "pause", "resume")


def routes(runner: Runner) -> list[Route]:
    """Return the routes of bots."""
    bot = "/api/bots/{bot_id}"

    async def every(_: Request) -> Response:
        return OrjsonResponse([handle.status().document() for handle in runner.registry.all()])

    async def create(request: Request) -> Response:
        config = _config(await _document(request))
        if isinstance(config, Problem):
            return config
        handle = await runner.create(config)
        location = {"Location": f"/api/bots/{config.bot_id}"}
        return OrjsonResponse(handle.status().document(), 201, location)

    async def one(request: Request) -> Response:
        handle = runner.registry.find(request.path_params["bot_id"])
        document = handle.status().document()
        return OrjsonResponse({**document, "config": plain(handle.config)})

    async def replace(request: Request) -> Response:
        bot_id = request.path_params["bot_id"]
        document = await _document(request)
        if isinstance(document, dict):
            document = {"bot_id": bot_id, **document}
            if document["bot_id"] != bot_id:
                return Problem(422, f"bot_id = {document['bot_id']!r}: must be {bot_id!r}, as in the path")
        config = _config(document)
        if isinstance(config, Problem):
            return config
        return OrjsonResponse((await runner.replace(config)).document())

    async def remove(request: Request) -> Response:
        await runner.remove(request.path_params["bot_id"])
        return Response(status_code=204)

    def command(word: str) -> Route:
        async def told(request: Request) -> Response:
            takeover = request.query_params.get("takeover") == "true"
            status = await runner.command(request.path_params["bot_id"], word, takeover=takeover)
            return OrjsonResponse(status.document())

        return Route(f"{bot}/{word}", told, methods=["PUT"])

    return [
        Route("/api/bots", every, methods=["GET"]),
        Route("/api/bots", create, methods=["POST"]),
        Route(bot, one, methods=["GET"]),
        Route(bot, replace, methods=["PUT"]),
        Route(bot, remove, methods=["DELETE"]),
        *map(command, COMMANDS),
    ]


async def _document(request: Request) -> Any:  # noqa: ANN401 -- whatever was sent
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        return Problem(422, f"the body is not JSON: {error.msg} in line {error.lineno}")


def _config(document: Any) -> BotConfig | Problem:  # noqa: ANN401
    if isinstance(document, Problem):
        return document
    if not isinstance(document, dict):
        return Problem(422, "the body must be a JSON object: a BotConfig")
    try:
        return BotConfig.model_validate(document)
    except ValidationError as error:
        faults = [
            {"field": ".".join(map(str, each["loc"])) or "bot", "reason": each["msg"].removeprefix("Value error, ")}
            for each in error.errors()
        ]
        detail = "; ".join(f"{fault['field']}: {fault['reason']}" for fault in faults)
        return Problem(422, detail[:2_000], errors=faults[:100])
