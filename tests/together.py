"""Do several things at the very same moment, each in a thread with a connection of its own."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

Result = TypeVar("Result")
_PATIENCE_SECONDS = 60


def together(jobs: Sequence[Callable[[], Result]]) -> list[Result | Exception]:
    """Start all jobs from one barrier and return what each returned or raised, in their order."""
    barrier = threading.Barrier(len(jobs))

    def start(job: Callable[[], Result]) -> Result:
        try:
            connection.ensure_connection()
            barrier.wait(_PATIENCE_SECONDS)
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        futures = [pool.submit(start, job) for job in jobs]
        outcomes: list[Result | Exception] = []
        for future in futures:
            error = future.exception(_PATIENCE_SECONDS)
            if error is None:
                outcomes.append(future.result())
            elif isinstance(error, Exception):
                outcomes.append(error)
            else:
                raise error
    return outcomes
