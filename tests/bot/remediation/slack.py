"""A bot with fixes in a local workspace: what people press, what they see, what was written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import LiteralString, cast

import psycopg
from pydantic import SecretStr

from bot.demo.workspace import Workspace, people
from bot.demo.workspace.actor import Outcome
from bot.demo.workspace.messages import Message
from bot.demo.workspace.views import View
from bot.render.mrkdwn import date
from bot.settings import NamedSecret, Settings
from checks import CHECKS
from checks.engine.runbook import Remediation, Runbook, load_runbook
from tests.bot.remediation.planted import T0
from tests.manifests.roles import PASSWORD, RoleUrls
from tests.support.hand import HandClock
from tests.support.slack_bot import CHANNEL, Stage, settings_for, staged

EVOLUTION_KEY = "evo-key-of-the-tests-only-1234567890"

_PATIENCE = 30.0
"""Real seconds after which a test gives up on answers."""


def rules_of(**changes: object) -> Runbook:
    """The shipped runbook with other bounds of fixes."""
    book = load_runbook(checks=CHECKS)
    assert book.remediation is not None
    rules: Remediation = replace(book.remediation, **changes)  # pyright: ignore[reportArgumentType]
    return replace(book, remediation=rules)


@dataclass(slots=True, kw_only=True)
class Bench:
    """A stage on which fixes are made.

    replica: a second bot beside the first, on the same databases; None where there is one bot
    """

    stage: Stage
    roles: RoleUrls
    replica: Stage | None = None

    @property
    def workspace(self) -> Workspace:
        """The workspace."""
        return self.stage.workspace

    async def rest(self) -> None:
        """Wait until every bot has come to rest."""
        bots = [self.stage] if self.replica is None else [self.stage, self.replica]
        await asyncio.gather(*(bot.timer.rest() for bot in bots))

    async def command(self, text: str, user: str = people.OPERATOR) -> View | None:
        """Type a command; the modal that the person sees then."""
        before = self.top(user)
        await self.workspace.actor.command(user, CHANNEL, text)
        if text.startswith(("/golive fix", "/golive rollback")):
            await self.filled(user, before=before)
        await self.rest()
        return self.top(user)

    def top(self, user: str = people.OPERATOR) -> View | None:
        """The modal that somebody sees."""
        return self.workspace.state.views.top(user)

    async def open(self, text: str, user: str = people.OPERATOR) -> View:
        """Type a command that opens a modal."""
        view = await self.command(text, user)
        assert view is not None
        return view

    async def filled(self, *users: str, before: View | None = None) -> None:
        """Wait until each sees a modal that is filled, before the clock may be moved.

        before: the one that was open until now, where another one is to come.
        """

        def ready() -> bool:
            tops = [self.top(user) for user in users]
            return all(
                top is not None
                and (before is None or top.id != before.id)
                and "One moment" not in words(top)
                for top in tops
            )

        await self.workspace.until(ready, seconds=_PATIENCE)

    async def click(
        self, message: Message | View, action: str, user: str = people.OPERATOR
    ) -> View | None:
        """Press a button, confirming where it asks; the modal that the person sees then."""
        before = self.top(user)
        await self.workspace.actor.click(user, message, action, confirm=True)
        if action.startswith(("golive.approve", "golive.fix", "golive.rollback")):
            await self.filled(user, before=before)
        await self.rest()
        return self.top(user)

    async def submit(
        self, view: View, reason: str | None = "Evolution is back", user: str = people.OPERATOR
    ) -> str:
        """Submit a preview; what the modal says then."""
        values = {"reason": reason} if reason is not None else {}
        outcome: Outcome = await self.workspace.actor.submit(user, view, dict(values))
        assert outcome.error is None, outcome
        await self.filled(user)
        await self.rest()
        top = self.top(user)
        return words(top) if top is not None else ""

    async def reopened(self, text: str, user: str = people.OPERATOR) -> View:
        """Close what is open and type a command."""
        top = self.top(user)
        if top is not None:
            await self.workspace.actor.close(user, top, all_of_them=True)
        return await self.open(text, user)

    def post(self, part: str) -> Message:
        """The one post whose words have this part."""
        found = [m for m in self.stage.posts if part in all_words(m)]
        assert len(found) == 1, [m.text for m in self.stage.posts]
        return found[0]

    def told(self, user: str = people.OPERATOR) -> str:
        """What only one person was told last."""
        return all_words(self.workspace.state.messages.ephemerals(user, CHANNEL)[-1])

    def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """What the application's database has."""
        with psycopg.connect(self.roles.owner) as owner:
            return [tuple(row) for row in owner.execute(statement.encode(), values).fetchall()]

    def instant(self, column: LiteralString) -> str:
        """The one instant that claims have in a column, as messages show it."""
        ((found,),) = self.rows(
            f"SELECT DISTINCT {column} FROM golive.fix_claims WHERE {column} IS NOT NULL"
        )
        assert isinstance(found, datetime)
        return date(found)

    def actions(self) -> list[str]:
        """The audit's actions, oldest first."""
        return [str(a) for (a,) in self.rows("SELECT action FROM golive.fix_audit ORDER BY seq")]


