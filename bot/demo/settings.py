"""What the demo puts into the bot's environment, as whoever runs golive for real would."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from bot.demo.databases import Databases
from bot.demo.place import INCIDENTS, OPERATOR, SECOND_OPERATOR
from bot.demo.workspace import Credentials, people
from bot.settings import Settings
from checks.engine.runbook import shipped_runbook


def demo_settings(
    *,
    log: Path,
    databases: Databases,
    base_url: str,
    evolution_url: str,
    evolution_key: str,
    slack: Credentials,
    slack_url: str,
    runbook: Path,
    token: str,
) -> Settings:
    """The settings of the bot in the demo; `token` is what the application's hooks ask for."""
    environment: Mapping[str, str] = {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack_url,
        "GOLIVE_CHANNEL": INCIDENTS,
        "GOLIVE_OPERATORS": f"{OPERATOR},{SECOND_OPERATOR}",
        "GOLIVE_LEAD": people.OPERATORS,
        "GOLIVE_LOG": str(log),
        "GOLIVE_DATABASE_URL": databases.reader,
        "GOLIVE_REMEDIATION_DATABASE_URL": databases.fixer,
        "GOLIVE_STORE_URL": databases.store,
        "GOLIVE_RUNBOOK": str(runbook),
        "BASE_URL": base_url,
        "EVOLUTION_API_URL": evolution_url,
        "EVOLUTION_API_KEY": evolution_key,
        "GOLIVE_SECRETS": "RESEND_TOKEN",
        "RESEND_TOKEN": token,
    }
    return Settings.from_environment(environment)


def write_runbook(path: Path, base_url: str) -> Path:
    """The shipped runbook, with the two hooks filled in that the application has."""
    book = cast("dict[str, Any]", yaml.safe_load(shipped_runbook().read_text(encoding="utf-8")))
    fixes = book.get("remediation")
    if fixes:
        for kind, hook, route in (
            ("reset_messages", "resend", "resend"),
            ("reset_campaign", "redispatch", "dispatch"),
        ):
            fixes[kind][hook] = {
                "url": f"{base_url}/internal/{route}",
                "token": "RESEND_TOKEN",
                "timeout": "10s",
            }
    path.write_text(yaml.safe_dump(book, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path
