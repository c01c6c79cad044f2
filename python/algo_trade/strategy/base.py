"""The base class of strategies written in Python, and the declaration of their parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from algo_trade._native import ParamSpec, resolve_params

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algo_trade._native import Bar, Context, FillEvent, OrderUpdate, Quote, SignalEvent, Trade

    Answer = SignalEvent | list[SignalEvent] | tuple[SignalEvent, ...] | None


class _Param:
    """A declared parameter: reads the value that the strategy was made with."""

    def __init__(
        self,
        default: Any,  # noqa: ANN401 -- a value of any parameter type
        low: Any,  # noqa: ANN401
        high: Any,  # noqa: ANN401
        choices: Sequence[str] | None,
        help_text: str,
    ) -> None:
        self._declared = (default, low, high, choices, help_text)
        self.spec: ParamSpec

    def __set_name__(self, owner: type, name: str) -> None:
        default, low, high, choices, help_text = self._declared
        self.spec = ParamSpec(
            name, default, low=low, high=high, choices=None if choices is None else list(choices), help=help_text
        )

    def __get__(self, instance: Strategy | None, owner: type) -> Any:  # noqa: ANN401 -- the declared type
        return self if instance is None else instance.params[self.spec.name]

    def __set__(self, instance: Strategy, value: object) -> None:
        message = f"{type(instance).__name__}.{self.spec.name} is a parameter: give it when the strategy is made"
        raise AttributeError(message)


def param(
    default: Any,  # noqa: ANN401 -- a value of any parameter type
    *,
    low: Any = None,  # noqa: ANN401
    high: Any = None,  # noqa: ANN401
    choices: Sequence[str] | None = None,
    help: str = "",  # noqa: A002 -- the word users know from every other declaration
) -> Any:  # noqa: ANN401 -- reads as a value of the declared type
    """Declare a parameter of a strategy, once for the command line, the configuration, the API and the optimiser.

    Parameters
    ----------
    default : bool, int, float, Decimal or str
        What holds when nothing is given; its type is the parameter's. Text that is a number ("0.1") means an exact decimal.
    low, high : optional
        The smallest and the largest value allowed.
    choices : sequence of str, optional
        The words allowed.
    help : str
        What it means, with its unit.

    Raises
    ------
    ParameterError
        When a strategy is made with a value outside its range, of another type, or with a name that is not declared.
    """
    return _Param(default, low, high, choices, help)


class Strategy:
    """Extend it, define the hooks you need, return signals or use ``ctx``.

    A hook that is not defined costs nothing. ``ctx`` is valid while the hook runs. Events are frozen; prices and quantities are
    :class:`decimal.Decimal`.

    ======================== =====================================================================
    hook                     called
    ======================== =====================================================================
    on_start(ctx)            before the first event
    on_bar(ctx, bar)         when a bar has closed
    on_trade(ctx, trade)     for each public print
    on_quote(ctx, quote)     when the best prices change
    on_book(ctx, symbol)     when a book has changed, by a whole batch
    on_fill(ctx, fill)       for each execution of ours; the account has it already
    on_order(ctx, update)    when the venue has news of an order of ours
    on_timer(ctx, now_ns)    as asked for with ``ctx.set_timer``
    on_stop(ctx)             after the last event
    on_market_event(event)   for each market event, without ``ctx``: the plain contract
    ======================== =====================================================================
    """

    resolutions: ClassVar[Sequence[str]] = ()
    """Bars wanted besides those of the data: "5m", "1h", "100 trades", "2.5 base", "1000000 quote". Each comes to ``on_bar``
    once it is complete, never before."""

    _specs: ClassVar[dict[str, ParamSpec]] = {}

    if TYPE_CHECKING:

        def on_start(self, ctx: Context) -> Answer:
            """Before the first event."""

        def on_bar(self, ctx: Context, bar: Bar) -> Answer:
            """When a bar has closed."""

        def on_trade(self, ctx: Context, trade: Trade) -> Answer:
            """For each public print."""

        def on_quote(self, ctx: Context, quote: Quote) -> Answer:
            """When the best prices change."""

        def on_book(self, ctx: Context, symbol: str) -> Answer:
            """When a book has changed, by a whole batch."""

        def on_fill(self, ctx: Context, fill: FillEvent) -> Answer:
            """For each execution of ours; the account has it already."""

        def on_order(self, ctx: Context, update: OrderUpdate) -> Answer:
            """When the venue has news of an order of ours."""

        def on_timer(self, ctx: Context, now_ns: int) -> Answer:
            """As asked for with ``ctx.set_timer``."""

        def on_stop(self, ctx: Context) -> Answer:
            """After the last event."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        declared = {name: value.spec for name, value in vars(cls).items() if isinstance(value, _Param)}
        cls._specs = {**cls._specs, **declared}

    def __init__(self, **params: object) -> None:
        self._params = resolve_params(self.name, list(self._specs.values()), params)

    @property
    def name(self) -> str:
        """What it is called in reports: the name of its class."""
        return type(self).__name__

    @property
    def params(self) -> dict[str, Any]:
        """Its parameters, complete."""
        try:
            return self._params
        except AttributeError:
            # A subclass with an __init__ of its own that does not call ours has the defaults.
            self._params = resolve_params(self.name, list(self._specs.values()), {})
            return self._params

    @classmethod
    def declared_params(cls) -> list[ParamSpec]:
        """The declarations of its parameters, in the order written."""
        return list(cls._specs.values())

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        return f"{self.name}({inside})"
