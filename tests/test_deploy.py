"""The files under config/deploy: as far as they can be checked without what runs them."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).resolve().parent.parent / "config" / "deploy"
UNIT = DEPLOY / "systemd" / "algo-trade.service"
COMMAND = "run --config /etc/algo-trade/Config.toml"
KEY_FILE = "HYPERLIQUID_PRIVATE_KEY_FILE"
SECRET = re.compile(r"0x[0-9a-fA-F]{64}|://[^\s/]+:[^\s/]+@|PASSWORD: |-----BEGIN")


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


def tool(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not there")
    return found


def passes(*command: str | Path, folder: Path | None = None) -> None:
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_no_file_holds_a_secret() -> None:
    for path in DEPLOY.rglob("*"):
        if path.is_file():
            assert not SECRET.search(path.read_text()), path


class Unit(configparser.RawConfigParser):
    """A unit: names keep their capitals, and may be given several times."""

    def __init__(self) -> None:
        super().__init__(strict=False, delimiters=("=",), comment_prefixes=("#",), dict_type=_Lists)

    def optionxform(self, optionstr: str) -> str:
        return optionstr


class _Lists(dict[str, Any]):
    def __setitem__(self, key: str, value: Any) -> None:
        if isinstance(value, list) and isinstance(self.get(key), list):
            value = [*self[key], *value]
        super().__setitem__(key, value)


def unit() -> dict[str, str]:
    made = Unit()
    made.read(UNIT)
    return dict(made["Service"])


def test_the_unit_drains_confines_and_takes_its_key_as_a_credential() -> None:
    service = unit()
    assert service["ExecStart"] == f"/opt/algo-trade/bin/algo-trade {COMMAND}"
    assert service["LoadCredential"].startswith("hyperliquid-key:")
    assert f"{KEY_FILE}=%t/algo-trade/hyperliquid-key" in service["Environment"].splitlines()
    wanted = {
        "KillSignal": "SIGTERM",
        "Restart": "on-failure",
        "RestartPreventExitStatus": "2",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "StateDirectory": "algo-trade",
        "LimitCORE": "0",
        "UMask": "0077",
    }
    assert wanted.items() <= service.items()
    assert int(service["TimeoutStopSec"]) >= 60


def test_systemd_finds_no_fault_in_the_unit_and_little_that_it_may_do(tmp_path: Path) -> None:
    analyze = tool("systemd-analyze")
    made = tmp_path / UNIT.name
    # The program is not installed here.
    made.write_text(UNIT.read_text().replace("/opt/algo-trade/bin/algo-trade", "/usr/bin/env"))
    passes(analyze, "verify", "--man=no", made)
    passes(analyze, "security", "--offline=true", "--threshold=20", made)


def test_logrotate_moves_the_file_and_leaves_the_new_one_to_the_runner(tmp_path: Path) -> None:
    text = (DEPLOY / "logrotate" / "algo-trade").read_text()
    assert {"nocreate", "su algo-trade algo-trade", "missingok"} <= {line.strip() for line in text.splitlines()}
    assert "postrotate" not in text
    made = tmp_path / "made"
    made.write_text(text.replace("    su algo-trade algo-trade\n", ""))
    made.chmod(0o600)
    passes(tool("logrotate"), "--debug", "--state", tmp_path / "state", made)


def test_the_image_runs_as_nobody_special_and_is_checked_from_inside() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    stages = re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]
    assert len(stages) == 3
    last = stages[-1]
    assert "\nUSER 10001:10001\n" in last
    assert "\nSTOPSIGNAL SIGTERM\n" in last
    assert "http://127.0.0.1:8080/health" in last.split("HEALTHCHECK", 1)[1]
    assert 'ENTRYPOINT ["algo-trade"]' in last
    assert f"CMD {COMMAND.split()}".replace("'", '"') in last
    assert "EXPOSE" not in text
    for stage in stages:
        assert re.match(r"(rust|python):[\d.]+-slim-bookworm\b", stage), stage[:40]


def test_the_image_is_made_with_a_compiler_that_is_new_enough_and_of_no_other_files() -> None:
    wanted = re.search(r'rust-version = "([\d.]+)"', (DEPLOY.parents[1] / "Cargo.toml").read_text())
    assert wanted
    assert f"FROM rust:{wanted[1]}-slim" in (DEPLOY / "Dockerfile").read_text()
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    sent = {line[1:] for line in ignored if line.startswith("!")}
    assert ignored[1] == "*"
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE):
        assert set(copied.split()) <= sent
        assert all((DEPLOY.parents[1] / name).exists() for name in copied.split())


def test_the_dockerfile_passes_its_linter() -> None:
    passes(tool("hadolint"), "--no-color", DEPLOY / "Dockerfile")


def test_compose_runs_runner_and_database_with_secrets_as_files() -> None:
    (found,) = documents("compose.yaml")
    runner, database = found["services"]["runner"], found["services"]["database"]
    assert (runner["stop_signal"], runner["stop_grace_period"], runner["read_only"]) == ("SIGTERM", "90s", True)
    assert runner["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert runner["environment"][KEY_FILE] == "/run/secrets/hyperliquid_key"
    assert database["image"].startswith("timescale/timescaledb:")
    assert database["environment"]["POSTGRES_PASSWORD_FILE"].startswith("/run/secrets/")
    used = {name for service in found["services"].values() for name in service.get("secrets", [])}
    assert used == set(found["secrets"])
    assert all(set(secret) == {"file"} for secret in found["secrets"].values())
    for service in found["services"].values():
        # Nothing is reached from outside of the machine.
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        named = {volume.split(":")[0] for volume in service["volumes"] if not volume.startswith("./")}
        assert named <= set(found["volumes"])
    context = (DEPLOY / runner["build"]["context"]).resolve()
    assert (context / runner["build"]["dockerfile"]).exists()


def stateful_set() -> dict[str, Any]:
    (found,) = (each for each in documents("kubernetes.yaml") if each["kind"] == "StatefulSet")
    return dict(found["spec"])


def test_kubernetes_runs_one_confined_runner_with_its_state() -> None:
    spec = stateful_set()
    pod = spec["template"]["spec"]
    assert spec["replicas"] == 1
    assert pod["terminationGracePeriodSeconds"] >= 60
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    for container in [*pod["initContainers"], *pod["containers"]]:
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"]
        assert not security["allowPrivilegeEscalation"]
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert {"requests", "limits"} <= set(container["resources"])
    runner = pod["containers"][0]
    assert runner["args"] == COMMAND.split()
    assert {"name": KEY_FILE, "value": "/run/algo-trade/hyperliquid-key"} in runner["env"]
    assert spec["volumeClaimTemplates"][0]["metadata"]["name"] == "state"
    assert spec["template"]["metadata"]["labels"] == spec["selector"]["matchLabels"]


def test_kubernetes_asks_the_runner_from_inside_and_mounts_what_it_declares() -> None:
    spec = stateful_set()
    pod = spec["template"]["spec"]
    runner = pod["containers"][0]
    for probe, path in (("startupProbe", "/health"), ("livenessProbe", "/health"), ("readinessProbe", "/ready")):
        command = runner[probe]["exec"]["command"]
        assert command[:2] == ["python", "-c"]
        assert f"http://127.0.0.1:8080{path}'" in command[2]
        compile(command[2], probe, "exec")
    declared = {volume["name"] for volume in pod["volumes"]} | {"state"}
    mounted = {each["name"] for part in (*pod["initContainers"], *pod["containers"]) for each in part["volumeMounts"]}
    assert mounted == declared
    (secrets,) = (volume for volume in pod["volumes"] if "secret" in volume)
    assert secrets["secret"]["defaultMode"] == 0o440


def test_kubernetes_manifests_fit_their_schemas() -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="of the group `test`").validate
    for document in documents("kubernetes.yaml"):
        validate(document, "1.31", strict=True)


def test_prometheus_scrapes_the_runner_beside_it() -> None:
    (found,) = documents("prometheus/prometheus.yml")
    (job,) = found["scrape_configs"]
    assert (job["job_name"], job["metrics_path"]) == ("algo_trade", "/metrics")
    assert job["static_configs"] == [{"targets": ["127.0.0.1:8080"]}]
    assert all((DEPLOY / "prometheus" / name).exists() for name in found["rule_files"])


def test_every_rule_of_prometheus_says_how_bad_it_is_and_what_it_means() -> None:
    (found,) = documents("prometheus/rules.yml")
    (group,) = found["groups"]
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert {"summary", "runbook"} == set(rule["annotations"])


def test_promtool_finds_no_fault_in_configuration_and_rules() -> None:
    passes(tool("promtool"), "check", "config", "prometheus.yml", folder=DEPLOY / "prometheus")
