"""What a bot asked for leaves once it is safe, and a cancel never before its order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from algo_trade._native import CancelOrder, ControlEvent, SubmitOrder
from algo_trade.bots.journals import Journals
from algo_trade.bots.outbox import Outbox
from tests.system.machine import Buys, bar, machine

if TYPE_CHECKING:
    from pathlib import Path

    from algo_trade.core.protocols import Command


def asked() -> tuple[list[Command], list[Command]]:
    """Return two orders and their cancels."""
    system = machine(Buys())
    orders: list[Command] = [*system.step(bar(0)), *system.step(bar(1))]
    cancels: list[Command] = list(system.step(ControlEvent.cancel_all(10**12)))
    assert [type(each) for each in [*orders, *cancels]] == [SubmitOrder, SubmitOrder, CancelOrder, CancelOrder]
    return orders, cancels


def left(folder: Path, *moments: list[Command]) -> list[list[Command]]:
    """Return what leaves together, in order, of what was asked for at each moment."""
    sent: list[list[Command]] = []

    async def main() -> None:
        with Journals(folder, failed=lambda _: None) as journals:
            journals.create("one", "{}")
            outbox = Outbox(journals, lambda commands, _: sent.append(commands), lambda: True, lambda _: None)
            for number, commands in enumerate(moments):
                outbox.put(commands, number)
            assert await outbox.empty(within_s=10)

    asyncio.run(main())
    return sent


def test_a_cancel_asked_for_at_the_same_moment_as_its_order_leaves_after_it(tmp_path: Path) -> None:
    orders, cancels = asked()
    assert left(tmp_path, [*orders, *cancels]) == [[*orders, *cancels]]


def test_a_cancel_waits_for_its_own_order_and_for_no_other(tmp_path: Path) -> None:
    (first, _), (of_first, of_other) = asked()
    assert left(tmp_path, [first], [of_first, of_other]) == [[of_other], [first], [of_first]]
