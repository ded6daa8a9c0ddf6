"""compose.yaml holds together."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from devtools import environment
from devtools.environment import PROJECT, documented_names

_IGNORED = (PROJECT / ".dockerignore").read_text()
_SHOP = ("migrate", "web", "relay", "consumer", "clock")
_NOT_THE_SHOPS = {"POSTGRES_PASSWORD", "WEB_PORT"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())
    return found


def test_compose_finds_no_fault_with_it() -> None:
    client = shutil.which("docker")
    if client is None or subprocess.run([client, "compose", "version"], check=False).returncode:
        pytest.skip("Needs `docker compose`.")
    environment = {name: "x" for name in ("SECRET_KEY", *documented_names()) if "PAYPAL" in name}
    subprocess.run(
        [client, "compose", "config", "--quiet"],
        cwd=PROJECT,
        env={**environment, "SECRET_KEY": "x", "PATH": "/usr/bin:/bin"},
        check=True,
    )


def test_services_wait_for_services_that_exist(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for service in services.values():
        for name, wait in service.get("depends_on", {}).items():
            if wait["condition"] == "service_healthy":
                assert "test" in services[name]["healthcheck"]
            else:
                assert services[name]["restart"] == "no"  # it completes


@pytest.mark.parametrize("name", _SHOP)
def test_container_of_the_shop_cannot_change_itself(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]


def test_image_runs_as_an_ordinary_user() -> None:
    users = re.findall(r"^USER (\d+)$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    assert users
    assert int(users[-1]) > 0


def test_image_holds_all_that_the_shop_needs(tmp_path: Path) -> None:
    """Do what the Dockerfile does after installing, with what .dockerignore lets through."""
    let_in = [line[1:] for line in _IGNORED.splitlines() if line.startswith("!")]
    for name in let_in:
        there = tmp_path / name
        there.parent.mkdir(parents=True, exist_ok=True)
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, there, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(PROJECT / name, there)
    variables = environment.read(tmp_path / "devtools" / "check.env")
    shutil.rmtree(tmp_path / "devtools")

    for command in (["manage.py", "check"], ["-c", "import shop.wsgi"]):
        subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env={**variables, "PATH": ""}, check=True
        )


def test_programs_have_the_time_they_need_to_end(compose: dict[str, Any]) -> None:
    for name in ("web", "relay", "consumer", "clock"):
        assert int(compose["services"][name]["stop_grace_period"].rstrip("s")) >= 30


def test_volumes_are_declared(compose: dict[str, Any]) -> None:
    mounts = [mount for one in compose["services"].values() for mount in one.get("volumes", [])]
    assert {mount.split(":")[0] for mount in mounts} == set(compose["volumes"])


def test_variables_are_documented(compose: dict[str, Any]) -> None:
    used = set(re.findall(r"\$\{([A-Z_]+)", (PROJECT / "compose.yaml").read_text()))
    assert used - _NOT_THE_SHOPS <= documented_names()
    assert set(compose["x-shop"]["environment"]) <= documented_names()


def test_commands_exist(compose: dict[str, Any]) -> None:
    for name in _SHOP:
        command = compose["services"][name].get("command", ["gunicorn"])
        if command[:2] == ["python", "manage.py"] and command[2] != "migrate":
            assert list(PROJECT.glob(f"*/management/commands/{command[2]}.py"))
