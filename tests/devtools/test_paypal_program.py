"""The emulator as a program: started, stopped, started again."""

import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import requests

from devtools.environment import PROJECT
from devtools.paypal.client import Emulator
from devtools.paypal.state import Books, StateFile, load_file
from devtools.ports import free_port
from tests.devtools.paypal_listener import Listener
from tests.devtools.paypal_merchant import Merchant

DEADLINE_SECONDS = 30


class Program:
    """One emulator process over a folder."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "devtools.paypal", "--port", str(self.port)]
        command += ["--state-dir", str(folder), *options]
        self.process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL)
        self.base_url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Program":
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                requests.get(self.base_url, timeout=5)
            except requests.ConnectionError:
                time.sleep(0.05)
            else:
                return self
        raise AssertionError("The emulator does not answer.")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(DEADLINE_SECONDS)


def test_restart_loses_no_order(tmp_path: Path) -> None:
    with Program(tmp_path) as first:
        merchant = Merchant(first.base_url)
        capture_id = merchant.captured()
        order_id = merchant.approved()
        Emulator(first.base_url).advance(60)
    assert first.process.returncode == 0
    with Program(tmp_path) as second:
        merchant.base_url = second.base_url
        assert merchant.get_capture(capture_id).json()["status"] == "COMPLETED"
        assert merchant.capture(order_id).status_code == 201


def test_killed_emulator_keeps_what_it_wrote(tmp_path: Path) -> None:
    with Program(tmp_path) as first:
        order_id = Merchant(first.base_url).approved()
        deadline = time.monotonic() + DEADLINE_SECONDS
        state = tmp_path / "state.json"
        while not (state.exists() and '"APPROVED"' in state.read_text()):
            assert time.monotonic() < deadline
        first.process.send_signal(signal.SIGKILL)
    with Program(tmp_path) as second:
        assert Merchant(second.base_url).get(order_id).json()["status"] == "APPROVED"


def test_webhook_refused_before_a_restart_is_sent_after_it(tmp_path: Path) -> None:
    listener = Listener()
    listener.refuse(1)
    options = ("--webhook-url", listener.url, "--webhook-id", "HOOK1")
    with Program(tmp_path, *options) as first:
        Merchant(first.base_url).approved()
        first_id = listener.wait_for(1)[0].event["id"]
    with Program(tmp_path, *options):
        assert listener.wait_for(2)[1].event["id"] == first_id
    listener.close()


def test_last_change_before_stopping_is_written(tmp_path: Path) -> None:
    path, books = tmp_path / "state.json", Books()
    file = StateFile(path, threading.RLock(), books)
    file.mark_changed()
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not path.exists():
        assert time.monotonic() < deadline
    books.ahead = 7.0
    file.close()
    assert load_file(path).ahead == 7.0


def test_unreadable_state_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"orders": ')
    with Program(tmp_path) as program:
        assert Emulator(program.base_url).orders() == []
    assert (tmp_path / "state.unreadable").exists()


def test_authority_stays_the_same_over_a_restart(tmp_path: Path) -> None:
    with Program(tmp_path):
        authority = (tmp_path / "ca.pem").read_text()
    with Program(tmp_path):
        assert (tmp_path / "ca.pem").read_text() == authority


def test_only_the_named_client_gets_a_token(tmp_path: Path) -> None:
    with Program(tmp_path, "--client-id", "shop", "--client-secret", "secret") as program:
        merchant = Merchant(program.base_url)
        assert merchant.ask_for_token("shop", "guess").status_code == 401
        assert merchant.ask_for_token("other", "secret").status_code == 401


def test_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "devtools.paypal", "--port", str(port)]
        ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert f"Cannot serve 127.0.0.1:{port}: Address already in use." in ended.stderr
