"""The one place where the bot comes together, a function a room.

`golive run` and whoever plays it compose the same bot; what differs is an argument.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from pydantic import SecretStr

from bot.clock import Clock, Timer
from bot.operations.opening import Operations, open_operations
from bot.settings import Settings
from bot.slack.lead import LeadFinder
from bot.slack.web import open_session
from bot.slack_side import SlackSide
from bot.sources import configured, known_secrets, open_sources
from bot.storage.store import Store
from bot.watch.front_desk import FrontDesk
from bot.watch.lookout import Lookout
from bot.watch.opening import Opening
from bot.watch.parts import Parts
from bot.watch.running import Running
from bot.watch.saying import Speech
from bot.watch.taking import Taker
from bot.watch.ticking import Ticker
from bot.workshop import House, Repairs, open_repairs, process_environment
from checks import CHECKS
from checks.engine.known_secrets import know
from checks.engine.runbook import Runbook
from checks.sources.http import HttpHealthProbe, Timeouts

_QUICK = Timeouts(connect=2.0, write=2.0, read=4.0, whole=5.0)
"""A tick's probe does not wait longer than the tick may take."""

_IDS = tuple(check.id for check in CHECKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A bot that runs: Slack's side, and the watches behind it."""

    slack: SlackSide
    running: Running
    store: Store
    lookout: Lookout
    repairs: Repairs


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """What a bot is made from."""

    settings: Settings
    runbook: Runbook
    clock: Clock
    timer: Timer
    owner: str
    lease: float


@asynccontextmanager
async def open_bot(
    settings: Settings,
    runbook: Runbook,
    *,
    clock: Clock,
    timer: Timer,
    owner: str,
    lease: float = 15.0,
) -> AsyncGenerator[Bot, None]:
    """The whole bot, running until the block ends; then it finishes what it began.

    Args:
        settings: must lack nothing (`Settings.lacks_to_run`).
        runbook: what the watches go by.
        clock: gives the instant.
        timer: calls back at one; whoever made it starts and stops it.
        owner: names this process in claims.
        lease: seconds for which a claim of this process is safe from others.
    """
    given = _Given(
        settings=settings, runbook=runbook, clock=clock, timer=timer, owner=owner, lease=lease
    )
    know((*settings.hidden, *known_secrets(settings, configured(settings))))
    async with AsyncExitStack() as stack:
        operations = await stack.enter_async_context(
            open_operations(settings, clock=clock, timer=timer, checks=_IDS)
        )
        store = _store(given, operations, stack)
        lookout = await _lookout(given, operations, stack)
        # At the end, last first: nothing more comes from Slack and what came is done, the watches
        # end, what they said is sent, and then the rest is closed.
        side = await _slack(given, store, operations, stack)
        speech = Speech(runbook=runbook, lookout=lookout, lead=await _lead(given, side, stack))
        house = _house(given, store, lookout, speech, side, operations)
        repairs = await open_repairs(house, stack)
        stack.push_async_callback(repairs.end)
        parts = _watches(
            house,
            owner,
            audit_head=repairs.audit_head,
            changed=side.refresh_homes,
            ticked=operations.pulse.ticked,
        )
        stack.push_async_callback(parts.running.end)
        opening = Opening(store, lookout, parts.running, clock, timer)
        stack.push_async_callback(opening.end)
        stack.push_async_callback(side.quiet)
        stack.callback(operations.readiness.end)
        await opening.begin()
        await repairs.begin()
        await _listen(side, FrontDesk(parts, repairs.mending), settings)
        yield Bot(slack=side, running=parts.running, store=store, lookout=lookout, repairs=repairs)


def _store(given: _Given, operations: Operations, stack: AsyncExitStack) -> Store:
    url = _set(given.settings.store_url)
    store = Store(url, lease=given.lease, metrics=operations.metrics)
    stack.push_async_callback(store.close)
    return store


async def _lookout(given: _Given, operations: Operations, stack: AsyncExitStack) -> Lookout:
    settings, targets = given.settings, configured(given.settings)
    sources = await stack.enter_async_context(open_sources(targets, given.runbook, given.clock.now))
    quick = None
    if targets.base_url is not None:
        quick = HttpHealthProbe(targets.base_url, tries=1, timeouts=_QUICK)
    return Lookout(
        checks=CHECKS,
        runbook=given.runbook,
        sources=operations.measured(sources),
        quick_probe=quick,
        clock=given.clock,
        secrets=known_secrets(settings, targets),
        fingerprint_key=secrets.token_bytes(32),
        metrics=operations.metrics,
    )


async def _slack(
    given: _Given, store: Store, operations: Operations, stack: AsyncExitStack
) -> SlackSide:
    settings = given.settings
    side = SlackSide(
        await stack.enter_async_context(open_session()),
        bot_token=_set(settings.slack_bot_token),
        api_url=settings.slack_api_url,
        operators=settings.operators,
        store=store,
        clock=given.clock,
        timer=given.timer,
        owner=given.owner,
        channel=settings.channel,
        lease=given.lease,
        reference=lambda: secrets.token_hex(4),
        metrics=operations.metrics,
    )
    stack.push_async_callback(side.stop)
    operations.readiness.attach(store=store, slack=side)
    return side


async def _lead(given: _Given, side: SlackSide, stack: AsyncExitStack) -> LeadFinder:
    lead = LeadFinder(side.gateway, given.settings.lead, given.clock, given.timer)
    stack.push_async_callback(lead.end)
    await lead.begin()
    return lead


def _house(
    given: _Given,
    store: Store,
    lookout: Lookout,
    speech: Speech,
    side: SlackSide,
    operations: Operations,
) -> House:
    return House(
        settings=given.settings,
        runbook=given.runbook,
        store=store,
        lookout=lookout,
        speech=speech,
        clock=given.clock,
        timer=given.timer,
        wake=side.sender.wake,
        environment=process_environment(),
        shared=side.access.shared_if_known,
        metrics=operations.metrics,
    )


def _watches(
    house: House,
    owner: str,
    *,
    audit_head: Callable[[], Awaitable[str]],
    changed: Callable[[], None],
    ticked: Callable[[bool], None],
) -> Parts:
    store, lookout, speech = house.store, house.lookout, house.speech
    runbook, clock = house.runbook, house.clock
    taker = Taker(
        store=store,
        lookout=lookout,
        speech=speech,
        runbook=runbook,
        clock=clock,
        owner=owner,
        started_at=clock.now(),
        audit_head=audit_head,
        metrics=house.metrics,
    )
    running = Running(
        store=store,
        taker=taker,
        ticker=Ticker(store=store, lookout=lookout, speech=speech, runbook=runbook, clock=clock),
        lookout=lookout,
        speech=speech,
        runbook=runbook,
        clock=clock,
        timer=house.timer,
        wake=house.wake,
        changed=changed,
        ticked=ticked,
        shared=house.shared,
    )
    return Parts(
        store=store,
        lookout=lookout,
        speech=speech,
        taker=taker,
        running=running,
        checks=_IDS,
        runbook=runbook,
        clock=clock,
        wake=house.wake,
    )


async def _listen(side: SlackSide, desk: FrontDesk, settings: Settings) -> None:
    if settings.slack_mode == "socket":
        await side.start_sockets(desk, app_token=_set(settings.slack_app_token))
        return
    await side.start_http(
        desk, signing_secret=_set(settings.slack_signing_secret), port=settings.port or 0
    )


def _set(secret: SecretStr | None) -> str:
    """A setting that `Settings.lacks_to_run` has asked for."""
    if secret is None:
        raise ValueError("The bot was composed with settings that lack something.")
    return secret.get_secret_value()
