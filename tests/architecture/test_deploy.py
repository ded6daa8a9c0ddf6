"""What deploy/ holds fits the shop: units, alerts, dashboard."""

import configparser
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from devtools.environment import PROJECT, documented_names

DEPLOY = PROJECT / "deploy"
_UNITS = sorted((DEPLOY / "systemd").iterdir())
_SERVICES = [unit for unit in _UNITS if unit.suffix == ".service"]
_RULES = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"][0]["rules"]
_RUNBOOK = PROJECT / "docs" / "operations" / "alerts.md"
_SEVERITIES = {"page", "ticket"}


def _read(unit: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(unit)
    return parser


@pytest.mark.parametrize("unit", _SERVICES, ids=lambda unit: unit.name)
def test_unit_starts_a_program_that_exists(unit: Path) -> None:
    start = _read(unit)["Service"]["ExecStart"]
    command = re.search(r"manage\.py (\w+)", start)
    if command:
        assert list(PROJECT.glob(f"*/management/commands/{command[1]}.py"))
    else:
        assert start.split()[0].endswith("/gunicorn")


@pytest.mark.parametrize("unit", _SERVICES, ids=lambda unit: unit.name)
def test_unit_runs_as_an_ordinary_user_who_cannot_change_the_code(unit: Path) -> None:
    service = _read(unit)["Service"]
    assert service["User"] != "root"
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert service["CapabilityBoundingSet"] == ""


def test_units_set_documented_variables_alone() -> None:
    set_there = {
        name
        for unit in _SERVICES
        for name in re.findall(r"^Environment=(\w+)=", unit.read_text(), re.MULTILINE)
    }
    assert set_there <= documented_names()


def test_systemd_finds_no_fault_with_the_units(tmp_path: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("Needs systemd-analyze.")
    # The programs stand where they were installed, not here.
    for unit in _UNITS:
        text = unit.read_text().replace("/srv/ganh/.venv/bin/", "/bin/true ")
        (tmp_path / unit.name).write_text(text.replace("%i", "1"))
    (tmp_path / "ganh-consumer@.service").rename(tmp_path / "ganh-consumer@1.service")
    checked = subprocess.run(
        [tool, "verify", "--man=no", *map(str, tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in checked.stderr.splitlines() if "ganh" in line]
    assert ours == []


def test_promtool_finds_no_fault_with_the_alerts() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("Needs promtool (Debian's package prometheus).")
    rules = DEPLOY / "prometheus" / "alerts.yml"
    checked = subprocess.run(
        [promtool, "check", "rules", str(rules)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_each_alert_is_raised_by_what_it_is_for_and_not_while_all_is_well() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("Needs promtool (Debian's package prometheus).")
    acted = subprocess.run(
        [promtool, "test", "rules", "alerts_test.yml"],
        cwd=DEPLOY / "prometheus",
        capture_output=True,
        text=True,
        check=False,
    )
    assert acted.returncode == 0, acted.stdout + acted.stderr


def test_each_alert_is_acted_out() -> None:
    acts = yaml.safe_load((DEPLOY / "prometheus" / "alerts_test.yml").read_text())["tests"]
    checks = [check for act in acts for check in act["alert_rule_test"]]
    raised = {check["alertname"] for check in checks if check["exp_alerts"]}
    quiet = {check["alertname"] for check in checks if not check["exp_alerts"]}
    assert raised == quiet == {rule["alert"] for rule in _RULES}


@pytest.mark.parametrize("rule", _RULES, ids=lambda rule: rule["alert"])
def test_alert_says_what_is_wrong_and_leads_to_its_entry_in_the_runbook(
    rule: dict[str, dict[str, str]],
) -> None:
    name = str(rule["alert"])
    assert rule["labels"]["severity"] in _SEVERITIES
    assert rule["annotations"]["summary"]
    document, anchor = rule["annotations"]["runbook"].split("#")
    assert (PROJECT / document, anchor) == (_RUNBOOK, name.lower())
    assert f"### {name}\n" in _RUNBOOK.read_text()


def test_runbook_has_no_entry_of_an_alert_that_is_gone() -> None:
    headings = set(re.findall(r"^### (\w+)$", _RUNBOOK.read_text(), re.MULTILINE))
    assert headings == {rule["alert"] for rule in _RULES}


def test_dashboard_asks_the_datasource_that_is_chosen() -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "ganh.json").read_text())
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    for panel in panels:
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["title"]
        assert all(target["expr"] for target in panel["targets"])
