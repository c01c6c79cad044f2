"""The example of the venue's options is true."""

from __future__ import annotations

from pathlib import Path

import algo_trade as at

EXAMPLE = Path(__file__).resolve().parents[2] / "config" / "venue.example.toml"


def test_the_example_shows_every_option_with_its_default() -> None:
    shown = at.VenueConfig.from_file(EXAMPLE)
    # What is left open is decided by the data; the example shows what it then comes to.
    assert shown.model_copy(update={"instruments": {}}).for_data_of("") == at.VenueConfig().for_data_of("")
    left_out = set(at.VenueConfig.model_fields) - shown.model_fields_set
    assert all(getattr(at.VenueConfig(), name) is None for name in left_out)
    assert [name for name in left_out if f"# {name} = " not in EXAMPLE.read_text()] == [], "explain it in a comment"
    rules = [set(rule.model_fields_set) for rule in shown.instruments.values()]
    assert set.union(*rules) == set(at.InstrumentRules.model_fields)
    assert len(shown.rules()) == 2
