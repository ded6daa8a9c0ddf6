"""What the development stack is made of: from the environment, and what the stack adds to it."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devtools import environment
from devtools.postgres import Postgres

DATABASE = "ganh"
_PORTS = {
    "WEB_PORT": 8000,
    "PAYPAL_PORT": 8001,
    "MAILBOX_PORT": 8002,
    "SMTP_PORT": 8025,
    "KAFKA_PORT": 9092,
}


class WrongConfiguration(Exception):
    """A variable that the stack cannot work with; the message names it."""


@dataclass(frozen=True)
class Configuration:
    """One stack: where its state lives, its ports, and which services are its own."""

    folder: Path
    given: Mapping[str, str]  # the variables of the shop that were set from outside
    ports: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls) -> "Configuration":
        """Read the environment, without what an earlier `.dev/env` has put there."""
        environment.forget_stack(os.environ)
        names = environment.documented_names()
        given = {name: value for name, value in os.environ.items() if name in names and value}
        ports = {name: _port(name, default) for name, default in _PORTS.items()}
        return cls(environment.development_folder(), given, ports)

    @property
    def has_postgres(self) -> bool:
        return "DATABASE_URL" not in self.given

    @property
    def has_kafka(self) -> bool:
        return "KAFKA_BOOTSTRAP_SERVERS" not in self.given

    @property
    def has_mailbox(self) -> bool:
        return "EMAIL_URL" not in self.given

    @property
    def has_paypal(self) -> bool:
        is_emulated = self.given.get("PAYPAL_ENVIRONMENT", "emulator") == "emulator"
        return is_emulated and "PAYPAL_BASE_URL" not in self.given

    @property
    def postgres(self) -> Postgres:
        return Postgres(self.folder / "postgres")

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def shop_url(self) -> str:
        """Return where the web server listens, whatever SHOP_URL says to the world."""
        return f"http://127.0.0.1:{self.ports['WEB_PORT']}"

    @property
    def emulator_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['PAYPAL_PORT']}"

    @property
    def mailbox_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['MAILBOX_PORT']}"

    def used_ports(self) -> list[str]:
        """Name the variables of the ports that the stack listens on itself."""
        used = {
            "WEB_PORT": True,
            "PAYPAL_PORT": self.has_paypal,
            "MAILBOX_PORT": self.has_mailbox,
            "SMTP_PORT": self.has_mailbox,
            "KAFKA_PORT": self.has_kafka,
        }
        return [name for name, is_used in used.items() if is_used]

    def variables(self) -> dict[str, str]:
        """Return the shop's variables: the stack's own, and over them those set from outside."""
        return {**self._folders(), **self._services(), **self._paypal(), **self.given}

    def write_environment(self) -> None:
        """Write `.dev/env` for other terminals."""
        ports = {name: str(port) for name, port in self.ports.items()}
        path = self.folder / "env"
        environment.write(path, {**self.variables(), **ports, environment.FROM_STACK: str(path)})

    def _folders(self) -> dict[str, str]:
        return {
            "SPOOL_DIR": str(self.folder / "spool"),
            "STATIC_ROOT": str(self.folder / "static"),
            "MEDIA_ROOT": str(self.folder / "media"),
        }

    def _services(self) -> dict[str, str]:
        return {
            "SHOP_URL": self.shop_url,
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "SECRET_KEY": self._secret("SECRET_KEY"),
            "DATABASE_URL": self.postgres.url(DATABASE),
            "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{self.ports['KAFKA_PORT']}",
            "EMAIL_URL": f"smtp://127.0.0.1:{self.ports['SMTP_PORT']}",
            "DEFAULT_FROM_EMAIL": f"{self.given.get('SHOP_NAME', 'Gánh')} <orders@example.com>",
            "STAFF_EMAIL": "staff@example.com",
            "LOG_FORMAT": "lines",
        }

    def _paypal(self) -> dict[str, str]:
        if self.given.get("PAYPAL_ENVIRONMENT", "emulator") != "emulator":
            return {}
        names = ("PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET", "PAYPAL_WEBHOOK_ID")
        return {
            "PAYPAL_ENVIRONMENT": "emulator",
            "PAYPAL_BASE_URL": self.emulator_url,
            "PAYPAL_EMULATOR_CA_FILE": str(self.emulator_folder / "ca.pem"),
            **{name: self._secret(name) for name in names},
        }

    @property
    def emulator_folder(self) -> Path:
        return self.folder / "paypal"

    def _secret(self, name: str) -> str:
        """Return a secret that was made once for this stack."""
        path = self.folder / "secrets"
        kept = environment.read(path)
        if name not in kept:
            self.folder.mkdir(parents=True, exist_ok=True)
            kept[name] = secrets.token_urlsafe(48)
            environment.write(path, kept)
        return kept[name]


def _port(name: str, default: int) -> int:
    value = os.environ.get(name, "") or str(default)
    if not value.isdecimal() or not 0 < int(value) < 65_536:
        raise WrongConfiguration(f"{name} must be a port between 1 and 65535, not {value!r}.")
    return int(value)
