"""Layers of configuration: which wins, and where a fault is."""

from __future__ import annotations

import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algo_trade.config import AppConfig, ConfigLoader
from algo_trade.config.layers import TomlLayer, has, merged, put
from algo_trade.config.show import schema, shown, without_password
from algo_trade.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "config" / "Config.example.toml"
BOT = '[[bots]]\nbot_id = "b1"\nsymbol = "BTC"\nstrategy = "rsi"\n'


def loader(folder: Path, text: str = "", **more: Any) -> ConfigLoader:
    path = folder / "config" / "Config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return ConfigLoader(**{"folder": folder, "environment": {}, **more})


def fault(made: ConfigLoader) -> str:
    with pytest.raises(ConfigError) as refused:
        made.load()
    return str(refused.value)


def test_without_any_file_there_are_defaults(tmp_path: Path) -> None:
    config = ConfigLoader(folder=tmp_path, environment={}).load()
    assert config == AppConfig()
    assert (config.server.host, config.server.port, config.bots) == ("127.0.0.1", 8080, ())


def test_later_layers_win_and_tables_are_merged(tmp_path: Path) -> None:
    text = "[server]\nport = 1\nrequest_log = false\n[database]\nmax_connections = 1\n[hyperliquid]\ntimeout_s = 1\n"
    made = loader(
        tmp_path,
        text,
        profile="live",
        environment={"APP_HYPERLIQUID__LIMITS__IP_MARGIN": "7", "APP_SERVER__PORT": "4"},
        overrides={"server": {"port": 5}},
    )
    (tmp_path / "config" / "live.toml").write_text("[server]\nport = 2\n[database]\nmax_connections = 2\n")
    (tmp_path / "Config.json").write_text('{"server": {"port": 3}, "database": {"max_connections": 3}}')
    config = made.load()
    assert (config.server.port, config.server.request_log, config.database.max_connections) == (5, False, 3)
    assert (config.hyperliquid.timeout_s, config.hyperliquid.limits.ip_margin) == (1, 7)


def test_the_profile_may_come_from_the_environment(tmp_path: Path) -> None:
    made = loader(tmp_path, environment={"APP_PROFILE": "live"})
    assert fault(made) == f"{tmp_path}/config/live.toml: is not there: the profile asks for it"
    (tmp_path / "config" / "live.toml").write_text("[server]\nport = 2\n")
    assert made.load().server.port == 2


def test_lists_are_replaced_and_may_be_json_in_the_environment(tmp_path: Path) -> None:
    bots = json.dumps([{"bot_id": "b2", "symbols": ["ETH"], "strategy": "grid", "fraction": 0.25}])
    (bot,) = loader(tmp_path, BOT, environment={"APP_BOTS": bots}).load().bots
    assert (bot.bot_id, bot.symbols, bot.fraction) == ("b2", ("ETH",), Decimal("0.25"))


def test_variables_of_others_are_passed_over(tmp_path: Path) -> None:
    assert loader(tmp_path, environment={"APP_NAME": "x", "PATH": "y", "SERVER__PORT": "1"}).load() == AppConfig()


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("[server]\nport = 70000\n", 2, "server.port = 70000: input should be less than or equal to 65535"),
        ("[server]\nprot = 1\n", 2, "server.prot: there is no such field"),
        ("\n[servr]\nport = 1\n", 2, "servr: there is no such field"),
        ('[server]\nhost = "0.0.0.0"\n', 2, "server.host = '0.0.0.0': must be a loopback address"),
        ("[risk]\n\nmax_drawdown = 1.5\n", 3, "risk.max_drawdown = Decimal('1.5')"),
        ('[hyperliquid]\nnetwork = "main"\n', 2, "hyperliquid.network = 'main'"),
        ("[hyperliquid]\ntimeout_s = 0\n", 2, "hyperliquid: timeout_s = 0.0: must be above 0"),
        ("[hyperliquid]\nlimits = { ip_burts = 1 }\n", 2, "hyperliquid.limits.ip_burts: there is no such field"),
        ('[[bots]]\nbot_id = "b1"\n', 1, "bots[0].strategy: is missing"),
        (BOT + BOT, 1, "bots: bot_id = 'b1': is there twice"),
        (BOT + BOT.replace("b1", "../b"), 6, "bots[1].bot_id = '../b': must be letters, digits, - and _"),
        (BOT + 'symbols = ["ETH"]\n', 1, "bots[0] = "),
        (BOT + "[bots.risk]\nmax_leverage = -1\n", 6, "bots[0].risk.max_leverage = -1: input should be greater than 0"),
        (BOT + 'mode = "life"\n', 5, "bots[0].mode = 'life': input should be 'paper' or 'live'"),
    ],
)
def test_a_fault_is_told_with_file_line_field_and_value(text: str, line: int, says: str, tmp_path: Path) -> None:
    told = fault(loader(tmp_path, text)).splitlines()
    (found,) = (each for each in told if says in each)
    if "twice" not in says:
        assert found.startswith(f"{tmp_path}/config/Config.toml:{line}: ")


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    assert (
        len(fault(loader(tmp_path, "[server]\nport = -1\nprot = 1\n[database]\nmax_connections = 0\n")).splitlines())
        == 3
    )


