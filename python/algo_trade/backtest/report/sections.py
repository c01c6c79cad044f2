"""The parts of the page that are text: cards and tables. Whatever a user named is escaped here, value by value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING

from algo_trade.backtest.report import series, text

if TYPE_CHECKING:
    from algo_trade.backtest.report.result import Metrics, Result

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# The month of full colour: the largest one, within these bounds, so that quiet months are pale and one wild month does not bleach the rest.
HEAT_FULL = (0.05, 0.20)


def cards(result: Result) -> str:
    """The headline numbers, each with what is needed to read it."""
    m = result.metrics
    held = series.buy_and_hold(result)
    held_return = float(held["value"][-1]) / float(result.initial_capital) - 1 if held.height else None
    basis = f"{text.step(m.sampling_step_s)} returns, {text.count(round(m.periods_per_year))} periods a year"
    annual_note = "short sample: extrapolated" if m.short_sample else "compound, per year"
    if m.annual_return is None:
        annual_note = "undefined: nothing is left"
    cost = sum((value for _, value in _cost_parts(m)), Decimal(0))
    rows = (
        (
            "Total return",
            text.percent(m.total_return, plus=True),
            f"buy and hold {text.percent(held_return, plus=True)}",
            m.total_return,
        ),
        ("Annual return", text.percent(m.annual_return, 1, plus=True), annual_note, m.annual_return),
        ("Sharpe ratio", text.ratio(m.sharpe), basis, m.sharpe),
        ("Max drawdown", text.percent(m.max_drawdown), f"longest {text.duration(m.max_drawdown_duration_s)}", None),
        ("Volatility", text.percent(m.annual_volatility, 1), "per year", None),
        ("Sortino ratio", text.ratio(m.sortino), f"Calmar {text.ratio(m.calmar)}", m.sortino),
        (
            "Round trips",
            text.count(m.num_trades),
            f"{text.percent(m.win_rate, 1)} won" if m.num_trades else "none was closed",
            None,
        ),
        ("Profit factor", text.ratio(m.profit_factor), f"payoff {text.ratio(m.payoff_ratio)}", None),
        (
            "All costs",
            text.money(cost),
            f"{text.bps(cost, m.volume)} bps of the volume" if m.volume else "nothing was traded",
            None,
        ),
        ("Exposure", text.percent(m.exposure, 1), f"mean leverage {text.ratio(m.mean_leverage)}", None),
    )
    return "".join(
        f'<div class="card"><dt>{name}</dt><dd class="{_tone(tone)}">{value}</dd><dd class="note">{note}</dd></div>'
        for name, value, note, tone in rows
    )


def all_metrics(result: Result) -> str:
    """Every number of docs/metrics.md, in groups."""
    m = result.metrics
    groups = {
        "Return": (
            ("Initial capital", text.money(result.initial_capital)),
            ("Final equity", text.money(result.final_equity)),
            ("Total return", text.percent(m.total_return)),
            ("Annual return", text.percent(m.annual_return) + (" (short sample)" if m.short_sample else "")),
            ("Annual volatility", text.percent(m.annual_volatility)),
        ),
        "Risk": (
            ("Sharpe ratio", text.ratio(m.sharpe, 3)),
            ("Sortino ratio", text.ratio(m.sortino, 3)),
            ("Calmar ratio", text.ratio(m.calmar, 3)),
            (
                "Sampling step, year basis",
                f"{text.duration(m.sampling_step_s)}, {text.count(round(m.periods_per_year))} periods",
            ),
            ("Max drawdown", text.percent(m.max_drawdown)),
            ("Longest drawdown", text.duration(m.max_drawdown_duration_s)),
            ("Exposure (time in the market)", text.percent(m.exposure)),
            ("Mean leverage", text.ratio(m.mean_leverage, 3)),
            ("Max leverage", text.ratio(m.max_leverage, 3)),
        ),
        "Round trips": (
            ("Round trips", text.count(m.num_trades)),
            ("Won", text.percent(m.win_rate)),
            ("Profit factor", text.ratio(m.profit_factor, 3)),
            ("Payoff ratio", text.ratio(m.payoff_ratio, 3)),
            ("Mean PnL (expectancy)", text.money(m.expectancy)),
            ("Mean PnL, bps of notional", text.ratio(m.expectancy_bps)),
            ("Mean win", text.money(m.avg_win)),
            ("Mean loss", text.money(m.avg_loss)),
        ),
        "Activity": (
            ("Orders", text.count(m.num_orders)),
            ("Fills", text.count(m.num_fills)),
            ("Traded volume", text.money(m.volume)),
            ("Turnover, times equity per day", text.ratio(m.turnover, 3)),
        ),
    }
    return "".join(f"<div><h3>{name}</h3>{pairs(rows)}</div>" for name, rows in groups.items())


def costs(result: Result) -> str:
    """Each cost in money and in bps of the traded volume; a receipt is negative."""
    m = result.metrics
    parts = _cost_parts(m)
    total = sum((value for _, value in parts), Decimal(0))
    largest = max((abs(value) for _, value in parts), default=Decimal(0))
    body = "".join(
        f'<tr><th scope="row">{name}</th><td>{text.money(value)}</td><td>{text.bps(value, m.volume)}</td>'
        f'<td class="bar"><i class="{"gain" if value < 0 else "loss"}" style="width:{_share(value, largest)}%"></i></td></tr>'
        for name, value in parts
    )
    return (
        '<table class="costs"><thead><tr><th scope="col">Cost</th><th scope="col">Quote currency</th>'
        '<th scope="col">bps of volume</th><th class="bar" aria-hidden="true"></th></tr></thead>'
        f'<tbody>{body}</tbody><tfoot><tr><th scope="row">Sum</th><td>{text.money(total)}</td>'
        f'<td>{text.bps(total, m.volume)}</td><td class="bar"></td></tr></tfoot></table>'
    )


def _cost_parts(m: Metrics) -> tuple[tuple[str, Decimal], ...]:
    """What was paid is positive, what was received is negative."""
    return (
        ("Taker fees", m.fees_taker),
        ("Maker fees", m.fees_maker),
        ("Builder fees", m.fees_builder),
        ("Rebates", -m.rebates),
        ("Slippage", m.slippage),
        ("Funding paid", m.funding_paid),
        ("Funding received", -m.funding_received),
    )


def months(result: Result) -> str:
    """Monthly returns as a table that is its own heat map: year by month, with the year's return at the end."""
    rows = series.monthly_returns(result)
    by_year: dict[int, dict[int, float]] = {}
    for year, month, value in rows.iter_rows():
        by_year.setdefault(year, {})[month] = value
    scale = max((abs(value) for year in by_year.values() for value in year.values()), default=0.0)
    scale = min(max(scale, HEAT_FULL[0]), HEAT_FULL[1])
    head = "".join(f'<th scope="col">{name}</th>' for name in (*MONTHS, "Year"))
    body = ""
    for year, values in by_year.items():
        cells = "".join(_month_cell(MONTHS[i], values.get(i + 1), scale) for i in range(12))
        total = 1.0
        for value in values.values():
            total *= 1 + value
        body += f'<tr><th scope="row">{year}</th>{cells}<td class="year" data-month="Year">{text.percent(total - 1, plus=True)}</td></tr>'
    return (
        f'<table class="months"><thead><tr><th scope="col"></th>{head}</tr></thead><tbody>{body}</tbody></table>'
        if body
        else ""
    )


