"""The environment: what is read from it, what is refused, and what never shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.settings import Settings, SettingsError
from bot.wellformed import password_of
from tests.support.secrecy.planted import Kind, plant

KEY = plant(Kind.KEY, "a-key-that-nobody-may-see")


def test_an_empty_environment_gives_nothing() -> None:
    """No variable is needed; an empty one counts as not set."""
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment({"GOLIVE_LOG": "", "BASE_URL": "  "}) == Settings()


def test_every_variable_is_read_also_from_a_mounted_file(tmp_path: Path) -> None:
    """NAME_FILE points to a file that holds the value, with or without a newline."""
    values = {
        "GOLIVE_LOG": "/var/log/app.log",
        "GOLIVE_DATABASE_URL": "postgresql://reader@db/crm",
        "BASE_URL": "https://crm.example.org",
        "GOLIVE_RUNBOOK": "/etc/golive/runbook.yaml",
        "EVOLUTION_API_KEY": KEY,
    }
    mounted: dict[str, str] = {}
    for name, value in values.items():
        file = tmp_path / name
        file.write_text(f"{value}\n", encoding="utf-8")
        mounted[f"{name}_FILE"] = str(file)
    settings = Settings.from_environment(mounted)
    assert settings == Settings.from_environment(values)
    assert settings.log == Path("/var/log/app.log")
    assert settings.runbook == Path("/etc/golive/runbook.yaml")
    assert settings.base_url == "https://crm.example.org"
    assert settings.literals == (KEY,)


def test_every_secret_is_known_as_a_literal() -> None:
    """The interface's own, those that GOLIVE_SECRETS names, and passwords in connection strings."""
    settings = Settings.from_environment(
        {
            "EVOLUTION_API_KEY": KEY,
            "SLACK_BOT_TOKEN": "xoxb-1",
            "GOLIVE_SECRETS": "JWT_ACCESS_SECRET, STRIPE_KEY",
            "JWT_ACCESS_SECRET": "jwt-signing",
            "STRIPE_KEY": "stripe",
            "GOLIVE_DATABASE_URL": "postgresql://u:p%40ss@db/crm",
            "GOLIVE_STORE_URL": "postgresql://u@db/store",
        }
    )
    assert set(settings.literals) == {KEY, "xoxb-1", "jwt-signing", "stripe", "p@ss"}


def test_nothing_that_is_printed_of_the_settings_shows_a_secret() -> None:
    """Neither repr nor str nor JSON."""
    settings = Settings.from_environment(
        {"EVOLUTION_API_KEY": KEY, "GOLIVE_DATABASE_URL": f"postgresql://u:{KEY}@db/crm"}
    )
    assert KEY not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_settings_are_frozen() -> None:
    """Nothing changes them after start."""
    with pytest.raises(ValidationError):
        Settings().log = Path("x")  # pyright: ignore[reportAttributeAccessIssue] - the point


def test_everything_that_is_wrong_is_told_together(tmp_path: Path) -> None:
    """One round trip for the person who mends it."""
    empty = tmp_path / "empty"
    empty.write_text("\n", encoding="utf-8")
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment(
            {
                "GOLIVE_LOG": "x",
                "GOLIVE_LOG_FILE": "y",
                "BASE_URL_FILE": str(tmp_path / "nothing"),
                "EVOLUTION_API_KEY_FILE": str(empty),
                "SLACK_BOT_TOKEN_FILE": str(binary),
                "GOLIVE_SECRETS": "NOT_SET",
            }
        )
    assert [error.partition(" ")[0] for error in refused.value.errors] == [
        "GOLIVE_LOG",
        "BASE_URL_FILE",
        "EVOLUTION_API_KEY_FILE",
        "SLACK_BOT_TOKEN_FILE",
        "GOLIVE_SECRETS",
    ]


def test_a_secret_put_where_a_name_belongs_is_not_repeated() -> None:
    """GOLIVE_SECRETS takes names; a value there is refused without being shown."""
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({"GOLIVE_SECRETS": f"JWT_SECRET,{KEY}", "JWT_SECRET": "x"})
    assert KEY not in str(refused.value)
    assert "entry 2" in str(refused.value)


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://u:p@h/d", "p"),
        ("postgresql://u@h/d", None),
        ("host=h password=p", None),
        ("postgresql://[broken", None),
        ("", None),
    ],
)
def test_the_password_of_a_url(url: str, password: str | None) -> None:
    """None where there is none, and no error for what is no URL."""
    assert password_of(url) == password
