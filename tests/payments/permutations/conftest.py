"""The surroundings of histories: real commits, the emulator, one time for both."""

from collections.abc import Generator

import pytest
from django.db import connection

from devtools.chaos.clocks import Clocks
from devtools.chaos.points import Points
from devtools.chaos.world import Surroundings
from devtools.paypal.client import Emulator


@pytest.fixture
def around(paypal: Emulator, transactional_db: None) -> Generator[Surroundings]:
    with Clocks(paypal) as clocks:
        yield Surroundings(paypal, clocks, Points())
    connection.close()
