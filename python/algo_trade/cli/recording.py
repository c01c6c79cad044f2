"""``algo-trade data record|download``: markets written down."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from algo_trade.cli.config import ConfigPath, Profile
from algo_trade.cli.extras import needed_by
from algo_trade.cli.output import print_json, say, show
from algo_trade.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from algo_trade.config.models import StorageConfig
    from algo_trade.hyperliquid import HyperliquidClient, HyperliquidConfig
    from algo_trade.recording import Fetched, RecordStatus
    from algo_trade.recording.recorder import Book, Recorder

Lake = Annotated[Path | None, typer.Argument(help="The folder of the lake; by default that of the configuration.")]
Symbols = Annotated[str | None, typer.Option("--symbols", help="Which symbols, such as BTC,ETH,HYPE/USDC.")]
All = Annotated[bool, typer.Option("--all", help="All perpetuals that are traded.")]
Network = Annotated[str | None, typer.Option(help="mainnet or testnet; by default that of the configuration.")]
Url = Annotated[str | None, typer.Option(help="Another address for questions, such as that of a local venue.")]
WsUrl = Annotated[str | None, typer.Option(help="Another address of the socket; without it, /ws below --url.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, at the end.")]

_SECOND_NS = 1_000_000_000
_DAY_NS = 86_400 * _SECOND_NS
_SAY_EVERY_S = 10.0


def record_command(
    lake: Lake = None,
    symbols: Symbols = None,
    every: All = False,  # noqa: FBT002
    kinds: Annotated[
        str, typer.Option(help="What to keep.", show_default=True)
    ] = "trades,book,quotes,contexts,funding,bars",
    interval: Annotated[str, typer.Option(help="Of the bars.")] = "1m",
    book: Annotated[
        str, typer.Option(help="full: 20 levels a side every few seconds; fast: 5 levels twice a second.")
    ] = "full",
    lasts: Annotated[str | None, typer.Option("--for", help="End after this time: 90s, 1h; else with Ctrl-C.")] = None,
    flush: Annotated[str, typer.Option(help="How often rows are made durable.")] = "1s",
    network: Network = None,
    url: Url = None,
    ws_url: WsUrl = None,
    json: Json = False,  # noqa: FBT002
    config: ConfigPath = None,
    profile: Profile = None,
) -> None:
    """Record markets into a lake, as the exchange tells them. Ctrl-C or SIGTERM ends it, and nothing that was heard is lost then.

    Example: algo-trade data record lake --symbols BTC,ETH --for 1h
    """
    from algo_trade.core.times import duration_ns  # noqa: PLC0415 -- no other command waits for it

    if book not in {"full", "fast"}:
        raise ParameterError(f"--book = {book!r}: must be full or fast")
    lasts_s = None if lasts is None else duration_ns(lasts) / _SECOND_NS
    flush_s = duration_ns(flush) / _SECOND_NS
    storage, exchange = _settings(lake, network, url, ws_url, config, profile)
    with needed_by("recording", "live,storage"):
        import uvloop  # noqa: PLC0415

        from algo_trade.hyperliquid import HyperliquidClient  # noqa: PLC0415
        from algo_trade.recording import Recorder, RecordSettings  # noqa: PLC0415
        from algo_trade.storage.tiers.storage import TieredStorage  # noqa: PLC0415
        from algo_trade.web import ends_by_signal  # noqa: PLC0415

    async def main() -> RecordStatus:
        stop = asyncio.Event()
        with ends_by_signal(stop), TieredStorage(storage.lake, storage.warm_url) as tiers:
            async with HyperliquidClient(exchange) as client:
                recorder = Recorder(
                    await _coins(client, symbols, every=every),
                    tiers,
                    kinds=_listed(kinds),
                    interval=interval,
                    book=cast("Book", book),
                    url=exchange.ws_url,
                    info=client.info,
                    settings=RecordSettings(flush_every_s=flush_s),
                    tell=lambda _kind, level, text: say(f"{level}: {text}"),
                )
                if lasts_s is not None:
                    asyncio.get_running_loop().call_later(lasts_s, stop.set)
                async with asyncio.TaskGroup() as tasks:
                    watching = tasks.create_task(_watch(recorder))
                    await recorder.run(stop)
                    watching.cancel()
            # So that whoever looks at the lake now finds it there.
            tomorrow_ns = time.time_ns() + _DAY_NS
            for problem in (await asyncio.to_thread(tiers.migrate, before=tomorrow_ns)).problems:
                say(f"warning: it stays in {storage.warm_url}: {problem}")
            return recorder.status()

    with _own_error(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        status = runner.run(main())
    if json:
        print_json({"lake": str(storage.lake), **status.as_json()})
        return
    for line in _summed(status):
        show(line)
    show(f"\nNext: algo-trade data list {storage.lake}")


def download_command(
    lake: Lake = None,
    symbols: Symbols = None,
    every: All = False,  # noqa: FBT002
    kinds: Annotated[str, typer.Option(help="What to ask for: bars, funding, contexts.")] = "bars,funding",
    interval: Annotated[str, typer.Option(help="Of the bars.")] = "1m",
    start: Annotated[
        str | None, typer.Option("--from", help="From this time on, UTC; by default as far as bars go back.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Before this time, UTC; by default now.")] = None,
    network: Network = None,
    url: Url = None,
    json: Json = False,  # noqa: FBT002
    config: ConfigPath = None,
    profile: Profile = None,
) -> None:
    """Fetch bars and funding rates of the past into a lake, as far as the exchange has them: 5,000 bars of each interval, all funding.

    What is there already is not asked for again: after an interruption, run it once more.

    Example: algo-trade data download lake --symbols BTC,ETH --interval 1h --from 2026-03-01
    """
    from algo_trade.core.times import time_ns  # noqa: PLC0415 -- no other command waits for it

    storage, exchange = _settings(lake, network, url, None, config, profile)
    path = storage.lake
    with needed_by("downloading", "live,storage"):
        import uvloop  # noqa: PLC0415

        from algo_trade.hyperliquid import HyperliquidClient  # noqa: PLC0415
        from algo_trade.hyperliquid.stream.subscription import INTERVALS_NS  # noqa: PLC0415
        from algo_trade.recording import download  # noqa: PLC0415
        from algo_trade.storage.lake import ParquetStorage  # noqa: PLC0415
    wanted = _listed(kinds)
    unknown = [kind for kind in wanted if kind not in download.KINDS]
    if unknown:
        raise ParameterError(f"--kinds = {unknown[0]!r}: the exchange serves {', '.join(download.KINDS)}")
    if interval not in INTERVALS_NS:
        raise ParameterError(f"--interval = {interval!r}: must be one of {', '.join(INTERVALS_NS)}")
    now_ns = time.time_ns()
    end_ns = now_ns if end is None else time_ns(end)
    start_ns = end_ns - download.SERVED_BARS * INTERVALS_NS[interval] if start is None else time_ns(start)
    if start_ns >= end_ns:
        raise ParameterError(f"--from = {start}: must lie before --to")

    async def main() -> list[Fetched]:
        found = []
        async with HyperliquidClient(exchange) as client:
            coins = await _coins(client, symbols, every=every)
            downloader = download.Downloader(
                client, ParquetStorage(path), watch=lambda kind, symbol, rows: say(f"{symbol}: {rows:,} rows of {kind}")
            )
            for symbol in coins.values():
                if "bars" in wanted:
                    found.append(await downloader.bars(symbol, interval, start_ns=start_ns, end_ns=end_ns))
                if "funding" in wanted:
                    found.append(await downloader.funding(symbol, start_ns=start_ns, end_ns=end_ns))
            if "contexts" in wanted:
                found.append(await downloader.contexts(list(coins.values())))
        return found

    with _own_error(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(main())
    if json:
        print_json({"lake": str(path), "fetched": [each.as_json() for each in found]})
        return
    for each in found:
        show(_told(each))
    show(f"\nNext: algo-trade data list {path}")


def _settings(
    lake: Path | None,
    network: str | None,
    url: str | None,
    ws_url: str | None,
    config: Path | None,
    profile: str | None,
) -> tuple[StorageConfig, HyperliquidConfig]:
    """Return the folder and the exchange: what the options say, and the configuration for the rest."""
    from algo_trade.config import ConfigLoader  # noqa: PLC0415
    from algo_trade.hyperliquid import HyperliquidConfig  # noqa: PLC0415

    found = ConfigLoader(config, profile=profile).load()
    exchange = found.hyperliquid
    if network is not None:
        exchange = HyperliquidConfig(network=cast("Literal['mainnet', 'testnet']", network), limits=exchange.limits)
    if url is not None or ws_url is not None:
        api_url = exchange.api_url if url is None else url.rstrip("/")
        below = f"ws{api_url.removeprefix('http')}/ws" if url is not None else exchange.ws_url
        exchange = replace(exchange, api_url=api_url, ws_url=ws_url or below)
    storage = found.storage if lake is None else found.storage.model_copy(update={"lake": lake})
    return storage, exchange


async def _coins(client: HyperliquidClient, symbols: str | None, *, every: bool) -> dict[str, str]:
    """Return our symbol for each of the exchange's names that is meant."""
    if every == (symbols is not None):
        raise ParameterError("name symbols with --symbols BTC,ETH, or take all perpetuals with --all")
    if every:
        await client.load_instruments()
        listed = client.instruments.all()
        return {each.coin: each.symbol for each in listed if each.kind == "perp" and not each.is_delisted}
    found = [await client.instrument(name) for name in _listed(symbols or "")]
    return {each.coin: each.symbol for each in found}


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


