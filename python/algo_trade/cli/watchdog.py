"""``algo-trade watchdog``."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import typer

from algo_trade.cli.config import ConfigPath, Profile
from algo_trade.cli.extras import needed_by
from algo_trade.cli.output import say, show_now
from algo_trade.cli.run import key_of_environment
from algo_trade.errors import CredentialError


def command(
    config: ConfigPath = None,
    profile: Profile = None,
    after: Annotated[
        float, typer.Option(help="Seconds of silence after which a runner is dead.", min=2, max=3600)
    ] = 10,
) -> None:
    """Cancel the orders of the runner on this machine, should it die. It runs beside it, with an API wallet of its own.

    Its key is in HYPERLIQUID_WATCHDOG_KEY, or in the file that HYPERLIQUID_WATCHDOG_KEY_FILE names: approve a second API wallet for it.

    Example: algo-trade watchdog --config config/Config.toml --after 10
    """
    with needed_by("the watchdog", "live,server,storage"):
        from algo_trade.bots.watchdog import Watchdog  # noqa: PLC0415 -- an extra, and no other command waits for it
        from algo_trade.config import ConfigLoader  # noqa: PLC0415
        from algo_trade.web import ends_by_signal  # noqa: PLC0415

    found = ConfigLoader(config, profile=profile).load()
    key = key_of_environment("HYPERLIQUID_WATCHDOG_KEY")
    if key is None:
        raise CredentialError("HYPERLIQUID_WATCHDOG_KEY is not set: the watchdog signs with an API wallet of its own")
    watchdog = Watchdog(found.hyperliquid, key, found.storage.state_dir, after_s=after, tell=say)

    async def main() -> bool:
        stop = asyncio.Event()
        with ends_by_signal(stop) as came:
            show_now(f"watches {found.storage.state_dir}/heartbeat.json; Ctrl-C ends it")
            await watchdog.run(stop)
        return signal.SIGINT in came

    if asyncio.run(main()):
        raise KeyboardInterrupt
