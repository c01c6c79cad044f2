"""A strategy in another process, by what is known of it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from algo_trade.strategy.needs import Needs


class ApartStrategy:
    """Stands for a strategy in another process. Whoever runs that process extends it, and says what it has said of itself.

    Parameters
    ----------
    name, params : of the strategy; parameters as a manifest has them
    needs, warm_up : what it has to hear, and how many bars before it may trade
    spec, source_hash : how to load it again, and a hash of its source
    """

    name: str
    params: dict[str, Any]
    needs: Needs
    warm_up: int
    spec: str
    source_hash: str

    @property
    def engine_part(self) -> tuple[Callable[[bytes], bytes], bytes]:
        """What the engine takes in its place: what carries a request there and brings back the answer, and what its twin is."""
        raise NotImplementedError
