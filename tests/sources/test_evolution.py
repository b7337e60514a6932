"""The Evolution client over real sockets: what it answers, whom it asks, what it keeps quiet."""

from __future__ import annotations

import logging

import pytest

from bot.demo.evolution import EvolutionStandIn
from checks.engine.model import Json, Problem
from checks.sources.evolution import (
    Call,
    EvolutionClient,
    FailureKind,
    Instance,
    LinkState,
    Reply,
    Server,
    ServerSettings,
    Transport,
    Webhook,
    server_of,
)
from tests.sources.evolution_calls import KEY, PASSWORD, QUICK, SECRET, WEBHOOK, failed, server

# --- what it answers ----------------------------------------------------------------------------


async def test_the_states_are_told(evolution: EvolutionStandIn, client: EvolutionClient) -> None:
    """open, connecting and close are told as they are; an absent or other one is unknown."""
    asked = server(evolution.url)
    for said, state in [
        ("open", LinkState.OPEN),
        ("connecting", LinkState.CONNECTING),
        ("close", LinkState.CLOSE),
        (None, LinkState.UNKNOWN),
        ("refused", LinkState.UNKNOWN),
    ]:
        evolution.instances["unit_a"].state = said
        assert await client.state(asked, "unit_a") is state


async def test_the_instances_are_listed_without_their_tokens(
    evolution: EvolutionStandIn, client: EvolutionClient
) -> None:
    """A name and a state each; the token is not kept."""
    listed = await client.instances(server(evolution.url))
    assert listed == (Instance(name="unit_a", state=LinkState.OPEN),)
    assert evolution.instances["unit_a"].token not in repr(listed)


async def test_the_webhook_is_read_and_its_address_not_shown(
    evolution: EvolutionStandIn, client: EvolutionClient
) -> None:
    """The row is there to be compared; its repr does not hold the secret."""
    found = await client.webhook(server(evolution.url), "unit_a")
    assert isinstance(found, Webhook)
    assert (found.url, found.enabled, found.by_events) == (WEBHOOK, True, False)
    assert SECRET not in repr(found)


async def test_no_webhook_is_none(evolution: EvolutionStandIn, client: EvolutionClient) -> None:
    """A null row is an answer and no failure."""
    evolution.add("unit_b")
    assert await client.webhook(server(evolution.url), "unit_b") is None


async def test_a_wrong_key_is_told(evolution: EvolutionStandIn, client: EvolutionClient) -> None:
    """401 is the key's fault, in every call about something that exists."""
    asked = server(evolution.url, key="some-other-key")
    failed(await client.instances(asked), FailureKind.WRONG_KEY)
    failed(await client.state(asked, "unit_a"), FailureKind.WRONG_KEY)
    failure = failed(await client.webhook(asked, "unit_a"), FailureKind.WRONG_KEY)
    assert failure.status == 401
    assert str(failure.problem) == (
        f"Evolution at {evolution.url} refuses the key (401). Set EVOLUTION_API_KEY"
        " (or apiKey in provider_config) to a key that is valid there."
    )


@pytest.mark.parametrize("key", [KEY, "some-other-key"])
async def test_an_unknown_instance_is_told_whatever_the_key(
    evolution: EvolutionStandIn, client: EvolutionClient, key: str
) -> None:
    """The server says 404 before it looks at the key: that proves nothing about the key."""
    answer = await client.state(server(evolution.url, key), "unit_gone")
    failure = failed(answer, FailureKind.UNKNOWN_INSTANCE)
    assert failure.problem.what == f"Evolution at {evolution.url} has no instance unit_gone."


@pytest.mark.parametrize("name", ["..", ".", "a/b", "a b?c#d", "ü%2F", "a\nb"])
async def test_an_instance_may_be_called_anything(
    evolution: EvolutionStandIn, client: EvolutionClient, name: str
) -> None:
    """Whatever the database holds as a name stays one part of the path."""
    evolution.add(name, state="close")
    assert await client.state(server(evolution.url), name) is LinkState.CLOSE


