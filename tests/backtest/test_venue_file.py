"""The example of the venue's options is true."""

from __future__ import annotations

from pathlib import Path

import algo_trade as at

EXAMPLE = Path(__file__).resolve().parents[2] / "config" / "venue.example.toml"


def test_the_example_shows_every_option_with_its_default() -> None:
    shown = at.VenueConfig.from_file(EXAMPLE)
    assert shown.model_copy(update={"instruments": {}}) == at.VenueConfig()
    assert shown.model_fields_set == set(at.VenueConfig.model_fields)
    rules = [set(rule.model_fields_set) for rule in shown.instruments.values()]
    assert set.union(*rules) == set(at.InstrumentRules.model_fields)
    assert len(shown.rules()) == 2
