"""The environment as one frozen model: the only place that reads environment variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr

_SECRET_NAMES = (
    "EVOLUTION_API_KEY",
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
)
"""Variables of the interface that hold a secret, which must therefore never occur in the log."""

_DATABASE_NAMES = ("GOLIVE_DATABASE_URL", "GOLIVE_REMEDIATION_DATABASE_URL", "GOLIVE_STORE_URL")
"""Connection strings of the interface, each of which may carry a password."""

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


class SettingsError(Exception):
    """The environment cannot be used. `errors` are sentences, one for each thing that is wrong."""

    def __init__(self, errors: tuple[str, ...]) -> None:
        super().__init__(" ".join(errors))
        self.errors = errors


class NamedSecret(BaseModel):
    """A secret, and the variable that it came from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: SecretStr


class Settings(BaseModel):
    """What `golive` takes from its environment (interface.md names the variables).

    secrets: every secret that golive was given, to be searched in the log as a literal.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    log: Path | None = None
    database_url: SecretStr | None = None
    base_url: str | None = None
    runbook: Path | None = None
    secrets: tuple[NamedSecret, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings; an empty variable counts as not set.

        Raises:
            SettingsError: with everything that is wrong, together.
        """
        reader = _Reader(environment)
        log, runbook = reader.get("GOLIVE_LOG"), reader.get("GOLIVE_RUNBOOK")
        database, base_url = reader.get("GOLIVE_DATABASE_URL"), reader.get("BASE_URL")
        secrets = (*reader.passwords(), *reader.secrets())
        if reader.errors:
            raise SettingsError(tuple(dict.fromkeys(reader.errors)))
        return cls(
            log=Path(log) if log else None,
            database_url=SecretStr(database) if database else None,
            base_url=base_url,
            runbook=Path(runbook) if runbook else None,
            secrets=secrets,
        )

    @property
    def literals(self) -> tuple[str, ...]:
        """The values of all secrets, to search for and to hide. Never print them."""
        return tuple(secret.value.get_secret_value() for secret in self.secrets)


class _Reader:
    """Takes values out of an environment and collects what is wrong with it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.errors: list[str] = []

    def get(self, name: str) -> str | None:
        """The value of `name`, or the content of the file that `name_FILE` points to."""
        value = self._environment.get(name, "").strip()
        path = self._environment.get(f"{name}_FILE", "").strip()
        if not path:
            return value or None
        if value:
            self.errors.append(f"{name} and {name}_FILE are both set. Unset one of them.")
            return None
        try:
            content = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            self.errors.append(f"{name}_FILE cannot be read: {reason} ({path}).")
            return None
        if not content:
            self.errors.append(f"{name}_FILE is empty ({path}).")
        return content or None

    def secrets(self) -> list[NamedSecret]:
        """The secrets of the interface, and those that GOLIVE_SECRETS names."""
        named: list[str] = []
        for position, name in enumerate(_words(self.get("GOLIVE_SECRETS")), start=1):
            if _VARIABLE.fullmatch(name):
                named.append(name)
            else:  # it may be the secret itself, put here by mistake: never repeat it
                self.errors.append(
                    f"GOLIVE_SECRETS, entry {position} is not the name of an environment variable."
                    " It takes names such as JWT_ACCESS_SECRET, not values."
                )
        out: list[NamedSecret] = []
        for name in dict.fromkeys((*_SECRET_NAMES, *named)):
            value = self.get(name)
            if value is not None:
                out.append(NamedSecret(name=name, value=SecretStr(value)))
            elif name in named:
                self.errors.append(
                    f"GOLIVE_SECRETS names {name}, which is not set. Set it, or take it out."
                )
        return out

    def passwords(self) -> list[NamedSecret]:
        """The passwords inside the connection strings."""
        out: list[NamedSecret] = []
        for name in _DATABASE_NAMES:
            password = password_of(self.get(name) or "")
            if password:
                out.append(NamedSecret(name=name, value=SecretStr(password)))
        return out


def _words(text: str | None) -> list[str]:
    return (text or "").replace(",", " ").split()


def password_of(url: str) -> str | None:
    """The password in a connection string, decoded; None where there is none."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return None
    return unquote(password) if password else None
