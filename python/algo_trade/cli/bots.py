"""The commands that talk to a running server: ``list-bots``, ``start-bot`` and the like, ``kill``."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import orjson
import typer

from algo_trade.cli.config import ConfigPath, Profile
from algo_trade.cli.output import print_json, show
from algo_trade.cli.run import address_of
from algo_trade.errors import BotError, ParameterError, UnknownBotError

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER_S_MAX = 60

Addr = Annotated[
    str | None, typer.Option(help="Where the server listens: HOST:PORT.  [default: from the configuration]")
]
BotId = Annotated[str, typer.Argument(help="The bot's name.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def list_bots(addr: Addr = None, config: ConfigPath = None, profile: Profile = None, json: Json = False) -> None:  # noqa: FBT002
    """List all bots of a running server.

    Example: algo-trade list-bots
    """
    bots = ask("GET", "/api/bots", addr=addr, config=config, profile=profile)
    if json:
        print_json(bots)
        return
    for line in table(bots):
        show(line)
    if not bots:
        show("no bots: POST /api/bots makes one, or [[bots]] in the configuration")


def _show(bot_id: str, status: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(status)
    else:
        show(f"{bot_id}: {status['state']}" + (f" ({status['detail']})" if status["detail"] else ""))


def _command(word: str, says: str) -> Callable[..., None]:
    def command(
        bot_id: BotId,
        addr: Addr = None,
        config: ConfigPath = None,
        profile: Profile = None,
        json: Json = False,  # noqa: FBT002
    ) -> None:
        status = ask("PUT", f"/api/bots/{quote(bot_id, safe='')}/{word}", addr=addr, config=config, profile=profile)
        _show(bot_id, status, json=json)

    command.__doc__ = f"{says}\n\n    Example: algo-trade {word}-bot btc-crossover\n    "
    return command


def start_bot(
    bot_id: BotId,
    takeover: Annotated[  # noqa: FBT002
        bool, typer.Option("--takeover", help="Even if another runner has it, which may then act no more.")
    ] = False,
    addr: Addr = None,
    config: ConfigPath = None,
    profile: Profile = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Have a bot trade.

    Example: algo-trade start-bot btc-crossover
    """
    path = f"/api/bots/{quote(bot_id, safe='')}/start" + ("?takeover=true" if takeover else "")
    _show(bot_id, ask("PUT", path, addr=addr, config=config, profile=profile), json=json)


stop_bot = _command("stop", "Have a bot stop, with its orders and positions as it is configured.")
pause_bot = _command("pause", "Have a bot open nothing more.")
resume_bot = _command("resume", "Have a bot trade again after a pause.")


def bot_status(
    bot_id: BotId,
    addr: Addr = None,
    config: ConfigPath = None,
    profile: Profile = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Show how a bot is.

    Example: algo-trade bot-status btc-crossover
    """
    status = ask("GET", f"/api/bots/{quote(bot_id, safe='')}", addr=addr, config=config, profile=profile)
    if json:
        print_json(status)
        return
    for name in (
        "state",
        "detail",
        "error",
        "mode",
        "strategy",
        "equity",
        "pnl",
        "open_orders",
        "lag_ms",
        "last_heartbeat",
    ):
        if status[name] not in (None, ""):
            show(f"{name:15} {status[name]}")
    show(f"{'symbols':15} {', '.join(status['symbols'])}")
    for position in status["positions"]:
        show(f"{'position':15} {position['quantity']} {position['symbol']} at {position['entry_price']}")


def kill(
    flatten: Annotated[bool, typer.Option("--flatten", help="Close all positions, too.")] = False,  # noqa: FBT002
    addr: Addr = None,
    config: ConfigPath = None,
    profile: Profile = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Cancel every order of every bot, and leave all bots paused.

    Example: algo-trade kill --flatten
    """
    done = ask("POST", "/api/kill", {"flatten": flatten}, addr=addr, config=config, profile=profile)
    if json:
        print_json(done)
        return
    show(
        f"{done['cancelled']} orders cancelled, {len(done['bots'])} bots paused"
        + (", positions closed" if flatten else "")
    )
    if done["stuck"]:
        show(f"given up, since they did not answer: {', '.join(done['stuck'])}")
    if not done["quiet"]:
        show("not all is known to be gone yet: look at list-bots, and at the exchange")


def ask(
    method: str,
    path: str,
    body: object = None,
    *,
    addr: str | None,
    config: ConfigPath,
    profile: str | None,
) -> Any:  # noqa: ANN401 -- the resource's document
    """Ask a server something; what it refuses is raised in its words."""
    if addr is None:
        from algo_trade.config import ConfigLoader  # noqa: PLC0415

        at = ConfigLoader(config, profile=profile).load().server
        host, port = at.host, at.port
    else:
        place = address_of(addr)
        host, port = str(place["host"]), int(place["port"])
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_S_MAX)
    headers = {"Content-Type": "application/json"}
    try:
        connection.request(method, path, None if body is None else orjson.dumps(body), headers)
        response = connection.getresponse()
        text = response.read()
        document = orjson.loads(text) if text else None
    except OSError as error:
        raise BotError(
            f"{host}:{port}: no server answers there ({error.strerror or error}): algo-trade run starts one, --addr names another"
        ) from error
    except (http.client.HTTPException, ValueError) as error:
        raise BotError(f"{host}:{port}: what answers there is no server of algo-trade: --addr names another") from error
    finally:
        connection.close()
    if response.status >= 400:
        detail = document.get("detail", "") if isinstance(document, dict) else ""
        kind = {404: UnknownBotError, 422: ParameterError}.get(response.status, BotError)
        raise kind(detail or f"{method} {path}: {response.status} {response.reason}")
    return document


def table(bots: list[dict[str, Any]]) -> list[str]:
    """Return bots as lines of a table."""
    rows = [("bot", "state", "mode", "strategy", "symbols", "equity", "pnl", "orders", "positions")]
    for bot in bots:
        held = " ".join(f"{each['quantity']} {each['symbol']}" for each in bot["positions"])
        rows.append(
            (
                bot["bot_id"],
                bot["state"] + ("" if bot["is_live"] or bot["state"] != "running" else " (waits)"),
                bot["mode"],
                bot["strategy"],
                ",".join(bot["symbols"]),
                bot["equity"] or "-",
                bot["pnl"],
                str(bot["open_orders"]),
                held or "-",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return (
        ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        if bots
        else []
    )
