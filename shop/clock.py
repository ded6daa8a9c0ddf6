"""What the order clock does each tick: a list of calls into the apps below."""

import logging
import threading
from collections.abc import Callable, Sequence

from django.conf import settings
from django.db import connection
from django.utils import timezone

from notifications.account_emails import forget_old_addresses
from notifications.database import DATABASE_AWAY
from notifications.heartbeat import beat
from notifications.shutdown import Shutdown
from notifications.tracing import traced
from payments import duties
from shop import duty_failures, failures, intake_reports, promises, spool
from shop.accounts.closing import forget_old_sign_ins, forget_unconfirmed
from shop.books import check_books
from shop.models import BooksCheck
from shop.rate_limits import forget_attempts
from shop.staff_digest import tell_staff_daily
from shop.tallies import forget_tallies, tally_hours

logger = logging.getLogger(__name__)

Duty = Callable[[], int]
_PROMISES_A_TICK = 50
# How the thread beats that PayPal may keep waiting; the other one beats for the program.
PAYPAL_THREAD = "clock-paypal"


def keep_promises() -> int:
    """Place what a web process promised and could not place any more."""
    kept = 0
    while kept < _PROMISES_A_TICK and promises.keep_abandoned():
        kept += 1
    return kept


def take_in_spool() -> int:
    """Take in what failed while PostgreSQL was away."""
    return spool.take_in(failures.store)


# Those that need the database alone come first, on a thread of their own: PayPal cannot delay them.
DATABASE_DUTIES: tuple[Duty, ...] = (
    keep_promises,
    take_in_spool,
    failures.close_answered,
    duties.remind_customers,
    duties.end_holds,
    duties.expire_orders,
    duties.report_unknown_captures,
    tell_staff_daily,
    duties.forget_webhooks,
    duties.forget_calls,
    promises.forget_settled,
    intake_reports.forget_reports,
    forget_attempts,
    forget_unconfirmed,
    forget_old_sign_ins,
    forget_old_addresses,
    tally_hours,
    forget_tallies,
)
PAYPAL_DUTIES: tuple[Duty, ...] = (
    duties.work_on_webhooks,
    duties.ask_paypal,
    duties.send_refunds,
    duties.compare_captures,
)
DUTIES = (*DATABASE_DUTIES, *PAYPAL_DUTIES)


def check_books_in_time() -> int:
    """Check the books when the last check is BOOKS_CHECK_MINUTES old; it may take long."""
    last = BooksCheck.objects.first()
    if last is None or timezone.now() - last.checked_at >= settings.BOOKS_CHECK:
        check_books()
    return 0


# On a thread of its own beside the ticks, which wait for it no more than for PayPal.
BOOKS_DUTIES: tuple[Duty, ...] = (check_books_in_time,)


def tick() -> int:
    """Do every duty once; return how many cases were dealt with.

    A duty that fails is logged with its traceback, kept for the metrics and the operations page
    (`shop.duty_failures`), and does not stop the rest.
    """
    return sum(_perform(duty) for duty in DUTIES)


def run(shutdown: Shutdown) -> None:
    """Tick every CLOCK_SECONDS until told to stop; finish what is in hand."""
    database = threading.Thread(
        target=_repeat, args=(shutdown, (_beat, *DATABASE_DUTIES)), name="clock-database"
    )
    books = threading.Thread(target=_repeat, args=(shutdown, BOOKS_DUTIES), name="clock-books")
    database.start()
    books.start()
    _repeat(shutdown, (_beat_for_paypal, *PAYPAL_DUTIES))
    database.join()
    books.join()


def _repeat(shutdown: Shutdown, duties_of_tick: Sequence[Duty]) -> None:
    while not shutdown.is_asked:
        for duty in duties_of_tick:
            if not shutdown.is_asked:
                _perform(duty)
        shutdown.wait(settings.CLOCK_SECONDS)
    connection.close()


def _beat() -> int:
    beat("clock")
    return 0


def _beat_for_paypal() -> int:
    beat(PAYPAL_THREAD)
    return 0


def _perform(duty: Duty) -> int:
    name = duty.__name__
    try:
        with traced(f"clock {name}", duty=name):
            done = _isolated(duty)
    except DATABASE_AWAY as error:
        logger.warning("Clock duty %s waits for PostgreSQL: %s", name, str(error).strip())
        connection.close()
        return 0
    if done:
        logger.info("Clock duty %s: %s", name, done)
    return done


def _isolated(duty: Duty) -> int:
    """Do a duty and keep how it ended; only PostgreSQL's absence is raised."""
    name = duty.__name__
    try:
        done = duty()
    except DATABASE_AWAY:
        raise
    except Exception as error:
        logger.exception("Clock duty %s failed; the next tick tries it again", name)
        connection.close()
        duty_failures.note_failure(name, error)
        return 0
    duty_failures.note_success(name)
    return done
