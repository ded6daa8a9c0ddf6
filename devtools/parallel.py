"""Do several things at once and fail with the first that fails."""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread


def in_parallel(*tasks: Callable[[], None]) -> None:
    """Return when all tasks are done; raise the first error at once.

    The threads are daemons: whoever gives up waiting may end the process.
    """
    outcomes: SimpleQueue[BaseException | None] = SimpleQueue()

    def run(task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as error:  # noqa: BLE001 - it is raised in the waiting thread
            outcomes.put(error)
        else:
            outcomes.put(None)

    for task in tasks:
        Thread(target=run, args=[task], daemon=True).start()
    for _ in tasks:
        if (error := outcomes.get()) is not None:
            raise error
