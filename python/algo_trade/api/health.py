"""``/health``, ``/ready`` and ``/metrics``: for whoever watches over the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from algo_trade._native import __version__
from algo_trade.api.problems import OrjsonResponse

if TYPE_CHECKING:
    from starlette.requests import Request

    from algo_trade.bots import Runner


def routes(runner: Runner) -> list[Route]:
    """Return the routes of health."""

    async def health(_: Request) -> Response:
        return OrjsonResponse({"status": "ok", "version": __version__, "uptime_s": round(runner.uptime_s, 3)})

    async def ready(_: Request) -> Response:
        reasons = runner.unready()
        return OrjsonResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    async def metrics(_: Request) -> Response:
        body, kind = await runner.telemetry.metrics.render_in_steps()
        return Response(body, media_type=kind)

    return [
        Route("/health", health, methods=["GET"]),
        Route("/ready", ready, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
    ]