def words(view: View) -> str:
    """All words of a modal."""
    return str(view.blocks)


def all_words(message: Message) -> str:
    """All words of a message."""
    return f"{message.text}\n{message.all_blocks()}"


def read(shown: View | Message) -> str:
    """The texts of a modal or of a message's blocks, as people read them."""
    blocks = shown.blocks if isinstance(shown, View) else shown.all_blocks()
    return "\n".join(_texts(blocks))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for each in cast("list[object]", value):
            yield from _texts(each)
    elif isinstance(value, dict):
        for key, each in cast("dict[str, object]", value).items():
            if key == "text" and isinstance(each, str):
                yield each
            else:
                yield from _texts(each)


def button_ids(message: Message) -> list[str]:
    """The ids of a message's buttons."""
    return [
        str(element["action_id"])
        for block in message.all_blocks()
        if block["type"] == "actions"
        for element in block["elements"]
    ]


def settings(
    workspace: Workspace,
    store: str,
    roles: RoleUrls,
    *,
    log: Path | None = None,
    base_url: str | None = None,
    evolution: str | None = None,
    operators: tuple[str, ...] = (people.OPERATORS,),
    tokens: dict[str, str] | None = None,
) -> Settings:
    """Settings with fixes."""
    given = settings_for(
        workspace, store, log=log, database=roles.reader, base_url=base_url, operators=operators
    )
    named = {"EVOLUTION_API_KEY": EVOLUTION_KEY, "DB": PASSWORD, **(tokens or {})}
    return given.model_copy(
        update={
            "remediation_database_url": SecretStr(roles.fixer),
            "evolution_api_url": evolution,
            "evolution_api_key": SecretStr(EVOLUTION_KEY),
            "secrets": tuple(
                NamedSecret(name=name, value=SecretStr(value)) for name, value in named.items()
            ),
        }
    )


@asynccontextmanager
async def bench(
    roles: RoleUrls,
    store: str,
    *,
    runbook: Runbook | None = None,
    clock: HandClock | None = None,
    log: Path | None = None,
    base_url: str | None = None,
    evolution: str | None = None,
    operators: tuple[str, ...] = (people.OPERATORS,),
    tokens: dict[str, str] | None = None,
    replicas: int = 1,
    place: Workspace | None = None,
) -> AsyncGenerator[Bench]:
    """A running bot with fixes, or two of them; in a workspace of its own unless one is given."""
    time = clock or HandClock(T0)
    async with AsyncExitStack() as stack:
        workspace = place or await stack.enter_async_context(
            Workspace(now=time.now, rate_limits=False, patience=_PATIENCE)
        )
        given = settings(
            workspace,
            store,
            roles,
            log=log,
            base_url=base_url,
            evolution=evolution,
            operators=operators,
            tokens=tokens,
        )
        async with AsyncExitStack() as bots:
            stages = [
                await bots.enter_async_context(
                    staged(workspace, given, time, runbook=runbook, owner=f"bot {number}")
                )
                for number in range(replicas)
            ]
            await workspace.connected(replicas)
            yield Bench(stage=stages[0], roles=roles, replica=stages[1] if replicas > 1 else None)
        hidden = [one.value.get_secret_value() for one in given.secrets]
        with psycopg.connect(roles.owner) as owner:
            found = owner.execute("SELECT DISTINCT webhook_secret FROM unit_whatsapp_connections")
            hidden += [str(secret) for (secret,) in found if secret]
        traffic = str(workspace.journal.entries)
        assert traffic
        assert [secret for secret in hidden if secret in traffic] == []
