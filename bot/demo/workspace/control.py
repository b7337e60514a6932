"""A small JSON interface under /control, so that another process can act and look."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, TypeAlias

from aiohttp import web

from bot.demo.workspace.actor import Outcome
from bot.demo.workspace.faults import Gate
from bot.demo.workspace.inputs import CanNotError, Chosen
from bot.demo.workspace.journal import Traffic
from bot.demo.workspace.messages import Message
from bot.demo.workspace.server import Workspace
from bot.demo.workspace.values import Json, SlackError, mapping
from bot.demo.workspace.views import View

Step: TypeAlias = Callable[[Json], Awaitable[Json]]


class Control:
    """Every step is a POST of a JSON object to /control/STEP.

    Args:
        workspace: what is acted in; not started yet.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._gates: list[Gate] = []
        self._steps: dict[str, Step] = {
            "command": self._command,
            "click": self._click,
            "submit": self._submit,
            "close": self._close,
            "home": self._home,
            "messages": self._messages,
            "ephemerals": self._ephemerals,
            "view": self._view,
            "journal": self._journal,
            "fault": self._fault,
            "wire": self._wire,
            "sockets": self._sockets,
            "wait": self._wait,
            "release": self._release,
            "deliver_to": self._deliver_to,
            "group": self._group,
        }
        workspace.add_routes([web.post("/control/{step}", self._handle)])

    async def _handle(self, request: web.Request) -> web.Response:
        step = self._steps.get(request.match_info["step"])
        if step is None:
            return web.json_response({"error": "no_such_step"}, status=404)
        try:
            body = await step(mapping(json.loads(await request.text() or "{}")))
        except (SlackError, CanNotError, KeyError, TypeError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        except TimeoutError:
            return web.json_response({"error": "timeout"}, status=408)
        return web.json_response(text=json.dumps(body, default=_plain))

    async def _command(self, given: Json) -> Json:
        """{user, channel, text}."""
        actor = self._workspace.actor
        return _outcome(await actor.command(given["user"], given["channel"], given["text"]))

    async def _click(self, given: Json) -> Json:
        """{user, action_id, channel and ts, or home; block_id, value, confirm, version}."""
        outcome = await self._workspace.actor.click(
            given["user"],
            self._target(given),
            given["action_id"],
            block_id=given.get("block_id"),
            value=given.get("value"),
            confirm=bool(given.get("confirm", False)),
        )
        return _outcome(outcome)

    async def _submit(self, given: Json) -> Json:
        """{user, values}: the visible modal."""
        view = self._top(given)
        values: dict[str, Chosen] = mapping(given.get("values"))
        return _outcome(await self._workspace.actor.submit(given["user"], view, values))

    async def _close(self, given: Json) -> Json:
        """{user}: the visible modal."""
        outcome = await self._workspace.actor.close(given["user"], self._top(given))
        return {} if outcome is None else _outcome(outcome)

    async def _home(self, given: Json) -> Json:
        """{user}."""
        return _outcome(await self._workspace.actor.open_home(given["user"]))

    async def _messages(self, given: Json) -> Json:
        """{channel, thread_ts}."""
        book = self._workspace.state.messages
        thread = given.get("thread_ts")
        channel = given["channel"]
        found = book.of(channel) if thread is None else book.thread(channel, thread)
        return {"messages": [message.to_json(metadata=True) for message in found]}

    async def _ephemerals(self, given: Json) -> Json:
        """{user}."""
        found = self._workspace.state.messages.ephemerals(given["user"])
        return {"messages": [message.to_json() for message in found]}

    async def _view(self, given: Json) -> Json:
        """{user, home}: the visible modal, or the Home."""
        views, user = self._workspace.state.views, given["user"]
        view = views.home(user) if given.get("home") else views.top(user)
        return {"view": None if view is None else view.to_json()}

    async def _journal(self, given: Json) -> Json:
        """{kind, name}."""
        kind = Traffic(given["kind"]) if given.get("kind") else None
        found = self._workspace.journal.entries(kind, given.get("name"))
        return {"entries": [asdict(entry) for entry in found]}

    async def _fault(self, given: Json) -> Json:
        """{kind, method, times, …}; a hang answers with its gate."""
        api, kind, method = self._workspace.faults.api, given["kind"], given.get("method", "*")
        times = int(given.get("times", 1))
        if kind == "rate_limit":
            retry_after = int(given.get("retry_after", 1))
            api.rate_limit(method, times=times, retry_after=retry_after)
        elif kind == "server_error":
            api.server_error(method, times=times, status=int(given.get("status", 500)))
        elif kind == "error":
            api.error(method, given["code"], times=times)
        elif kind == "reset":
            api.reset(method, times=times, applied=bool(given["applied"]))
        elif kind == "hang":
            applied = bool(given.get("applied", False))
            self._gates.append(api.hang(method, times=times, applied=applied))
            return {"gate": len(self._gates) - 1}
        elif kind == "clear":
            api.clear()
        else:
            raise ValueError("no_such_fault")
        return {}

    async def _wire(self, given: Json) -> Json:
        """{duplicate, lose, hold, refuse_sockets, rate_limits}: each is set if it is given."""
        wire = self._workspace.faults.wire
        wire.duplicate = int(given.get("duplicate", wire.duplicate))
        wire.lose = int(given.get("lose", wire.lose))
        wire.hold = int(given.get("hold", wire.hold))
        wire.refuse_sockets = int(given.get("refuse_sockets", wire.refuse_sockets))
        rates = self._workspace.rates
        rates.enabled = bool(given.get("rate_limits", rates.enabled))
        return {"held": wire.held}

    async def _sockets(self, given: Json) -> Json:
        """{drop} cuts them, {disconnect: reason} tells them to go; answers how many are open."""
        sockets = self._workspace.sockets
        if given.get("drop"):
            sockets.drop()
        if given.get("disconnect"):
            await sockets.disconnect(given["disconnect"])
        return {"connected": len(sockets.connected)}

    async def _wait(self, given: Json) -> Json:
        """{gate}, {sockets: n} or {calls: method, count}; and seconds."""
        workspace = self._workspace
        seconds = float(given.get("seconds", 10))
        count = int(given.get("count", 1))
        if "gate" in given:
            gate = self._gates[int(given["gate"])]
            await asyncio.wait_for(gate.reached.wait(), seconds)
        elif "sockets" in given:
            wanted = int(given["sockets"])
            await workspace.until(
                lambda: len(workspace.sockets.connected) >= wanted, seconds=seconds
            )
        else:
            name = given["calls"]
            await workspace.until(
                lambda: len(workspace.journal.entries(Traffic.ANSWER, name)) >= count,
                seconds=seconds,
            )
        return {}

    async def _release(self, given: Json) -> Json:
        """{gate} lets a held call go on; without it, held envelopes go out, {reverse}."""
        if "gate" in given:
            self._gates[int(given["gate"])].release()
        else:
            await self._workspace.faults.wire.release(reverse=bool(given.get("reverse")))
        return {}

    async def _deliver_to(self, given: Json) -> Json:
        """{url}: HTTP mode; answers whether the bot passed Slack's check."""
        return {"verified": await self._workspace.deliver_to(given["url"]).verify()}

    async def _group(self, given: Json) -> Json:
        """{group, members}: who is in a user group from now on."""
        state = self._workspace.state
        members = tuple(str(name) for name in given["members"])
        state.put_group(replace(state.group(given["group"]), members=members))
        return {}

    def _target(self, given: Json) -> Message | View:
        state = self._workspace.state
        if "ts" in given:
            versions = state.messages.versions(given["channel"], given["ts"])
            return versions[int(given.get("version", -1))]
        if given.get("home"):
            home = state.views.home(given["user"])
            if home is None:
                raise CanNotError("There is no Home.")
            return home
        return self._top(given)

    def _top(self, given: Json) -> View:
        view = self._workspace.state.views.top(given["user"])
        if view is None:
            raise CanNotError("No modal is open.")
        return view


def _outcome(outcome: Outcome) -> Json:
    return asdict(outcome) | {"view": None if outcome.view is None else outcome.view.to_json()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON")
