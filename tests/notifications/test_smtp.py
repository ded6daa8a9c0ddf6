"""Our mail backend, over real sockets: one connection a thread, pipelined where that is offered."""

import socket
import ssl
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from pytest_django import Settings

from devtools.mailbox.client import Mailbox
from devtools.mailbox.faults import Faults
from devtools.mailbox.server import MailboxServer
from devtools.mailbox.smtp import SmtpServer
from devtools.mailbox.store import Store
from devtools.ports import free_port
from notifications import smtp
from notifications.mailer import Answer, Mailer, MailServerAway
from tests.notifications.scripted_smtp import HANG_UP, SILENCE, ScriptedServer, scripted_server


@pytest.fixture(autouse=True)
def fresh_connections(settings: Settings) -> Generator[None]:
    settings.EMAIL_BACKEND = "notifications.smtp.EmailBackend"
    yield
    smtp.hang_up()


def email(body: str = "Hello", to: str = "mai@example.com") -> EmailMessage:
    return EmailMessage("Greeting", body, "shop@example.com", [to])


def mailer(settings: Settings, server: ScriptedServer) -> Mailer:
    settings.EMAIL_PORT = server.port
    found = Mailer()
    found.open()
    return found


def send(sender: Mailer, message: EmailMessage) -> Answer:
    sender.announce(message)
    sender.hand_over()
    return sender.reply().answer


def test_envelope_is_sent_at_once_where_the_server_offers_it(settings: Settings) -> None:
    settings.EMAIL_TIMEOUT = 5
    with scripted_server(keeps_back=True) as server:
        assert send(mailer(settings, server), email()) is Answer.ACCEPTED
        assert server.commands == ["EHLO", "MAIL", "RCPT", "DATA"]


def test_envelope_is_sent_step_by_step_where_it_is_not_offered(settings: Settings) -> None:
    settings.EMAIL_PORT = free_port()
    with MailboxServer(
        http_port=free_port(), smtp_port=settings.EMAIL_PORT, pipelining=False
    ) as server:
        get_connection().send_messages([email("one"), email("two")])
        assert len(Mailbox(server.url).messages()) == 2
        (connection,) = smtp._connections().values()
        assert not connection.has_extn("pipelining")
        smtp.hang_up()


def test_body_arrives_as_it_was_written(mailbox: Mailbox) -> None:
    text = ".lone\n.\n..\nĐà Lạt\n"
    get_connection().send_messages([email(text)])
    assert mailbox.message(mailbox.messages()[0]["id"])["text"].replace("\r\n", "\n") == text


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ({"MAIL": "451 busy"}, Answer.NOT_NOW),
        ({"RCPT": "450 greylisted"}, Answer.NOT_NOW),
        ({"RCPT": "550 nobody"}, Answer.NEVER),
        ({"RCPT": "550 nobody", "DATA": "554 no valid recipients"}, Answer.NEVER),
        ({"DATA": "451 disk full"}, Answer.NOT_NOW),
        ({".": "552 too large"}, Answer.NEVER),
        ({".": "451 scanner is slow"}, Answer.NOT_NOW),
    ],
    ids=str,
)
def test_refusal_concerns_that_email_alone(
    settings: Settings, script: dict[str, str], answer: Answer
) -> None:
    with scripted_server(script) as server:
        sender = mailer(settings, server)
        assert send(sender, email("refused")) is answer
        assert send(sender, email("taken")) is Answer.ACCEPTED
        assert server.commands.count("EHLO") == 1
        assert b"taken" in server.bodies[-1]


@pytest.mark.parametrize("stage", ["RCPT", "."])
def test_refusal_stands_though_the_server_hangs_up_after_it(settings: Settings, stage: str) -> None:
    with scripted_server({stage: "550 nobody", "RSET": HANG_UP}) as server:
        sender = mailer(settings, server)
        assert send(sender, email()) is Answer.NEVER
        assert send(sender, email()) is Answer.ACCEPTED


def test_refused_content_leaves_no_transaction_open_without_pipelining(settings: Settings) -> None:
    with scripted_server({"DATA": "451 later"}, pipelining=False) as server:
        sender = mailer(settings, server)
        assert send(sender, email()) is Answer.NOT_NOW
        assert send(sender, email()) is Answer.ACCEPTED
        sent = ["MAIL", "RCPT", "DATA"]
        assert server.commands == ["EHLO", *sent, "RSET", *sent]


def test_no_body_follows_a_refused_envelope(settings: Settings) -> None:
    with scripted_server({"RCPT": "550 nobody"}) as server:  # it says 354 all the same
        send(mailer(settings, server), email("secret"))
        assert server.bodies == [b""]


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "."])
def test_server_that_goes_down_is_away(settings: Settings, stage: str) -> None:
    with scripted_server({stage: "421 closing"}) as server:
        sender = mailer(settings, server)
        assert send(sender, email()) is Answer.AWAY
        sender.open()
        assert send(sender, email()) is Answer.ACCEPTED


def test_connection_lost_at_the_dot_leaves_it_unknown(settings: Settings) -> None:
    with scripted_server({".": HANG_UP}) as server:
        assert send(mailer(settings, server), email()) is Answer.NONE


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "."])
def test_server_that_says_nothing_is_given_up_and_the_next_email_sent(
    settings: Settings, stage: str
) -> None:
    settings.EMAIL_TIMEOUT = 0.5
    with scripted_server({stage: SILENCE}) as server:
        sender = mailer(settings, server)
        assert send(sender, email()) is Answer.NONE
        sender.open()
        assert send(sender, email()) is Answer.ACCEPTED


