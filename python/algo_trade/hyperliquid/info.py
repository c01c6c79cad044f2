"""Questions to the exchange. They need no signature: all that it knows of any account is public."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from algo_trade.errors import DataError, ParameterError
from algo_trade.hyperliquid.settings import address_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from algo_trade.hyperliquid import records as r
    from algo_trade.hyperliquid.sender import Sender

_MILLI = 1_000_000
# From so many rows on, an answer may not be whole: the smallest of the caps that are documented.
_PAGE = 500


class Info:
    """Questions.

    Where an account is asked about, ``user`` is its address, the configured one by default; never that of an API wallet, which has
    no orders of its own. Times are nanoseconds since the epoch; ranges hold their start and not their end; lists are whole, however many
    pages that takes. ``dex`` names a list of perpetuals that somebody else runs.

    Whatever is asked may raise ``NotSentError`` (it was not answered), ``DataError`` (nor as it used to be) and ``RefusedError``.
    """

    def __init__(self, sender: Sender, *, caller: str = "main") -> None:
        self._sender = sender
        self._caller = caller

    def as_caller(self, caller: str) -> Info:
        """Return the same for a bot of this name: bots take turns."""
        return Info(self._sender, caller=caller)

    async def ask(self, kind: str, **fields: object) -> Any:  # noqa: ANN401 -- its shape is the question's
        """Ask any question; what is not known to us is returned as it comes."""
        return await self._sender.ask({"type": kind, **fields}, caller=self._caller)

    # --- markets ---

    async def meta(self, dex: str = "") -> dict[str, Any]:
        """Return the list of perpetuals; their place in it is their number."""
        return cast("dict[str, Any]", await self.ask("meta", dex=dex))

    async def spot_meta(self) -> dict[str, Any]:
        """Return all tokens and spot pairs."""
        return cast("dict[str, Any]", await self.ask("spotMeta"))

    async def meta_and_contexts(self, dex: str = "") -> dict[str, Any]:
        """Return the list of perpetuals, and as many ``contexts``: prices and statistics."""
        return cast("dict[str, Any]", await self.ask("metaAndAssetCtxs", dex=dex))

    async def spot_meta_and_contexts(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return all tokens and pairs, and contexts, each of which names its pair."""
        meta, contexts = await self.ask("spotMetaAndAssetCtxs")
        return meta, contexts

    async def perp_dexs(self) -> list[dict[str, Any] | None]:
        """Return who runs lists of perpetuals, by number; the first is the exchange itself, and None."""
        return cast("list[dict[str, Any] | None]", await self.ask("perpDexs"))

    async def all_mids(self, dex: str = "") -> dict[str, Decimal]:
        """Return the middle of each book, or its last price if it is empty."""
        return cast("dict[str, Decimal]", await self.ask("allMids", dex=dex))

    async def book(self, coin: str, *, figures: int | None = None, mantissa: int | None = None) -> r.Book | None:
        """Return up to 20 levels a side; ``figures`` (2 to 5) and ``mantissa`` (2 or 5, with 5 figures) merge them."""
        more = {} if mantissa is None else {"mantissa": mantissa}
        return cast("r.Book | None", await self.ask("l2Book", coin=coin, nSigFigs=figures, **more))

    async def recent_trades(self, coin: str) -> list[r.PublicTrade]:
        """Return the newest prints, newest first."""
        return cast("list[r.PublicTrade]", await self.ask("recentTrades", coin=coin))

    async def candles(self, coin: str, interval: str, *, start_ns: int, end_ns: int) -> list[r.Candle]:
        """Return bars; only the newest 5000 of an interval exist, and the last may be unfinished."""

        def question(first: int, last: int | None) -> dict[str, Any]:
            return {"req": {"coin": coin, "interval": interval, "startTime": first, "endTime": last}}

        return await self._pages("candleSnapshot", question, start_ns, end_ns, time="open_time")

    async def funding_history(self, coin: str, *, start_ns: int, end_ns: int | None = None) -> list[r.FundingRate]:
        """Return settled hourly rates. They bear times up to some milliseconds after the hour."""
        return await self._pages("fundingHistory", _ranged(coin=coin), start_ns, end_ns)

    async def predicted_fundings(self) -> list[Any]:
        """Return the next rates here and elsewhere, as they come."""
        return cast("list[Any]", await self.ask("predictedFundings"))

    async def exchange_status(self) -> r.ExchangeStatus:
        """Return the exchange's clock."""
        return cast("r.ExchangeStatus", await self.ask("exchangeStatus"))

    # --- accounts ---

    async def clearinghouse_state(self, user: str | None = None, *, dex: str = "") -> r.ClearinghouseState:
        """Return the perpetuals of an account: positions and margin."""
        return cast("r.ClearinghouseState", await self.ask("clearinghouseState", user=self._user(user), dex=dex))

    async def spot_state(self, user: str | None = None) -> r.SpotState:
        """Return the tokens of an account."""
        return cast("r.SpotState", await self.ask("spotClearinghouseState", user=self._user(user)))

    async def open_orders(self, user: str | None = None, *, dex: str = "") -> list[r.Order]:
        """Return what rests, with triggers and all (``frontendOpenOrders``: the plain list shows a stop as a limit order)."""
        return cast("list[r.Order]", await self.ask("frontendOpenOrders", user=self._user(user), dex=dex))

    async def plain_open_orders(self, user: str | None = None, *, dex: str = "") -> list[r.Order]:
        """Return what rests without its triggers (``openOrders``): compare with nothing that may hold a stop."""
        return cast("list[r.Order]", await self.ask("openOrders", user=self._user(user), dex=dex))

    async def order_status(self, order: int | str, user: str | None = None) -> r.OrderStatus:
        """Return the status of an order by its oid or cloid. Only some 2000 are remembered, and sizes are not kept up to date."""
        return cast("r.OrderStatus", await self.ask("orderStatus", user=self._user(user), oid=order))

    async def historical_orders(self, user: str | None = None) -> list[r.OrderNews]:
        """Return the newest status of each of the last orders. Of several with one time, an end wins."""
        rows = cast("list[r.OrderNews]", await self.ask("historicalOrders", user=self._user(user)))
        newest: dict[int, r.OrderNews] = {}
        for row in rows:
            oid = row["order"]["oid"]
            known = newest.get(oid)
            if known is None or _newness(row) > _newness(known):
                newest[oid] = row
        return list(newest.values())

    async def fills(self, user: str | None = None, *, is_aggregated: bool = False) -> list[r.Fill]:
        """Return the newest fills, up to 2000."""
        return cast("list[r.Fill]", await self.ask("userFills", user=self._user(user), aggregateByTime=is_aggregated))

    async def fills_by_time(self, user: str | None = None, *, start_ns: int, end_ns: int | None = None) -> list[r.Fill]:
        """Return all fills of a time, oldest first, each once."""
        return await self._pages("userFillsByTime", _ranged(user=self._user(user)), start_ns, end_ns)

    async def funding(
        self, user: str | None = None, *, start_ns: int, end_ns: int | None = None
    ) -> list[r.FundingUpdate]:
        """Return payments of funding, oldest first."""
        return await self._pages("userFunding", _ranged(user=self._user(user)), start_ns, end_ns)

    async def ledger(
        self, user: str | None = None, *, start_ns: int, end_ns: int | None = None
    ) -> list[r.LedgerUpdate]:
        """Return movements of money other than funding, oldest first."""
        return await self._pages("userNonFundingLedgerUpdates", _ranged(user=self._user(user)), start_ns, end_ns)

    async def fees(self, user: str | None = None) -> r.UserFees:
        """Return the fee rates of an account."""
        return cast("r.UserFees", await self.ask("userFees", user=self._user(user)))

    async def rate_limit(self, user: str | None = None) -> r.UserRateLimit:
        """Return the budget of actions of an account."""
        return cast("r.UserRateLimit", await self.ask("userRateLimit", user=self._user(user)))

    async def role(self, address: str) -> r.UserRole:
        """Return what an address is: an account, a sub-account, a vault, an API wallet, or nothing."""
        return cast("r.UserRole", await self.ask("userRole", user=address_of("address", address)))

    async def extra_agents(self, user: str | None = None) -> list[r.ExtraAgent]:
        """Return the named API wallets of an account."""
        return cast("list[r.ExtraAgent]", await self.ask("extraAgents", user=self._user(user)))

    async def active_asset(self, coin: str, user: str | None = None) -> r.ActiveAssetData:
        """Return what may be traded of a perpetual, and with which leverage."""
        return cast("r.ActiveAssetData", await self.ask("activeAssetData", user=self._user(user), coin=coin))

    async def sub_accounts(self, user: str | None = None) -> list[r.SubAccount]:
        """Return the accounts under an account."""
        return cast("list[r.SubAccount]", await self.ask("subAccounts", user=self._user(user)) or [])

    async def max_builder_fee(self, builder: str, user: str | None = None) -> int:
        """Return what a builder may charge, in tenths of a basis point."""
        builder = address_of("builder", builder)
        return cast("int", await self.ask("maxBuilderFee", user=self._user(user), builder=builder))

    async def portfolio(self, user: str | None = None) -> dict[str, dict[str, Any]]:
        """Return how an account did, by period."""
        return dict(await self.ask("portfolio", user=self._user(user)))

    def _user(self, user: str | None) -> str:
        if user is not None:
            return address_of("user", user)
        if self._sender.config.trader is None:
            raise ParameterError("user: is not given, and the configuration has no account_address")
        return self._sender.config.trader

    async def _pages(
        self,
        kind: str,
        question: Callable[[int, int | None], dict[str, Any]],
        start_ns: int,
        end_ns: int | None,
        *,
        time: str = "time",
    ) -> list[Any]:
        first_ms = -(-start_ns // _MILLI)
        last_ms = None if end_ns is None else -(-end_ns // _MILLI) - 1  # the exchange includes both ends
        rows: list[Any] = []
        while last_ms is None or first_ms <= last_ms:
            page = await self.ask(kind, **question(first_ms, last_ms))
            page.sort(key=lambda row: row[time])
            # The rows of its first time were in the page before.
            seen = [row for row in rows if row[time] == first_ms * _MILLI]
            new = [row for row in page if row not in seen]
            rows += new
            if len(page) < _PAGE:
                break
            newest_ms = page[-1][time] // _MILLI
            if newest_ms == first_ms and not new:
                text = f"{kind}: more rows at {first_ms} ms than an answer holds ({len(page)}): what is beyond cannot be asked for"
                raise DataError(text)
            if not new:
                break
            first_ms = newest_ms
        return rows


def _ranged(**fields: str) -> Callable[[int, int | None], dict[str, Any]]:
    def question(first_ms: int, last_ms: int | None) -> dict[str, Any]:
        end = {} if last_ms is None else {"endTime": last_ms}
        return {**fields, "startTime": first_ms, **end}

    return question


def _newness(row: r.OrderNews) -> tuple[int, bool]:
    return row["status_time"], row["status"] not in ("open", "triggered")
