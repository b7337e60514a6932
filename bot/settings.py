"""The environment as one frozen model: the only place that reads environment variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr

from bot.wellformed import (
    address_trouble,
    channel_trouble,
    credentials_trouble,
    log_troubles,
    password_of,
    person_trouble,
    shown,
    url_trouble,
    user_of,
    with_slash,
    words,
)
from checks.sources.database.url import passwords_in

_SECRET_NAMES = (
    "EVOLUTION_API_KEY",
    "GOLIVE_LOKI_TOKEN",
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
)
"""Variables of the interface that hold a secret, which must therefore never occur in the log."""

_DATABASE_NAMES = (
    "GOLIVE_DATABASE_URL",
    "GOLIVE_REMEDIATION_DATABASE_URL",
    "GOLIVE_STORE_URL",
)
_ADDRESS_NAMES = ("GOLIVE_LOKI_URL", "EVOLUTION_API_URL", "BASE_URL")
"""Connection strings and addresses of the interface, each of which may carry a password."""

SLACK_API_URL: Final = "https://slack.com/api/"
"""The Web API that everybody uses; GovSlack and stand-ins have another."""

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

    operators: ids of users (U…, W…) and of user groups (S…); empty: nobody is an operator
    lead:      id of the user or user group that is called on escalation
    secrets:   every secret that golive was given, to be searched in the log as a literal
    metrics_port, metrics_host: where golive tells how it is; no port: nowhere, no host: everywhere
    ping_url:  requested after each successful tick; whoever knows it can feign that golive lives
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    log: Path | None = None
    loki_url: SecretStr | None = None
    loki_selector: str | None = None
    loki_token: SecretStr | None = None
    loki_tenant: str | None = None
    database_url: SecretStr | None = None
    base_url: str | None = None
    runbook: Path | None = None
    slack_bot_token: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    port: int | None = None
    slack_api_url: str = SLACK_API_URL
    channel: str | None = None
    operators: tuple[str, ...] = ()
    lead: str | None = None
    store_url: SecretStr | None = None
    remediation_database_url: SecretStr | None = None
    evolution_api_url: str | None = None
    evolution_api_key: SecretStr | None = None
    secrets: tuple[NamedSecret, ...] = ()
    metrics_port: int | None = None
    metrics_host: str | None = None
    ping_url: SecretStr | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings; an empty variable counts as not set.

        Raises:
            SettingsError: with everything that is wrong, together.
        """
        reader = _Reader(environment)
        log, runbook = reader.get("GOLIVE_LOG"), reader.get("GOLIVE_RUNBOOK")
        database, base_url = (
            reader.get("GOLIVE_DATABASE_URL"),
            reader.checked("BASE_URL", credentials_trouble),
        )
        secrets = (*reader.passwords(), *reader.secrets())
        settings = cls(
            log=Path(log) if log else None,
            loki_url=reader.secret("GOLIVE_LOKI_URL", url_trouble),
            loki_selector=reader.get("GOLIVE_LOKI_SELECTOR"),
            loki_token=reader.secret("GOLIVE_LOKI_TOKEN"),
            loki_tenant=reader.get("GOLIVE_LOKI_TENANT"),
            database_url=SecretStr(database) if database else None,
            base_url=base_url,
            runbook=Path(runbook) if runbook else None,
            slack_bot_token=reader.secret("SLACK_BOT_TOKEN"),
            slack_app_token=reader.secret("SLACK_APP_TOKEN"),
            slack_signing_secret=reader.secret("SLACK_SIGNING_SECRET"),
            port=reader.port("PORT"),
            slack_api_url=with_slash(reader.url("SLACK_API_URL") or SLACK_API_URL),
            channel=reader.checked("GOLIVE_CHANNEL", channel_trouble),
            operators=reader.people("GOLIVE_OPERATORS"),
            lead=reader.checked("GOLIVE_LEAD", person_trouble),
            store_url=reader.secret("GOLIVE_STORE_URL"),
            remediation_database_url=reader.secret("GOLIVE_REMEDIATION_DATABASE_URL"),
            evolution_api_url=reader.url("EVOLUTION_API_URL"),
            evolution_api_key=reader.secret("EVOLUTION_API_KEY"),
            secrets=secrets,
            metrics_port=reader.port("GOLIVE_METRICS_PORT"),
            metrics_host=reader.get("GOLIVE_METRICS_HOST"),
            ping_url=reader.secret("GOLIVE_PING_URL", address_trouble),
        )
        reader.errors += log_troubles(
            log=log, loki=settings.loki_url is not None, selector=settings.loki_selector
        )
        if reader.errors:
            raise SettingsError(tuple(dict.fromkeys(reader.errors)))
        return settings

    @property
    def slack_mode(self) -> Literal["socket", "http"] | None:
        """How Slack reaches the bot: with an app token Socket Mode, else with a secret HTTP."""
        if self.slack_app_token is not None:
            return "socket"
        return "http" if self.slack_signing_secret is not None else None

    def lacks_to_run(self) -> tuple[str, ...]:
        """What `golive run` still needs, a sentence each; empty where it can start."""
        missing: list[str] = []
        if self.slack_bot_token is None:
            missing.append("SLACK_BOT_TOKEN is not set. It is the bot token, xoxb-…, of the app.")
        elif not _starts(self.slack_bot_token, "xoxb-"):
            missing.append("SLACK_BOT_TOKEN is no bot token. Give it the one that starts xoxb-.")
        if self.slack_mode is None:
            missing.append(
                "Neither SLACK_APP_TOKEN (Socket Mode) nor SLACK_SIGNING_SECRET (HTTP mode) is set."
                " Set the app token, xapp-…, unless Slack can reach this machine over HTTPS."
            )
        if self.slack_app_token is not None and not _starts(self.slack_app_token, "xapp-"):
            missing.append("SLACK_APP_TOKEN is no app token. Give it the one that starts xapp-.")
        if self.slack_mode == "http" and self.port is None:
            missing.append("PORT is not set. HTTP mode needs the port to listen on, such as 3000.")
        if self.channel is None:
            missing.append(
                "GOLIVE_CHANNEL is not set. It is the id of the channel to post in, such as"
                " C0123456789."
            )
        if self.store_url is None:
            missing.append(
                "GOLIVE_STORE_URL is not set. It is the database that keeps the bot's own state."
            )
        return tuple(missing)

    @property
    def literals(self) -> tuple[str, ...]:
        """The values of all secrets, to search for and to hide. Never print them."""
        return tuple(secret.value.get_secret_value() for secret in self.secrets)

    @property
    def hidden(self) -> tuple[str, ...]:
        """What nothing may show: all secrets, who logs in with them, and the address pinged."""
        ping = self.ping_url.get_secret_value() if self.ping_url is not None else ""
        parts = urlsplit(ping)
        loki = self.loki_url.get_secret_value() if self.loki_url is not None else ""
        users = map(user_of, (loki, self.evolution_api_url or "", self.base_url or ""))
        known = (*self.literals, *users, ping, parts.path, parts.query)
        return tuple(dict.fromkeys(one for one in known if one))


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

    def secret(
        self, name: str, trouble: Callable[[str], str | None] = lambda _value: None
    ) -> SecretStr | None:
        """The value of `name`, which nothing prints, where nothing is wrong with it."""
        value = self.checked(name, trouble)
        return SecretStr(value) if value else None

    def url(self, name: str) -> str | None:
        """The value of `name` where it is an http or https URL."""
        return self.checked(name, url_trouble)

    def checked(self, name: str, trouble: Callable[[str], str | None]) -> str | None:
        """The value of `name` where nothing is wrong with it."""
        value = self.get(name)
        wrong = trouble(value) if value else None
        if wrong is None:
            return value
        self.errors.append(f"{name} {wrong}")
        return None

    def port(self, name: str) -> int | None:
        """The value of `name` as the number of a TCP port."""
        value = self.get(name)
        if value is None:
            return None
        if value.isascii() and value.isdigit() and 0 < int(value[:6]) < 65536:
            return int(value)
        self.errors.append(f"{name} is not a port. It takes a number from 1 to 65535.")
        return None

    def people(self, name: str) -> tuple[str, ...]:
        """The ids in the value of `name`, each once."""
        out: list[str] = []
        for entry in words(self.get(name)):
            wrong = person_trouble(entry)
            if wrong is None:
                out.append(entry)
            else:
                self.errors.append(f"{name}, entry {shown(entry)}, {wrong}")
        return tuple(dict.fromkeys(out))

    def secrets(self) -> list[NamedSecret]:
        """The secrets of the interface, and those that GOLIVE_SECRETS names."""
        named: list[str] = []
        for position, name in enumerate(words(self.get("GOLIVE_SECRETS")), start=1):
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
        """The passwords inside connection strings and addresses."""
        found = [
            *((name, passwords_in(self.get(name) or "")) for name in _DATABASE_NAMES),
            *((name, (password_of(self.get(name) or ""),)) for name in _ADDRESS_NAMES),
        ]
        return [
            NamedSecret(name=name, value=SecretStr(password))
            for name, passwords in found
            for password in passwords
            if password
        ]


def _starts(secret: SecretStr, prefix: str) -> bool:
    return secret.get_secret_value().startswith(prefix)
