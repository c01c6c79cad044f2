"""docs/operations.md says what there is: metrics, kinds, a section for each alert of Prometheus."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from algo_trade.telemetry import Metrics
from algo_trade.telemetry.kinds import KINDS
from algo_trade.telemetry.metrics import Described

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
RULES = ROOT / "config" / "deploy" / "prometheus" / "rules.yml"


def section(title: str) -> str:
    return re.split(r"^##+ ", PAGE.split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def rows(title: str) -> list[list[str]]:
    lines = [line for line in section(title).splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def alerts() -> list[dict[str, str]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return list(group["rules"])


def test_the_page_has_every_metric_and_no_other() -> None:
    found = [
        Described(name.strip("`"), kind, tuple(re.findall(r"`(\w+)`", labels)), meaning)
        for name, kind, labels, meaning in rows("Metrics")
    ]
    assert found == Metrics().described()


def test_the_page_has_every_kind_and_no_other() -> None:
    assert {name.strip("`"): meaning for name, meaning in rows("Kinds")} == dict(KINDS)


def test_every_kind_that_is_told_is_known() -> None:
    # Examples in docstrings may tell anything.
    sources = [
        re.sub(r"^\s*(>>>|\.\.\.) .*$", "", path.read_text(), flags=re.M) for path in (ROOT / "python").rglob("*.py")
    ]
    told = {kind for text in sources for kind in re.findall(r"""\.tell\(\s*["']([^"']+)["']""", text)}
    assert told <= set(KINDS), "add it to telemetry/kinds.py and docs/operations.md"


def test_the_runbook_has_a_section_for_each_alert_and_no_other() -> None:
    runbook = PAGE.split("## Runbook\n")[1]
    assert re.findall(r"^### (\w+)$", runbook, re.MULTILINE) == [rule["alert"] for rule in alerts()]
    for rule in alerts():
        assert section(rule["alert"]).strip().startswith("**Means**: ")
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"  # type: ignore[index]


def test_expressions_ask_for_metrics_and_labels_that_there_are() -> None:
    known = {"up": {"job"}}
    for each in Metrics().described():
        labels = set(each.labels)
        known[each.name] = labels
        if each.kind == "histogram":
            known |= {f"{each.name}_{suffix}": labels | {"le"} for suffix in ("bucket", "count", "sum")}
    expressions = [rule["expr"] for rule in alerts()]
    expressions += re.findall(r"`([^`]*algo_trade_[^`]*)`", section("Dashboards") + PAGE.split("## Runbook\n")[1])
    assert len(expressions) > 25
    for expression in expressions:
        for name, matchers in re.findall(r"\b(up|algo_trade_\w+)(?:\{([^}]*)\})?", expression):
            assert name in known, expression
            assert set(re.findall(r"(\w+)\s*[=!]", matchers)) <= known[name], expression
    for rule in alerts():
        used = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))  # type: ignore[index]
        assert used <= set().union(*(known[name] for name in re.findall(r"\balgo_trade_\w+", rule["expr"]))), rule