def test_a_fault_outside_of_the_file_names_its_layer(tmp_path: Path) -> None:
    (tmp_path / "Config.json").write_text('{\n "server": {\n  "host": "localhost",\n  "port": "x"\n }\n}')
    assert fault(loader(tmp_path)).startswith(f"{tmp_path}/Config.json:4: server.port = 'x': ")
    wrong = fault(loader(tmp_path, environment={"APP_SERVER__PORT": "y"}))
    assert wrong.startswith("environment variable APP_SERVER__PORT: server.port = 'y': ")
    assert fault(loader(tmp_path, overrides={"server": {"port": "z"}})).startswith("command line: server.port = 'z'")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("config/Config.toml", "[server\n", "line 1"),
        ("Config.json", '{"server": {\n"port": }', "Config.json:2: column 9"),
        ("Config.json", "[]", "must be an object"),
        ("config/Config.toml", b"# \xff", "must be UTF-8: byte 2"),
    ],
)
def test_a_malformed_file_is_refused(name: str, text: str | bytes, says: str, tmp_path: Path) -> None:
    made = loader(tmp_path)
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    assert says in fault(made)


def test_json_in_the_environment_is_checked(tmp_path: Path) -> None:
    told = fault(loader(tmp_path, environment={"APP_BOTS": "[1"}))
    assert told.startswith("environment variable APP_BOTS: is no JSON: column 3: ")


def test_a_file_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    assert "is not there" in fault(ConfigLoader(tmp_path / "x.toml", environment={}))


def test_a_value_that_may_be_a_secret_is_not_told(tmp_path: Path) -> None:
    told = fault(loader(tmp_path, '[database]\nurl = "mysql://me:hunter2@there/x"\n'))
    assert told.endswith("database.url = …: must start with sqlite:/// or postgresql://")


def test_what_is_shown_has_no_password_and_reads_back(tmp_path: Path) -> None:
    text = BOT + "fraction = 0.25\n[database]\n" + 'url = "postgresql://me:hunter2@there:5432/x"\n'
    config = loader(tmp_path, text).load()
    found = shown(config)
    assert "hunter2" not in json.dumps(found)
    assert found["database"]["url"] == "postgresql://me:…@there:5432/x"
    found["database"]["url"] = config.database.url
    assert AppConfig.model_validate(found) == config
    assert without_password("sqlite:///x.db") == "sqlite:///x.db"


def test_the_example_states_every_field_with_its_default() -> None:
    text = EXAMPLE.read_text()
    values = tomllib.loads(text, parse_float=Decimal)
    bots = values.pop("bots")
    assert AppConfig.model_validate(values) == AppConfig()
    assert AppConfig.model_validate({"bots": bots}).bots
    for table in schema()["$defs"].values():
        for name in table["properties"]:
            assert f"{name} = " in text or f".{name}]" in text, name


def test_the_schema_allows_one_symbol_without_a_list() -> None:
    bot = schema()["$defs"]["BotConfig"]
    assert {"symbol", "symbols"} <= set(bot["properties"])
    assert sorted(bot["required"]) == ["bot_id", "strategy"]
    assert all("description" in field for field in bot["properties"].values() if "$ref" not in field)


NAMES = st.sampled_from(["a", "b", "long_name", "c-d"])
SCALARS = st.one_of(st.integers(-5, 5), st.booleans(), st.sampled_from(["x", "# no", "[y]", "a = b"]))


@given(st.dictionaries(NAMES, st.one_of(SCALARS, st.dictionaries(NAMES, SCALARS, max_size=3)), max_size=4))
def test_the_line_of_a_value_is_the_line_that_holds_it(tables: dict[str, Any]) -> None:
    scalars = {name: value for name, value in tables.items() if not isinstance(value, dict)}
    lines = [f"{name} = {json.dumps(value)}" for name, value in scalars.items()]
    for name, inner in tables.items():
        if isinstance(inner, dict):
            lines += ["", f"[{name}] # of it", *(f"  {key} = {json.dumps(value)}" for key, value in inner.items())]
    text = "\n".join(lines)
    layer = TomlLayer(Path("x"), text, tomllib.loads(text))
    for name, value in tables.items():
        for path in [(name,), *((name, key) for key in value)] if isinstance(value, dict) else [(name,)]:
            line = lines[int(layer.place(path).removeprefix("x:")) - 1]
            assert line.strip().lstrip("[").startswith(path[-1])


@given(st.lists(st.tuples(st.lists(NAMES, min_size=1, max_size=3), SCALARS), max_size=5))
def test_what_was_put_is_there_after_merging(puts: list[tuple[list[str], Any]]) -> None:
    layers = []
    for path, value in puts:
        values: dict[str, Any] = {}
        put(values, tuple(path), value)
        layers.append(type("Made", (), {"values": values})())
    result = merged(layers)
    if puts:
        path, value = puts[-1]
        found: Any = result
        for name in path:
            found = found[name]
        assert has(result, tuple(path))
        assert found == value
