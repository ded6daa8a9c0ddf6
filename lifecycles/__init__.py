"""What every state machine of the shop shares: transition tables as data, kept by PostgreSQL too.

The lowest layer: it knows no app. Each app's own table stands in its `lifecycle.py`.
"""

from collections.abc import Mapping

import pgtrigger

Transitions = Mapping[str, frozenset[str]]


class IllegalTransition(Exception):
    """This state does not lead there."""

    def __init__(self, thing: str, old: str, new: str) -> None:
        super().__init__(f"{thing} cannot go from {old} to {new}.")


def check_transition(transitions: Transitions, *, thing: str, old: str, new: str) -> None:
    """Raise IllegalTransition unless the table leads from `old` to `new`."""
    if new not in transitions[old]:
        raise IllegalTransition(thing, old, new)


def guard_states(
    transitions: Transitions, *, initial: str, field: str = "status"
) -> list[pgtrigger.Trigger]:
    """Return triggers by which PostgreSQL refuses any other start and any other step."""
    steps = [(old, new) for old, following in transitions.items() for new in sorted(following)]
    return [
        pgtrigger.FSM(name=f"{field}_steps", field=field, transitions=steps),
        pgtrigger.Protect(
            name=f"{field}_starts",
            operation=pgtrigger.Insert,
            condition=~pgtrigger.Q(**{f"new__{field}": initial}),
        ),
    ]


def append_only() -> list[pgtrigger.Trigger]:
    """Return the trigger by which PostgreSQL refuses to change or delete a row of history."""
    return [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]


def kept_for(days: int, *, since: str) -> list[pgtrigger.Trigger]:
    """Return triggers by which a row never changes, and is deleted only when it is so old."""
    young = pgtrigger.Condition(f"OLD.{since} > now() - interval '{days} days'")
    return [
        pgtrigger.Protect(name="never_changes", operation=pgtrigger.Update),
        pgtrigger.Protect(name="kept_while_young", operation=pgtrigger.Delete, condition=young),
    ]
