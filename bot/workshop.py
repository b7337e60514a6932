"""Where diagnosis and fixes come together, for the bot and for whoever plays it alike."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from bot.clock import Clock, Timer
from bot.operations.metrics import UNMEASURED, Metrics
from bot.remediation import audit
from bot.remediation.counted import Counted, CountedRollback
from bot.remediation.database import FixDatabase
from bot.remediation.evolution_writer import EvolutionWriter
from bot.remediation.hooks import Hooks
from bot.remediation.kinds import Kind
from bot.remediation.regenerate_secret import RegenerateSecret
from bot.remediation.reset_campaign import ResetCampaign
from bot.remediation.reset_messages import ResetMessages
from bot.remediation.steps import Steps
from bot.remediation.values import Claim, FixUnavailable
from bot.settings import Settings
from bot.sources import evolution_server
from bot.storage.store import Store
from bot.storage.values import StatusContent, StoreUnavailable
from bot.watch.afterwards import Afterwards
from bot.watch.caretaking import Caretaker
from bot.watch.diagnosing import Diagnosing
from bot.watch.expecting import Expecting
from bot.watch.fix_posts import FixPosts
from bot.watch.fix_shop import Workshop
from bot.watch.fixing import Fixing
from bot.watch.knowing import know
from bot.watch.lookout import Lookout
from bot.watch.mending import Mending
from bot.watch.new_secret import NewSecrets, place_in
from bot.watch.rolling_back import RollingBack
from bot.watch.saying import Speech
from bot.watch.sending_on import SendingOn
from checks.diagnosis.application import HttpApplication
from checks.diagnosis.runner import Sources
from checks.engine.model import Problem
from checks.engine.runbook import Remediation, Runbook
from checks.engine.runbook.model import FINAL
from checks.sources.evolution import EvolutionClient, Transport
from checks.sources.http import Timeouts

_TAIL: Final = 50_000
"""Lines at a log's end in which sends are looked for: about an hour of the recorded application."""

_LOKI_TAIL: Final = 5_000
"""The same of Loki, which by default gives no more at a time."""

_SENT: Final = re.compile(
    rb"\[Message:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\] Sent successfully"
)
TOLD_IN: Final = Timeouts(connect=3.0, write=3.0, read=6.0, whole=8.0)
"""A row is locked while Evolution is told: well below what the database allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What fixes share with the rest of the bot.

    shared: whether people from another organisation are in a channel; None: not known
    """

    settings: Settings
    runbook: Runbook
    store: Store
    lookout: Lookout
    speech: Speech
    clock: Clock
    timer: Timer
    wake: Callable[[], None]
    environment: Mapping[str, str]
    shared: Callable[[str], Awaitable[bool | None]]
    steps: Steps | None = None
    metrics: Metrics = UNMEASURED


@dataclass(frozen=True, slots=True, kw_only=True)
class Repairs:
    """Diagnosis, and fixes where they are offered."""

    mending: Mending
    expecting: Expecting
    shop: Workshop | None = None
    caretaker: Caretaker | None = None

    async def begin(self) -> None:
        """Take up what was left behind."""
        await self.expecting.begin()
        if self.caretaker is not None:
            await self.caretaker.begin()

    async def end(self) -> None:
        """Begin nothing more, and let what runs come to its end."""
        self.expecting.end()
        if self.caretaker is not None:
            self.caretaker.end()
        if self.shop is not None:
            await asyncio.gather(self.shop.rolling_back.end(), self.shop.sending.end())

    @property
    def handing_over(self) -> bool:
        """Whether rows are being handed to a hook."""
        return self.shop is not None and self.shop.sending.busy

    async def audit_head(self) -> str:
        """The digest at the end of the audit; "" where there is none, or it does not answer."""
        if self.shop is None:
            return ""
        try:
            return str(await audit.head(self.shop.engine.database))
        except FixUnavailable:
            return ""


async def open_repairs(house: House, stack: AsyncExitStack) -> Repairs:
    """Everything for diagnosis and fixes; what has to be closed is closed with the stack."""
    transport = await stack.enter_async_context(Transport(timeouts=TOLD_IN))
    shop = _shop(house, transport, stack)
    sources = house.lookout.sources
    diagnosing = Diagnosing(
        store=house.store,
        lookout=house.lookout,
        sources=Sources(
            log=sources.log,
            database=sources.database,
            health=sources.health,
            application=HttpApplication(house.settings.base_url),
            evolution=EvolutionClient(transport),
            environment=evolution_server(house.settings, house.runbook),
        ),
        shop=shop,
    )
    expecting = Expecting(
        house.store,
        house.lookout,
        house.clock,
        house.timer,
        house.wake,
        shared=house.shared,
    )
    mending = Mending(diagnosing, expecting, Fixing(shop) if shop is not None else None)
    caretaker = None
    if shop is not None:
        switches = NewSecrets(shop.engine.database, house.lookout, shop.posts, house.clock)
        after = Afterwards(
            shop.engine.database, switches, house.lookout, house.store, house.runbook
        )
        house.lookout.adjust = after.adjust
        caretaker = Caretaker(
            shop,
            house.clock,
            house.timer,
            afterwards=after.lines,
            healthy=after.healthy,
            follow=switches.look,
        )
    return Repairs(mending=mending, expecting=expecting, shop=shop, caretaker=caretaker)


