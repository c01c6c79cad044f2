"""The root of the command line: commands, exit codes, and errors in one line.

Exit code 0 is done, 1 failed, 2 wrong use. With ``--json`` standard output holds one document, or nothing on failure;
everything else goes to standard error.
"""

from __future__ import annotations

import sys

import typer

from algo_trade.cli import (
    alerts,
    backtest,
    bots,
    calibrate,
    config,
    data,
    doctor,
    replay,
    reproduce,
    strategies,
    venue,
    watchdog,
)
from algo_trade.cli import run as runs
from algo_trade.errors import AlgoTradeError, ConfigError, ParameterError

app = typer.Typer(
    name="algo-trade",
    help="Algorithmic trading for Hyperliquid: one deterministic system for backtest, paper and live.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("backtest")(backtest.command)
app.command("strategies")(strategies.command)
app.command("replay")(replay.command)
app.command("reproduce")(reproduce.command)
app.command("calibrate")(calibrate.command)
app.command("venue")(venue.command)
app.command("run")(runs.run)
app.command("server")(runs.server)
app.command("list-bots")(bots.list_bots)
app.command("start-bot")(bots.start_bot)
app.command("stop-bot")(bots.stop_bot)
app.command("pause-bot")(bots.pause_bot)
app.command("resume-bot")(bots.resume_bot)
app.command("bot-status")(bots.bot_status)
app.command("kill")(bots.kill)
app.command("watchdog")(watchdog.command)
app.command("doctor")(doctor.command)
app.add_typer(data.app)
app.add_typer(config.app)
app.add_typer(alerts.app)


@app.callback()
def root() -> None:
    """Algorithmic trading for Hyperliquid."""


INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 and the number of the signal."""


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run())


def run() -> int:
    """Run the command line; return the exit code."""
    try:
        # In its standalone mode typer words wrong use itself and ends with a code.
        app()
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            return _say("interrupted", INTERRUPTED)
        return ended.code if isinstance(ended.code, int) else 0
    except (ParameterError, ConfigError) as error:
        return _say(str(error), 2)
    except AlgoTradeError as error:
        return _say(str(error), 1)
    except OSError as error:
        return _say(f"{error.filename or 'a file'}: {error.strerror or error}", 1)
    return 0


def _say(message: str, code: int) -> int:
    print(f"algo-trade: {message}", file=sys.stderr)  # noqa: T201 -- this is where messages to people end
    return code
