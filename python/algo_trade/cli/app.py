"""The root of the command line: commands, exit codes, and errors in one line.

Exit code 0 is done, 1 failed, 2 wrong use. With ``--json`` standard output holds one document, or nothing on failure;
everything else goes to standard error.
"""

from __future__ import annotations

import os
import sys

import click
import typer

from algo_trade.cli import backtest, doctor, replay, reproduce, strategies
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
app.command("doctor")(doctor.command)


@app.callback()
def root() -> None:
    """Algorithmic trading for Hyperliquid."""


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run())


def run() -> int:
    """Run the command line; return the exit code."""
    try:
        # Outside its standalone mode an early exit comes back as the value.
        code = app(standalone_mode=False)
    except click.ClickException as error:
        error.show(sys.stderr)
        return 2
    except (KeyboardInterrupt, click.Abort):
        return _say("interrupted", 130)
    except (ParameterError, ConfigError) as error:
        return _say(str(error), 2)
    except AlgoTradeError as error:
        return _say(str(error), 1)
    except BrokenPipeError:
        # The reader has gone: what is still buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _say(f"{error.filename or 'a file'}: {error.strerror or error}", 1)
    return code if isinstance(code, int) else 0


def _say(message: str, code: int) -> int:
    print(f"algo-trade: {message}", file=sys.stderr)  # noqa: T201 -- this is where messages to people end
    return code