def test_server_that_does_not_even_greet_is_away(settings: Settings) -> None:
    settings.EMAIL_TIMEOUT = 0.5
    with (
        scripted_server({"CONNECT": SILENCE}) as server,
        pytest.raises(MailServerAway, match="timed out"),
    ):
        mailer(settings, server)


@pytest.mark.parametrize("banner", ["554 no service", "421 too busy", HANG_UP])
def test_refusal_at_the_banner_is_a_server_that_is_away(settings: Settings, banner: str) -> None:
    with scripted_server({"CONNECT": banner}) as server, pytest.raises(MailServerAway):
        mailer(settings, server)


def test_one_thread_has_one_connection_and_another_its_own(settings: Settings) -> None:
    with scripted_server() as server:
        settings.EMAIL_PORT = server.port
        for _ in range(3):
            get_connection().send_messages([email()])
        assert server.commands.count("EHLO") == 1

        def elsewhere() -> None:
            backend = get_connection()
            backend.send_messages([email()])
            backend.close()

        thread = Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert server.commands.count("EHLO") == 2


def test_connection_that_died_while_idle_is_opened_anew(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "_IDLE_SECONDS", 0)
    with scripted_server({"NOOP": [HANG_UP, "421 idle for too long"]}) as server:
        sender = mailer(settings, server)
        assert send(sender, email()) is Answer.ACCEPTED
        assert send(sender, email()) is Answer.ACCEPTED
        assert len(server.bodies) == 2


def test_address_with_a_line_break_adds_no_recipient(settings: Settings) -> None:
    broken = "b@example.com>\r\nRCPT TO:<d@example.com"
    with scripted_server() as server:
        sender = mailer(settings, server)
        assert send(sender, email(to=broken)) is Answer.NEVER
        (connection,) = smtp._connections().values()
        connection.announce("a@example.com", [broken], 1)
        connection.hand_over(b"x")
        connection.confirm()
        assert server.commands.count("RCPT") == 1


def test_email_announced_and_not_handed_over_is_never_sent(settings: Settings) -> None:
    with scripted_server() as server:
        sender = mailer(settings, server)
        sender.announce(email("withdrawn"))
        sender.close()
        assert send(sender, email("taken")) is Answer.ACCEPTED
        (taken,) = server.bodies
        assert b"taken" in taken


def test_connection_left_amid_a_message_is_not_used_again(settings: Settings) -> None:
    with scripted_server() as server:
        mailer(settings, server).announce(email("left"))
        assert send(mailer(settings, server), email("taken")) is Answer.ACCEPTED
        assert server.commands.count("EHLO") == 2
        (taken,) = server.bodies
        assert b"taken" in taken


def test_kept_connection_that_breaks_at_the_envelope_is_opened_anew(settings: Settings) -> None:
    with scripted_server() as server:
        sender = mailer(settings, server)
        send(sender, email())
        (connection,) = smtp._connections().values()
        assert connection.sock
        connection.sock.shutdown(socket.SHUT_WR)
        assert send(sender, email()) is Answer.ACCEPTED
        assert server.commands.count("EHLO") == 2


class _Provider(BaseEmailBackend):
    """A backend like Anymail's: it speaks HTTP and has errors of its own."""

    status = 0
    problem = ""

    def open(self) -> None:
        if self.problem:
            raise RuntimeError(self.problem)

    def send_messages(self, email_messages: object) -> int:
        error = RuntimeError("the provider said no")
        error.status_code = self.status or None  # type: ignore[attr-defined]
        raise error


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (422, Answer.NEVER),
        (429, Answer.NOT_NOW),
        (503, Answer.NOT_NOW),
        (0, Answer.NONE),
    ],
)
def test_providers_errors_are_judged_by_their_status(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, status: int, answer: Answer
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}._Provider"
    monkeypatch.setattr(_Provider, "status", status)
    assert send(Mailer(), email()) is answer


def test_provider_that_cannot_be_opened_is_away(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}._Provider"
    monkeypatch.setattr(_Provider, "problem", "no key")
    with pytest.raises(MailServerAway, match="no key"):
        Mailer().announce(email())


# --- TLS


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a file with a key and a certificate of 127.0.0.1 that nobody has vouched for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    plain = serialization.NoEncryption()
    private = serialization.PrivateFormat.PKCS8
    pem = serialization.Encoding.PEM
    file.write_bytes(key.private_bytes(pem, private, plain) + signed.public_bytes(pem))
    return file


@pytest.fixture
def tls_server(certificate: Path, settings: Settings) -> Generator[None]:
    """Serve SMTP that insists on STARTTLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", free_port()
    settings.EMAIL_USE_TLS = True
    server = SmtpServer(Store(), Faults(), port=settings.EMAIL_PORT, tls_context=context)
    server.start()
    yield
    server.stop()


@pytest.mark.usefixtures("tls_server")
def test_certificate_nobody_vouches_for_is_refused() -> None:
    with pytest.raises(MailServerAway, match="CERTIFICATE_VERIFY_FAILED"):
        Mailer().open()


@pytest.mark.usefixtures("tls_server")
def test_certificate_of_a_known_authority_is_trusted(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert send(Mailer(), email()) is Answer.ACCEPTED