def _shop(house: House, transport: Transport, stack: AsyncExitStack) -> Workshop | None:
    url, rules = house.settings.remediation_database_url, house.runbook.remediation
    if url is None or rules is None:
        return None
    database = FixDatabase(
        url.get_secret_value(),
        lock=rules.lock_timeout,
        statement=rules.statement_timeout,
        zone=house.runbook.database.timezone,
    )
    stack.push_async_callback(database.close)
    engine = Counted(
        database,
        _kinds(house, rules, transport),
        rules,
        house.clock,
        house.steps,
        metrics=house.metrics,
    )
    posts = FixPosts(house.store, rules, house.wake)
    hooks = Hooks({one.name: one.value.get_secret_value() for one in house.settings.secrets})
    stack.push_async_callback(hooks.close)
    rollback = CountedRollback(
        engine,
        rules.rollback,
        hooks,
        environment=house.environment,
        secrets=house.settings.literals,
        metrics=house.metrics,
    )
    showing = _Showing(house)
    rolling_back = RollingBack(rollback, posts, house.store, house.clock, showing.show)
    return Workshop(
        engine=engine,
        rollback=rollback,
        posts=posts,
        store=house.store,
        hooks=hooks,
        sending=SendingOn(engine, hooks, posts),
        rolling_back=rolling_back,
    )


def _kinds(house: House, rules: Remediation, transport: Transport) -> dict[str, Kind]:
    seen = _Seen(house)
    waiting = house.runbook.numbers("outbound_success", FINAL).params["waiting_seconds"]
    kinds: tuple[Kind, ...] = (
        ResetMessages(
            rules.reset_messages,
            most=rules.max_rows,
            waiting=timedelta(seconds=waiting),
            secrets=house.lookout.live_secrets,
            sent=seen.sent,
        ),
        ResetCampaign(rules.reset_campaign, progress=seen.progress, clock=house.clock),
        RegenerateSecret(
            EvolutionWriter(transport),
            environment=evolution_server(house.settings, house.runbook),
            base_url=house.settings.base_url,
            fingerprint=seen.fingerprint,
            live=lambda secret: house.lookout.known_secrets.note((secret,)),
            place=lambda: place_in(house.lookout.sources.log),
        ),
    )
    return {kind.name: kind for kind in kinds}


class _Seen:
    """What log and watches have seen, for the guards of fixes."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def sent(self) -> Sequence[str]:
        """Ids of messages that the end of the log says were sent."""
        most = _TAIL if self._house.settings.loki_url is None else _LOKI_TAIL
        log = self._house.lookout.sources.log
        found = await log.search(_SENT, most) if log is not None else ()
        return () if isinstance(found, Problem) else tuple(each.decode() for each in found)

    async def progress(self) -> Mapping[str, datetime]:
        """When the open watches last saw each campaign move."""
        store = self._house.store
        try:
            states = [await store.state(watch.id) for watch in await store.open_watches()]
        except StoreUnavailable:
            return {}
        moved: dict[str, datetime] = {}
        for state in states:
            if state.observed is None:
                continue
            for campaign, at in state.observed.progress.items():
                moved[campaign] = max(at, moved.get(campaign, at))
        return moved

    def fingerprint(self, secret: str) -> str:
        """The same name for the same secret, which does not tell it."""
        key = self._house.lookout.fingerprint_key
        return hmac.new(key, secret.encode(), hashlib.sha256).hexdigest()


class _Showing:
    """Brings the status message of a watch up to date."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def show(self, claim: Claim) -> None:
        """Show where the rollback of this claim stands."""
        deployment: UUID | None = claim.deployment
        if deployment is None:
            return
        house = self._house
        try:
            watch = await house.store.watch(deployment)
            if watch is None:
                return
            known = await know(house.store, watch, house.runbook)
            view = known.view(house.runbook, house.clock.now())
            message = house.speech.status(view)
            await house.store.enqueue([StatusContent(message=message).post(watch)])
        except StoreUnavailable:
            return
        house.wake()


def process_environment() -> Mapping[str, str]:
    """The environment of this process, for a rollback's command."""
    return dict(os.environ)
