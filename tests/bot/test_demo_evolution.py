"""The Evolution stand-in over real sockets: it answers as recorded, and breaks as told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import ClientError, ClientSession

from bot.demo.evolution import EVENTS, EvolutionStandIn, Fault, Request

_RECORDED = Path(__file__).parent.parent / "fixtures" / "evolution" / "recorded.json"
_NEEDED = ["MESSAGES_UPSERT", "MESSAGES_UPDATE", "CONNECTION_UPDATE", "QRCODE_UPDATED"]
_URL = "https://crm.example.com/webhooks/whatsapp/evolution/SECRET-1"


@pytest.fixture
async def evolution() -> AsyncGenerator[EvolutionStandIn]:
    """A running stand-in with one instance."""
    async with EvolutionStandIn() as running:
        running.add("unit_a")
        yield running


@pytest.fixture
async def http() -> AsyncGenerator[ClientSession]:
    """A client."""
    async with ClientSession() as session:
        yield session


async def _call(
    http: ClientSession,
    evolution: EvolutionStandIn,
    method: str,
    path: str,
    *,
    key: str | None = None,
    body: object = None,
    raw: str | None = None,
) -> tuple[int, Any]:
    headers = {"apikey": key or evolution.key, "Content-Type": "application/json"}
    data = raw if raw is not None else json.dumps(body) if body is not None else None
    async with http.request(method, evolution.url + path, headers=headers, data=data) as response:
        return response.status, await response.json()


def _shape(value: Any) -> object:
    """What kind of value stands where: keys and types."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {key: _shape(part) for key, part in fields.items()}
    if isinstance(value, list):
        return [_shape(part) for part in cast("list[Any]", value)]
    return type(value).__name__


async def test_every_recorded_request_is_answered_as_recorded(http: ClientSession) -> None:
    """Status and shape of each answer are the real server's; errors and webhooks word by word."""
    keys = {"valid": "the-key", "wrong": "another-key"}
    async with EvolutionStandIn(key="the-key") as evolution:
        for recorded in json.loads(_RECORDED.read_text("utf-8")):
            request, said = recorded["request"], recorded["response"]
            headers = {"Content-Type": "application/json"}
            if request["apikey"] in keys:
                headers["apikey"] = keys[request["apikey"]]
            body = request["body"]
            data = body if isinstance(body, str) or body is None else json.dumps(body)
            async with http.request(
                request["method"], evolution.url + request["path"], headers=headers, data=data
            ) as response:
                answer = await response.json()
            assert response.status == recorded["status"], recorded["name"]
            assert _shape(answer) == _shape(said), recorded["name"]
            if recorded["status"] >= 400 or "error" in (said or {}):
                assert answer == said, recorded["name"]
            for field in ("url", "enabled", "events", "headers", "webhookByEvents"):
                if isinstance(said, dict) and field in said:
                    assert answer[field] == said[field], recorded["name"]


async def test_the_state_can_be_absent(http: ClientSession, evolution: EvolutionStandIn) -> None:
    """An instance without a state answers without the field."""
    evolution.instances["unit_a"].state = None
    answer = await _call(http, evolution, "GET", "/instance/connectionState/unit_a")
    assert answer == (200, {"instance": {"instanceName": "unit_a"}})


async def _set(
    http: ClientSession, evolution: EvolutionStandIn, **webhook: object
) -> tuple[int, Any]:
    body = {"webhook": {"enabled": True, "url": _URL, **webhook}}
    return await _call(http, evolution, "POST", "/webhook/set/unit_a", body=body)


async def test_no_events_means_all_only_as_an_empty_list(
    http: ClientSession, evolution: EvolutionStandIn
) -> None:
    """An empty list stores every event; a missing one is a 500 that writes nothing."""
    assert (await _set(http, evolution))[0] == 500
    assert evolution.instances["unit_a"].webhook is None
    status, row = await _set(http, evolution, events=[])
    assert (status, row["events"]) == (201, list(EVENTS))


async def test_what_is_omitted_keeps_its_old_value(
    http: ClientSession, evolution: EvolutionStandIn
) -> None:
    """Headers and byEvents survive a write that does not name them."""
    await _set(http, evolution, events=_NEEDED, byEvents=True, headers={"x-a": "1"})
    _, row = await _set(http, evolution, events=_NEEDED)
    assert (row["webhookByEvents"], row["headers"]) == (True, {"x-a": "1"})