def _month_cell(name: str, value: float | None, scale: float) -> str:
    if value is None:
        return f'<td class="empty" data-month="{name}"></td>'
    heat = round(8 + 52 * min(abs(value) / scale, 1)) if value else 0
    tone = "gain" if value >= 0 else "loss"
    return f'<td class="{tone}" style="--heat:{heat}%" data-month="{name}">{text.percent(value, 1, plus=True)}</td>'


def listing(items: Sequence[str]) -> str:
    """Sentences as a list."""
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>" if items else ""


def facts(values: Mapping[str, object], *, verbatim: bool = False) -> str:
    """Any mapping as a table of names and values; lists of mappings become tables of their own, below.

    Names are written as words unless ``verbatim``.
    """
    plain = {k: v for k, v in values.items() if not _is_table(v)}
    tables = {k: v for k, v in values.items() if _is_table(v)}
    shown = pairs((k if verbatim else _words(k), _value(v)) for k, v in plain.items())
    for name, rows in tables.items():
        shown += f"<h3>{escape(_words(name))}</h3>{_rows(rows)}"
    return shown


def _is_table(value: object) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and bool(value)
        and all(isinstance(row, Mapping) for row in value)
    )


def _rows(rows: object) -> str:
    mappings = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, Iterable) else []
    names = list(dict.fromkeys(name for row in mappings for name in row))
    head = "".join(f'<th scope="col">{escape(_words(str(name)))}</th>' for name in names)
    body = "".join("<tr>" + "".join(_cell(str(n), row.get(n)) for n in names) + "</tr>" for row in mappings)
    return f'<table class="rows"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cell(name: str, value: object) -> str:
    short = "" if isinstance(value, str | Sequence | Mapping) else ' class="short"'
    return f'<td{short} data-name="{escape(_words(name))}">{_value(value)}</td>'


def pairs(rows: Iterable[tuple[str, str]]) -> str:
    """Names and values; the values are HTML already."""
    body = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{value}</td></tr>' for name, value in rows)
    return f'<table class="pairs"><tbody>{body}</tbody></table>' if body else ""


def _value(value: object) -> str:
    """A value as HTML."""
    match value:
        case None | "":
            shown = text.DASH
        case bool():
            shown = "yes" if value else "no"
        case int():
            shown = text.count(value)
        case Decimal():
            shown = text.plain(value)
        case float():
            shown = escape(f"{value:,.6g}")
        case datetime():
            shown = text.moment(value)
        case Mapping():
            shown = "<br>".join(f"{escape(_words(str(k)))}: {_value(v)}" for k, v in value.items()) or text.DASH
        case Sequence() if not isinstance(value, str):
            shown = "<br>".join(_value(v) for v in value) or text.DASH
        case _:
            shown = escape(str(value))
    return shown


def _words(name: str) -> str:
    """``snapped_numbers`` as ``Snapped numbers``."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _tone(value: float | None) -> str:
    return "" if value is None or value == 0 else "gain" if value > 0 else "loss"


def _share(value: Decimal, largest: Decimal) -> str:
    return f"{abs(value) / largest * 100:.1f}" if largest else "0"
