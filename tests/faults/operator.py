"""Somebody who makes fixes while bots are killed, and presses again until they are made."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from bot.actions import CONFIRM, UNDO
from bot.demo.workspace import people
from bot.demo.workspace.ids import elements_of
from bot.demo.workspace.inputs import CanNotError
from bot.demo.workspace.messages import Message
from bot.demo.workspace.views import View
from tests.faults.fix_world import FixWorld

_PATIENCE = 3.0
"""Real seconds after which somebody presses again."""

_MOST = 90.0
_UNDER_WAY = ("executing", "unsettled")
_MADE = ("executed", "undone")

Press: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
During: TypeAlias = Callable[[Press], Awaitable[None]]
"""Lets somebody press, and does something meanwhile."""


async def only(press: Press) -> None:
    """Nothing happens meanwhile."""
    await press()


class Operator:
    """One operator, who makes one fix after the other in one channel."""

    def __init__(self, fixes: FixWorld) -> None:
        self._fixes = fixes
        self._world = fixes.world

    async def fix(self, text: str, during: During, *, last: Sequence[str] = _MADE) -> str:
        """Type a command, confirm its preview, and again, until one of its claims is made.

        Args:
            text: the command.
            during: what happens while the first preview is submitted.
            last: states in which the wish has come to its end.

        Returns:
            The claim that was made.

        Raises:
            TimeoutError: none was.
        """
        tried: list[str] = []
        deadline = time.monotonic() + _MOST
        while time.monotonic() < deadline:
            found = [claim for claim in map(self._fixes.claim, tried) if claim is not None]
            made = [claim for claim in found if claim["state"] in last]
            if made:
                return str(made[0]["id"])
            if any(claim["state"] in _UNDER_WAY for claim in found):
                await self._world.until(lambda: self._over(tried), seconds=_MOST)
                continue
            view = await self._preview(text)
            if view is None:
                continue
            tried.append(_claim_of(view))
            await during(lambda view=view: self._submit(view))
            during = only
            with suppress(TimeoutError):
                await self._world.until(lambda: self._over(tried), seconds=_PATIENCE)
        raise TimeoutError(f"{text} was never done.\n{self._world.written()}")

    async def undo(self, claim_id: str, during: During) -> None:
        """Press the undo button of a fix until it is taken back.

        Raises:
            TimeoutError: there is no such button, or it is never done.
        """
        await self._world.until(lambda: self._with_undo(claim_id) is not None, seconds=_MOST)
        message = self._with_undo(claim_id)
        deadline = time.monotonic() + _MOST
        while (self._fixes.claim(claim_id) or {})["state"] != "undone":
            if message is None or time.monotonic() > deadline:
                raise TimeoutError(f"{claim_id} was never undone.\n{self._world.written()}")
            await during(lambda message=message: self._click(message))
            during = only
            with suppress(TimeoutError):
                await self._world.until(
                    lambda: (self._fixes.claim(claim_id) or {})["state"] == "undone",
                    seconds=_PATIENCE,
                )

    # --- inside ---------------------------------------------------------------------------------

    async def _preview(self, text: str) -> View | None:
        """The preview that a command opens; None where nothing, or only a sentence, came."""
        views, user = self._world.workspace.state.views, people.OPERATOR
        top = views.top(user)
        if top is not None:
            await self._world.workspace.actor.close(user, top, all_of_them=True)
        await self._world.command(text)
        with suppress(TimeoutError):
            await self._world.until(lambda: _is_preview(views.top(user)), seconds=_PATIENCE)
        top = views.top(user)
        return top if _is_preview(top) else None

    async def _submit(self, view: View) -> None:
        # What was closed or replaced meanwhile cannot be submitted, as in Slack.
        with suppress(CanNotError):
            await self._world.workspace.actor.submit(
                people.OPERATOR, view, {"reason": "the provider is back"}
            )

    async def _click(self, message: Message) -> None:
        await self._world.workspace.actor.click(people.OPERATOR, message, UNDO, confirm=True)

    def _over(self, tried: Sequence[str]) -> bool:
        """Whether the last of some claims was used, and nothing is under way."""
        states = [claim["state"] for claim in map(self._fixes.claim, tried) if claim is not None]
        return states[-1:] != ["proposed"] and not any(one in _UNDER_WAY for one in states)

    def _with_undo(self, claim_id: str) -> Message | None:
        return next(
            (one for one in self._world.messages if claim_id in _undoes(one)),
            None,
        )


def _is_preview(view: View | None) -> bool:
    return view is not None and view.callback_id == CONFIRM


def _claim_of(view: View) -> str:
    return str(json.loads(view.payload["private_metadata"])["claim"])


def _undoes(message: Message) -> list[str]:
    """The claims that a message has an undo button for."""
    return [
        str(element.get("value"))
        for block in message.all_blocks()
        for element in elements_of(block)
        if element.get("action_id") == UNDO
    ]
