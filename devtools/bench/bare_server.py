"""Serve the bare views as the shop is served: with as many processes and threads."""

import os
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager

import requests

from devtools import environment
from devtools.ports import free_port

_PATIENCE_SECONDS = 30


@contextmanager
def bare_views(variables: Mapping[str, str]) -> Generator[str]:
    """Serve them from the stack's database and yield their address."""
    port = free_port()
    program = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", f"--bind=127.0.0.1:{port}", "devtools.bench.bare_views"],
        cwd=environment.PROJECT,
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # as the shop's: Linux shares the cores out by session
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url)
        yield url
    finally:
        program.terminate()
        program.wait()


def _wait_for(url: str) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            requests.post(f"{url}/", b"{}", timeout=_PATIENCE_SECONDS).raise_for_status()
        except requests.ConnectionError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return