async def test_switching_off_empties_the_events(
    http: ClientSession, evolution: EvolutionStandIn
) -> None:
    """A disabled webhook has no events, whatever was sent."""
    status, row = await _set(http, evolution, enabled=False, events=_NEEDED)
    assert (status, row["enabled"], row["events"]) == (201, False, [])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"enabled": True, "url": _URL, "events": []}, 'instance requires property "webhook"'),
        ({"webhook": {"url": _URL}}, 'webhook requires property "enabled"'),
        ({"webhook": {"enabled": True, "url": "crm", "events": []}}, 'Invalid "url" property'),
    ],
)
async def test_a_malformed_webhook_is_refused(
    http: ClientSession, evolution: EvolutionStandIn, body: object, said: str
) -> None:
    """What does not fit the schema is a 400 and writes nothing."""
    status, answer = await _call(http, evolution, "POST", "/webhook/set/unit_a", body=body)
    assert status == 400
    assert said in json.dumps(answer).replace('\\"', '"')
    assert evolution.instances["unit_a"].webhook is None


async def test_a_restart_that_failed_is_a_200(
    http: ClientSession, evolution: EvolutionStandIn
) -> None:
    """Only the body tells a failed restart from one that worked."""
    ok = await _call(http, evolution, "POST", "/instance/restart/unit_a")
    evolution.instances["unit_a"].state = "close"
    failed = await _call(http, evolution, "POST", "/instance/restart/unit_a")
    assert (ok[0], failed[0]) == (200, 200)
    assert ("error" in ok[1], failed[1]["error"]) == (False, True)
    assert evolution.instances["unit_a"].restarts == 1


async def test_an_instances_token_is_a_key_for_itself(
    http: ClientSession, evolution: EvolutionStandIn
) -> None:
    """The token shows its own instance and no other."""
    evolution.add("unit_b")
    token = evolution.instances["unit_a"].token
    _, listed = await _call(http, evolution, "GET", "/instance/fetchInstances", key=token)
    assert [row["name"] for row in listed] == ["unit_a"]
    assert (await _call(http, evolution, "GET", "/webhook/find/unit_b", key=token))[0] == 401


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Fault.UNAUTHORIZED, 401), (Fault.NOT_FOUND, 404), (Fault.SERVER_ERROR, 500)],
)
async def test_a_fault_answers_and_writes_nothing(
    http: ClientSession, evolution: EvolutionStandIn, fault: Fault, status: int
) -> None:
    """A fault holds for its path and its number of times, and nothing is written meanwhile."""
    evolution.fail(fault, below="/webhook/set", times=1)
    assert (await _call(http, evolution, "GET", "/webhook/find/unit_a"))[0] == 200
    assert (await _set(http, evolution, events=[]))[0] == status
    assert evolution.instances["unit_a"].webhook is None
    assert (await _set(http, evolution, events=[]))[0] == 201


@pytest.mark.parametrize(
    ("fault", "written"), [(Fault.RESET_BEFORE, False), (Fault.RESET_AFTER, True)]
)
async def test_a_reset_comes_before_or_after_the_write(
    http: ClientSession, evolution: EvolutionStandIn, fault: Fault, written: bool
) -> None:
    """The client cannot tell the two apart; the stand-in's rows can."""
    evolution.fail(fault)
    with pytest.raises((ClientError, ConnectionError)):
        await _set(http, evolution, events=[])
    assert (evolution.instances["unit_a"].webhook is not None) is written
    assert evolution.journal[-1].status is None


async def test_it_hangs_until_it_is_healed(
    http: ClientSession, evolution: EvolutionStandIn
) -> None:
    """A request that hangs is answered once the fault ends."""
    evolution.fail(Fault.HANG)
    waiting = asyncio.create_task(_call(http, evolution, "GET", "/webhook/find/unit_a"))
    await evolution.received(1)
    assert not waiting.done()
    evolution.heal()
    assert await waiting == (200, None)


async def test_something_can_happen_between_write_and_answer(
    http: ClientSession, evolution: EvolutionStandIn
) -> None:
    """The hook sees the request when it is applied and not yet answered."""
    seen: list[tuple[str, bool]] = []

    async def between(request: Request) -> None:
        seen.append((request.path, evolution.instances["unit_a"].webhook is not None))

    evolution.between = between
    await _set(http, evolution, events=[])
    assert seen == [("/webhook/set/unit_a", True)]


async def test_the_journal_holds_what_was_sent(
    http: ClientSession, evolution: EvolutionStandIn
) -> None:
    """A secret that was sent can be searched in path, headers and body."""
    await _call(http, evolution, "GET", "/instance/fetchInstances?instanceName=unit_a")
    await _set(http, evolution, events=[])
    fetched, written = evolution.journal
    assert (fetched.method, fetched.path, fetched.status) == (
        "GET",
        "/instance/fetchInstances",
        200,
    )
    assert fetched.target.endswith("?instanceName=unit_a")
    assert evolution.key in fetched.headers.values()
    assert "SECRET-1" in written.body


async def test_it_has_an_address_only_while_it_runs() -> None:
    """Before it is started there is nothing to ask."""
    with pytest.raises(RuntimeError, match="not started"):
        _ = EvolutionStandIn().url
