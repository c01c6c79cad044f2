"""``algo-trade venue``."""

from __future__ import annotations

import os
import secrets
import signal
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from algo_trade.cli.extras import needed_by
from algo_trade.cli.output import print_json, say, show_now
from algo_trade.cli.sources import DATA_HELP, tick_files
from algo_trade.errors import ConfigError, CredentialError

if TYPE_CHECKING:
    from algo_trade.web import Address

TOKEN_CHARACTERS_MIN = 16


def command(
    port: Annotated[int, typer.Option(help="Where to listen on 127.0.0.1; 0 is any free port.")] = 3001,
    data: Annotated[
        list[str] | None,
        typer.Option("--data", help=f"A lake of ticks, or a table of one, that makes the market, {DATA_HELP}"),
    ] = None,
    synthetic: Annotated[  # noqa: FBT002
        bool, typer.Option("--synthetic", help="A market that is made up from the seed. This is the default.")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random.  [default: 0]")] = None,
    faucet: Annotated[
        str | None, typer.Option(help="What an address gets when it first appears; 0 for nothing.  [default: 100000]")
    ] = None,
    speed: Annotated[float, typer.Option(help="Seconds of the venue in a second.")] = 1,
    symbols: Annotated[int | None, typer.Option(help="Perpetuals of a made-up market.  [default: 10]")] = None,
    block_ms: Annotated[int | None, typer.Option(help="Milliseconds between two blocks.  [default: 100]")] = None,
    options: Annotated[
        Path | None,
        typer.Option(help="More options as a JSON object: limits, listings, intervals. A flag wins over it."),
    ] = None,
    control_token_file: Annotated[
        Path | None,
        typer.Option(
            help="File with the token that opens /control; it is made if there is none. Only you may read it."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output, at the start.")] = False,  # noqa: FBT002
) -> None:
    """Run an exchange of your own, for testing and paper trading: it speaks Hyperliquid's protocol, and knows no real money.

    It listens on the loopback interface only, so nobody but this machine reaches it. Ctrl-C or SIGTERM ends it.

    Example: algo-trade venue --port 3001 --seed 7 --faucet 100000
    """
    made = machine_options(
        _read(options) if options else {},
        data=data or [],
        synthetic=synthetic,
        seed=seed,
        faucet=faucet,
        symbols=symbols,
        block_ms=block_ms,
    )
    with needed_by("the local venue", "server"):
        from algo_trade.venue.server import run  # noqa: PLC0415 -- an extra, and no other command waits for it
    token = control_token(control_token_file) if control_token_file else secrets.token_urlsafe(24)

    def announce(address: Address) -> None:
        if json:
            print_json({"url": address.url, "ws_url": address.ws_url})
        else:
            show_now(f"local venue at {address.url}, websocket {address.ws_url}, for testing and paper trading")
        if control_token_file:
            say(f"control token: in {control_token_file}")
        else:
            say(f"control token: {token}")
        say("Next: point a client at it; Ctrl-C ends it")

    ended_by = run(made, control_token=token, announce=announce, port=port, speed=speed)
    if ended_by == signal.SIGINT:
        raise KeyboardInterrupt


def machine_options(
    given: dict[str, Any],
    *,
    data: list[str],
    synthetic: bool,
    seed: int | None,
    faucet: str | None,
    symbols: int | None,
    block_ms: int | None,
) -> dict[str, Any]:
    """Put flags over the options of a file. The machine knows the defaults, and checks what comes out."""
    if data and synthetic:
        raise ConfigError("--data and --synthetic: the market is either recorded or made up; give one of them")
    made = dict(given)
    if data:
        made |= {"market": "recording", "data": tick_files(data)}
    elif synthetic:
        made = {name: value for name, value in made.items() if name != "data"} | {"market": "synthetic"}
    flags = {"seed": seed, "faucet": faucet, "symbols": symbols}
    made |= {name: value for name, value in flags.items() if value is not None}
    if block_ms is not None:
        local = made.get("local", {})
        if not isinstance(local, dict):
            raise ConfigError(f"local = {local!r}: must be an object, such as {{'block_ms': 100}}")
        made["local"] = local | {"block_ms": block_ms}
    return made


def control_token(path: Path) -> str:
    """Read the token of a file, or make both; refuse a file that others can read or write, as for private keys."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24) + "\n")
    # A pipe would block the open; it is refused below.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise CredentialError(f"{path}: not a regular file")
        if status.st_mode & 0o077:
            raise CredentialError(
                f"{path}: mode {stat.S_IMODE(status.st_mode):04o}: others can get at it: chmod 600 {path}"
            )
        text = file.read(4_096)
    try:
        token = text.decode("ascii").strip()
    except UnicodeDecodeError:
        token = ""
    if len(token) < TOKEN_CHARACTERS_MIN or len(token.split()) != 1:
        raise CredentialError(
            f"{path}: must hold one word of at least {TOKEN_CHARACTERS_MIN} characters and nothing else; "
            "remove the file, and a good one is made"
        )
    return token


def _read(path: Path) -> dict[str, Any]:
    try:
        given = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}: {error.msg}: must be a JSON object of options") from error
    if not isinstance(given, dict):
        raise ConfigError(f'{path}: must be a JSON object of options, such as {{"limits": {{"connections": 100}}}}')
    return given