async def test_only_the_status_counts(evolution: EvolutionStandIn) -> None:
    """A 400 that is labelled Internal Server Error is a 400."""
    async with Transport(timeouts=QUICK) as transport:
        call = Call(method="POST", path=("webhook", "set", "unit_a"), instance="unit_a", body=[])
        answer = await transport.send(server(evolution.url), call)
    failure = failed(answer, FailureKind.HTTP_ERROR)
    assert (failure.status, failure.arrived) == (400, True)


async def test_the_transport_carries_writes_too(evolution: EvolutionStandIn) -> None:
    """A caller that writes gets status and body, and shows neither body."""
    async with Transport(timeouts=QUICK) as transport:
        webhook: dict[str, Json] = {"enabled": True, "url": WEBHOOK, "events": []}
        body: Json = {"webhook": webhook}
        call = Call(method="POST", path=("webhook", "set", "unit_a"), instance="unit_a", body=body)
        reply = await transport.send(server(evolution.url), call)
    assert isinstance(reply, Reply)
    assert reply.status == 201
    assert SECRET not in repr((call, reply))


# --- which server -------------------------------------------------------------------------------


def test_a_connections_own_settings_win() -> None:
    """What is missing comes from the environment, whose key goes to its own origin alone."""
    environment = ServerSettings(url="https://env.example.org/", key="env-key")
    both = server_of(ServerSettings(url="https://own.example.org", key="own-key"), environment)
    one = server_of(ServerSettings(key="own-key"), environment)
    none = server_of(ServerSettings(url="", key=None), environment)
    assert isinstance(both, Server)
    assert isinstance(one, Server)
    assert isinstance(none, Server)
    assert (both.base, both.key) == ("https://own.example.org", "own-key")
    assert (one.base, one.key) == ("https://env.example.org", "own-key")
    assert (none.base, none.key) == ("https://env.example.org", "env-key")


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        (None, KEY, "No Evolution server was given."),
        ("  ", KEY, "No Evolution server was given."),
        ("https://e.example.org", None, "No key for the Evolution server was given."),
        ("https://e.example.org", "a\nb", "characters that no HTTP header can carry"),
        ("https://e.example.org", "schlüssel", "characters that no HTTP header can carry"),
        ("e.example.org", KEY, "address cannot be asked"),
        ("ftp://e.example.org", KEY, "address cannot be asked"),
        ("https://", KEY, "address cannot be asked"),
        ("https://e.example.org?x=1", KEY, "address cannot be asked"),
        ("https://e.example.org:99999", KEY, "address cannot be asked"),
        (f"https://u:{PASSWORD}@[::1", KEY, "address cannot be asked"),
    ],
)
def test_what_cannot_be_asked_is_a_problem(url: str | None, key: str | None, said: str) -> None:
    """Nothing given or nothing usable: a sentence and a mend that quote neither."""
    found = server_of(ServerSettings(url=url, key=key), ServerSettings())
    assert isinstance(found, Problem)
    assert said in found.what
    assert found.mend
    assert PASSWORD not in repr(found)
    assert KEY not in repr(found)


# --- secrets ------------------------------------------------------------------------------------


async def test_the_key_is_in_one_header_and_nowhere_else(
    evolution: EvolutionStandIn, client: EvolutionClient, caplog: pytest.LogCaptureFixture
) -> None:
    """No address, no log record and no repr carries it, nor the credentials of the address."""
    caplog.set_level(logging.DEBUG)
    asked = server(evolution.url.replace("://", f"://ops:{PASSWORD}@") + "/")
    await client.instances(asked)
    await client.webhook(asked, "unit_a")
    for request in evolution.journal:
        assert [name.lower() for name, v in request.headers.items() if KEY in v] == ["apikey"]
        assert "Authorization" in request.headers
        assert KEY not in request.target + request.body
    settings = ServerSettings(url=f"https://u:{PASSWORD}@x", key=KEY)
    told = caplog.text + repr((asked, settings, client))
    for secret in (KEY, PASSWORD, SECRET, evolution.instances["unit_a"].token):
        assert secret not in told
