"""The environment of `golive run`: Slack, the store, the people; what is refused and what lacks."""

from __future__ import annotations

import pytest

from bot.settings import SLACK_API_URL, Settings, SettingsError
from tests.support.secrecy.planted import Kind, plant

TOKEN = plant(Kind.SLACK, "xoxb-invented-and-secret")
STORE = "postgresql://golive:store-password@db/golive"
COMPLETE = {
    "SLACK_BOT_TOKEN": TOKEN,
    "SLACK_APP_TOKEN": "xapp-invented",
    "GOLIVE_CHANNEL": "C0123456789",
    "GOLIVE_STORE_URL": STORE,
}


def errors(**environment: str) -> tuple[str, ...]:
    """What is wrong with an environment."""
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment(environment)
    return refused.value.errors


def test_a_complete_environment_lacks_nothing() -> None:
    """Four variables are enough; nobody is an operator then."""
    settings = Settings.from_environment(COMPLETE)
    assert settings.lacks_to_run() == ()
    assert settings.slack_mode == "socket"
    assert settings.slack_api_url == SLACK_API_URL
    assert settings.operators == ()
    assert settings.lead is None


def test_http_mode_takes_a_signing_secret_and_a_port() -> None:
    """An app token decides for Socket Mode; without one the signing secret means HTTP."""
    http = {**COMPLETE, "SLACK_SIGNING_SECRET": "signing", "SLACK_APP_TOKEN": ""}
    assert Settings.from_environment(
        {**COMPLETE, **http, "SLACK_APP_TOKEN": "xapp-1"}
    ).slack_mode == ("socket")
    (lack,) = Settings.from_environment(http).lacks_to_run()
    assert lack.startswith("PORT is not set.")
    settings = Settings.from_environment({**http, "PORT": "3000"})
    assert settings.slack_mode == "http"
    assert settings.port == 3000
    assert settings.lacks_to_run() == ()


def test_what_lacks_is_a_sentence_each() -> None:
    """All of it at once, each with what to set."""
    lacks = Settings().lacks_to_run()
    assert [sentence.partition(" ")[0] for sentence in lacks] == [
        "SLACK_BOT_TOKEN",
        "Neither",
        "GOLIVE_CHANNEL",
        "GOLIVE_STORE_URL",
    ]


def test_tokens_in_each_other_s_place_are_named_and_not_shown() -> None:
    """The two tokens look alike and are often exchanged."""
    settings = Settings.from_environment(
        {**COMPLETE, "SLACK_BOT_TOKEN": "xapp-invented", "SLACK_APP_TOKEN": TOKEN}
    )
    lacks = " ".join(settings.lacks_to_run())
    assert "xoxb-." in lacks
    assert "xapp-." in lacks
    assert TOKEN not in lacks


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://slack-gov.com/api", "https://slack-gov.com/api/"),
        ("https://slack-gov.com/api//", "https://slack-gov.com/api/"),
        ("http://127.0.0.1:9999/api/", "http://127.0.0.1:9999/api/"),
    ],
)
def test_the_base_url_ends_in_one_slash(given: str, used: str) -> None:
    """As the client joins it with the name of a method."""
    assert Settings.from_environment({"SLACK_API_URL": given}).slack_api_url == used


@pytest.mark.parametrize("given", ["slack.com/api", "ftp://slack.com/", "https://", "http://[x"])
def test_a_base_url_that_is_none_is_refused(given: str) -> None:
    """Only http and https."""
    (error,) = errors(SLACK_API_URL=given)
    assert error.startswith("SLACK_API_URL is no URL.")


def test_operators_are_ids_and_a_wrong_one_is_named() -> None:
    """Users and user groups by id; separated by commas or spaces; each once."""
    settings = Settings.from_environment({"GOLIVE_OPERATORS": "U0AAA1, W0BBB2 S0CCC3,U0AAA1"})
    assert settings.operators == ("U0AAA1", "W0BBB2", "S0CCC3")
    told = errors(GOLIVE_OPERATORS="U0AAA1,@maria, B0BOT, xoxb-0123456789-0123456789")
    assert [error.split(",")[1] for error in told] == [
        " entry @maria",
        " entry B0BOT",
        " entry xoxb-012…",
    ]


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "٣", "99999999999999"])
def test_a_port_is_a_number_of_tcp(port: str) -> None:
    """Nothing else."""
    assert errors(PORT=port) == ("PORT is not a port. It takes a number from 1 to 65535.",)


def test_channel_and_lead_are_ids() -> None:
    """A name changes; an id does not."""
    told = errors(GOLIVE_CHANNEL="#go-live", GOLIVE_LEAD="@oncall", EVOLUTION_API_URL="evolution")
    assert [error.partition(" ")[0] for error in told] == [
        "GOLIVE_CHANNEL",
        "GOLIVE_LEAD",
        "EVOLUTION_API_URL",
    ]


def test_nothing_that_is_printed_shows_a_token() -> None:
    """Neither repr nor JSON."""
    settings = Settings.from_environment(
        {
            **COMPLETE,
            "SLACK_SIGNING_SECRET": "signing-secret",
            "EVOLUTION_API_KEY": "evolution-key",
            "GOLIVE_REMEDIATION_DATABASE_URL": "postgresql://w:writer-password@db/crm",
        }
    )
    printed = f"{settings!r} {settings.model_dump_json()}"
    for secret in (TOKEN, "signing-secret", "evolution-key", "store-password", "writer-password"):
        assert secret not in printed
    assert settings.store_url is not None
    assert settings.store_url.get_secret_value() == STORE
