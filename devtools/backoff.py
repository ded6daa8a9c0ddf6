"""Become a program of the stack; wait first when it keeps dying.

Called as a script: `backoff.py STATE_FILE USER|- COMMAND…`. Supervisor restarts at once and would
give up on a program that fails to start; this waits instead, a little longer each time, and then
turns into the program itself, so that its process is the one that supervisor knows.
"""

import json
import os
import pwd
import sys
import time
from pathlib import Path

_SHORT_LIFE = 5.0
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 8.0


def seconds_to_wait(deaths: int) -> float:
    """Return how long to wait after so many short lives in a row."""
    return 0 if deaths == 0 else min(_FIRST_WAIT * 2 ** min(deaths - 1, 10), _LONGEST_WAIT)


def _deaths_in_a_row(state: Path) -> int:
    if not state.exists():
        return 0
    last = json.loads(state.read_text())
    lived = time.time() - last["started_at"]
    return last["deaths"] + 1 if lived < _SHORT_LIFE else 0


def main(state: Path, user: str, command: list[str]) -> None:
    deaths = _deaths_in_a_row(state)
    wait = seconds_to_wait(deaths)
    if wait:
        print(f"Ended soon after its start, {deaths} times in a row: waiting {wait} s.", flush=True)
        time.sleep(wait)
    state.write_text(json.dumps({"started_at": time.time(), "deaths": deaths}))
    if user != "-":
        account = pwd.getpwnam(user)
        os.initgroups(user, account.pw_gid)
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    os.execvp(command[0], command)  # noqa: S606 - becoming the program is the purpose


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
