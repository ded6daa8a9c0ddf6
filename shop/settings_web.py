"""The settings of a web process: the same, with a bound on its database connections.

A process holds at most its intake workers and WEB_DB_CONNECTIONS more. Programs with one or two
threads (relay, consumer, clock, commands) need no pool and use `shop.settings`.
"""

from shop.settings import *  # noqa: F403
from shop.settings import DATABASES, INTAKE_WORKERS_HERE, WEB_DB_CONNECTIONS

DATABASES["default"] |= {
    "ENGINE": "dj_db_conn_pool.backends.postgresql",
    "POOL_OPTIONS": {
        "POOL_SIZE": INTAKE_WORKERS_HERE + WEB_DB_CONNECTIONS,
        "MAX_OVERFLOW": 0,
        "TIMEOUT": 10,
        "PRE_PING": True,
    },
}