async def _watch(recorder: Recorder) -> None:
    """Say now and then how it goes: on a terminal each second, in one line."""
    is_terminal = sys.stderr.isatty()
    every_s = 1.0 if is_terminal else _SAY_EVERY_S
    before = recorder.status().messages
    while True:
        await asyncio.sleep(every_s)
        status = recorder.status()
        live = sum(stream.state == "live" for stream in recorder.streams())
        rate, before = (status.messages - before) / every_s, status.messages
        text = (
            f"{rate:,.0f} messages/s, {status.rows:,} rows, {live} of {len(recorder.streams())} streams live, "
            f"{sum(status.gaps.values()):,} gaps, {status.lag_s:.1f} s not durable"
        )
        if is_terminal:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        else:
            say(text)


def _summed(status: RecordStatus) -> list[str]:
    lines = [f"recorded {status.rows:,} ticks, {status.bars:,} bars, {status.funding:,} funding rates"]
    lines.append(f"heard    {status.messages:,} messages, {status.bytes / 2**20:,.1f} MiB")
    for count, words in (
        (status.repaired, "prints that were missed, and fetched"),
        (status.refused, "rows that no market can have, left out"),
        (status.malformed, "messages that contradict the protocol, left out"),
        (status.not_kept, "messages for which there was no room: not kept"),
    ):
        if count:
            lines.append(f"         {count:,} {words}")
    lines += [f"missing  {count:,} times {kind}: see the kind `gaps`" for kind, count in status.gaps.items()]
    return lines


def _told(each: Fetched) -> str:
    text = f"{each.symbol}: {each.kind}: {each.rows:,} rows written, {each.present:,} were there"
    if each.missing:
        text += f", {each.missing:,} the exchange does not have"
        if each.served_from_ns is not None:
            since = time.strftime("%Y-%m-%d %H:%M", time.gmtime(each.served_from_ns / _SECOND_NS))
            text += f": it serves nothing before {since} UTC"
    return text


@contextmanager
def _own_error() -> Iterator[None]:
    """Raise the one error that a group of tasks holds in the place of the group."""
    try:
        yield
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        raise error from None
