"""``algo-trade run`` and ``algo-trade server``."""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
import resource
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from algo_trade.cli.config import ConfigPath, Profile
from algo_trade.cli.extras import needed_by
from algo_trade.cli.output import print_json, say, show_now
from algo_trade.errors import ConfigError

if TYPE_CHECKING:
    from algo_trade._native import SigningKey
    from algo_trade.config import AppConfig, ConfigLoader

KEY_VARIABLE = "HYPERLIQUID_PRIVATE_KEY"
_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[?[0-9A-Fa-f]*:[0-9A-Fa-f:.]*\]?")
_PR_SET_DUMPABLE = 4

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, at the start.")]


def run(config: ConfigPath = None, profile: Profile = None, json: Json = False) -> None:  # noqa: FBT002
    """Run the bots of the configuration, and the API that steers them. Ctrl-C or SIGTERM stops them, as each is configured.

    Bots with mode = "live" need the key of an API wallet: in HYPERLIQUID_PRIVATE_KEY, or in the file that HYPERLIQUID_PRIVATE_KEY_FILE
    names.

    Example: algo-trade run --config config/Config.toml
    """
    from algo_trade.config import ConfigLoader  # noqa: PLC0415 -- no other command waits for it

    loader = ConfigLoader(config, profile=profile)
    _serve(loader, loader.load(), json=json, starts=True)


def server(
    addr: Annotated[str | None, typer.Option(help="Where to listen: HOST:PORT, a loopback address.")] = None,
    config: ConfigPath = None,
    profile: Profile = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Run the API that steers bots; no bot is started by itself.

    Example: algo-trade server --addr 127.0.0.1:8080
    """
    from algo_trade.config import ConfigLoader  # noqa: PLC0415

    overrides = {} if addr is None else {"server": address_of(addr)}
    loader = ConfigLoader(config, profile=profile, overrides=overrides)
    _serve(loader, loader.load(), json=json, starts=False)


def address_of(addr: str) -> dict[str, str | int]:
    """Return the host and the port of an address."""
    host, _, port = addr.rpartition(":")
    if not _HOST.fullmatch(host) or not port.isdecimal() or int(port) > 65_535:
        raise ConfigError(f"--addr {addr}: must be HOST:PORT, such as 127.0.0.1:8080")
    return {"host": host.strip("[]"), "port": int(port)}


def keep_out() -> None:
    """Let nobody see into this process, which holds a key: no crash dump, and no other process of the same user."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def key_of_environment(variable: str = KEY_VARIABLE) -> SigningKey | None:
    """Return the key that the environment holds, or of which it names the file with ``…_FILE``, if it does.

    From then on nobody sees into this process.
    """
    keep_out()
    from algo_trade.hyperliquid import key_from_env, key_from_file  # noqa: PLC0415

    if path := os.environ.get(f"{variable}_FILE"):
        return key_from_file(Path(path))
    return key_from_env(variable) if variable in os.environ else None


SETTLED_S = 30
"""By then, what is started at the beginning has been started."""


def _serve(loader: ConfigLoader, config: AppConfig, *, json: bool, starts: bool) -> None:
    with needed_by("running bots", "live,server,storage"):
        import uvloop  # noqa: PLC0415

        from algo_trade.api import ApiServer  # noqa: PLC0415
        from algo_trade.bots import Runner  # noqa: PLC0415
        from algo_trade.bots.pauses import settle  # noqa: PLC0415
        from algo_trade.bots.reload import follow  # noqa: PLC0415
        from algo_trade.config import ConfigWatcher  # noqa: PLC0415
        from algo_trade.web import ends_by_signal  # noqa: PLC0415
    key = key_of_environment()

    async def main() -> signal.Signals | None:
        stop = asyncio.Event()
        with ends_by_signal(stop) as came:
            async with Runner(config, key) as runner:
                api = ApiServer(runner, config.server)
                try:
                    if json:
                        print_json({"url": api.address.url, "ws_url": api.address.ws_url})
                    else:
                        show_now(f"API at {api.address.url}, websocket {api.address.ws_url}")
                        say("Next: algo-trade list-bots; Ctrl-C ends it")
                    if starts:
                        await runner.start_enabled()
                    asyncio.get_running_loop().call_later(SETTLED_S, settle)
                    async with asyncio.TaskGroup() as tasks:
                        tasks.create_task(follow(runner, ConfigWatcher(loader, config), stop))
                        await api.serve(stop)
                        stop.set()
                finally:
                    api.close()
        return came[0] if came else None

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        if loop.run(main()) == signal.SIGINT:
            raise KeyboardInterrupt
