"""The one place where things come together: sources for a single run, and the whole bot.

`golive run` and whoever plays it compose the same bot; what differs is an argument.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from bot.clock import Clock, Timer
from bot.loki import loki_log, loki_target
from bot.operations.opening import Operations, open_operations
from bot.settings import Settings, password_of
from bot.slack.lead import LeadFinder
from bot.slack.side import SlackSide
from bot.slack.web import open_session
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
from checks.engine.runbook import Runbook
from checks.engine.runner import Sources
from checks.sources.database import PostgresDatabase
from checks.sources.http import HttpHealthProbe, Timeouts
from checks.sources.logs.file_log import FileLog
from checks.sources.logs.profile import compile_profiles
from checks.sources.logs.source import LogSource
from checks.sources.loki.address import Loki
from checks.sources.loki.transport import Transport

_QUICK = Timeouts(connect=2.0, write=2.0, read=4.0, whole=5.0)
"""A tick's probe does not wait longer than the tick may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Where the application can be looked at; empty or None for what was not given."""

    logs: tuple[Path, ...] = ()
    loki: Loki | None = None
    database_url: str | None = None
    base_url: str | None = None

    def __bool__(self) -> bool:
        return bool(self.logs or self.loki or self.database_url or self.base_url)


def file_log(paths: Sequence[Path], runbook: Runbook, clock: Callable[[], datetime]) -> FileLog:
    """Log files, read by the runbook's profiles and time zone."""
    return FileLog(
        paths,
        profiles=compile_profiles(runbook.log.profiles),
        zone=ZoneInfo(runbook.log.timezone),
        now=clock,
    )


@asynccontextmanager
async def open_sources(
    targets: Targets, runbook: Runbook, clock: Callable[[], datetime]
) -> AsyncGenerator[Sources, None]:
    """The sources that the targets name, closed again at the end."""
    async with AsyncExitStack() as stack:
        database = None
        if targets.database_url:
            database = await stack.enter_async_context(PostgresDatabase(targets.database_url))
        log: LogSource | None = file_log(targets.logs, runbook, clock) if targets.logs else None
        if targets.loki is not None:
            transport = await stack.enter_async_context(Transport(targets.loki))
            log = loki_log(transport, runbook, clock)
        yield Sources(
            log=log,
            database=database,
            health=HttpHealthProbe(targets.base_url) if targets.base_url else None,
        )


# --- the bot ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A bot that runs: Slack's side, and the watches behind it."""

    slack: SlackSide
    running: Running
    store: Store
    lookout: Lookout
    repairs: Repairs


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
    async with AsyncExitStack() as stack:
        operations = await stack.enter_async_context(
            open_operations(settings, clock=clock, timer=timer, checks=_ids())
        )
        session = await stack.enter_async_context(open_session())
        store = Store(_given(settings.store_url), lease=lease, metrics=operations.metrics)
        stack.push_async_callback(store.close)
        lookout = Lookout(
            checks=CHECKS,
            runbook=runbook,
            sources=operations.measured(
                await stack.enter_async_context(
                    open_sources(_targets(settings), runbook, clock.now)
                )
            ),
            quick_probe=_quick_probe(settings),
            clock=clock,
            secrets=_known_secrets(settings),
            fingerprint_key=secrets.token_bytes(32),
            metrics=operations.metrics,
        )
        side = SlackSide(
            session,
            bot_token=_given(settings.slack_bot_token),
            api_url=settings.slack_api_url,
            operators=settings.operators,
            store=store,
            clock=clock,
            timer=timer,
            owner=owner,
            channel=settings.channel,
            lease=lease,
            reference=lambda: secrets.token_hex(4),
            metrics=operations.metrics,
        )
        operations.readiness.attach(store=store, slack=side)
        # At the end, last first: nothing more comes from Slack and what came is done, the watches
        # end, what they said is sent, and then the rest is closed.
        stack.push_async_callback(side.stop)
        lead = LeadFinder(side.gateway, settings.lead, clock, timer)
        stack.push_async_callback(lead.end)
        await lead.begin()
        speech = Speech(runbook=runbook, lookout=lookout, lead=lead)
        repairs = await open_repairs(
            House(
                settings=settings,
                runbook=runbook,
                store=store,
                lookout=lookout,
                speech=speech,
                clock=clock,
                timer=timer,
                wake=side.sender.wake,
                environment=process_environment(),
                metrics=operations.metrics,
            ),
            stack,
        )
        speech.audit_head = repairs.audit_head
        running, desk = _watches(
            store,
            lookout,
            speech,
            runbook,
            clock,
            timer,
            owner,
            side,
            repairs=repairs,
            operations=operations,
        )
        stack.push_async_callback(repairs.end)
        stack.push_async_callback(running.end)
        opening = Opening(store, lookout, running, clock, timer)
        stack.push_async_callback(opening.end)
        stack.push_async_callback(side.quiet)
        stack.callback(operations.readiness.end)
        await opening.begin()
        await repairs.begin()
        await _start(side, desk, settings)
        yield Bot(slack=side, running=running, store=store, lookout=lookout, repairs=repairs)


def _watches(
    store: Store,
    lookout: Lookout,
    speech: Speech,
    runbook: Runbook,
    clock: Clock,
    timer: Timer,
    owner: str,
    side: SlackSide,
    *,
    repairs: Repairs,
    operations: Operations,
) -> tuple[Running, FrontDesk]:
    taker = Taker(
        store=store,
        lookout=lookout,
        speech=speech,
        runbook=runbook,
        clock=clock,
        owner=owner,
        started_at=clock.now(),
        metrics=operations.metrics,
    )
    ticker = Ticker(store=store, lookout=lookout, speech=speech, runbook=runbook, clock=clock)
    running = Running(
        store=store,
        taker=taker,
        ticker=ticker,
        lookout=lookout,
        speech=speech,
        runbook=runbook,
        clock=clock,
        timer=timer,
        wake=side.sender.wake,
        changed=side.refresh_homes,
        ticked=operations.pulse.ticked,
    )
    parts = Parts(
        store=store,
        lookout=lookout,
        speech=speech,
        taker=taker,
        running=running,
        checks=_ids(),
        runbook=runbook,
        clock=clock,
        wake=side.sender.wake,
    )
    return running, FrontDesk(parts, repairs.mending)


def _ids() -> tuple[str, ...]:
    return tuple(check.id for check in CHECKS)


async def _start(side: SlackSide, desk: FrontDesk, settings: Settings) -> None:
    if settings.slack_mode == "socket":
        await side.start_sockets(desk, app_token=_given(settings.slack_app_token))
        return
    await side.start_http(
        desk, signing_secret=_given(settings.slack_signing_secret), port=settings.port or 0
    )


def _targets(settings: Settings) -> Targets:
    url = settings.database_url
    return Targets(
        logs=(settings.log,) if settings.log else (),
        loki=loki_target(settings),
        database_url=url.get_secret_value() if url else None,
        base_url=settings.base_url,
    )


def _quick_probe(settings: Settings) -> HttpHealthProbe | None:
    if settings.base_url is None:
        return None
    return HttpHealthProbe(settings.base_url, tries=1, timeouts=_QUICK)


def _known_secrets(settings: Settings) -> tuple[str, ...]:
    """All that golive was given and that the log must not show."""
    password = password_of(settings.base_url or "")
    return tuple(dict.fromkeys((*settings.literals, *((password,) if password else ()))))


def _given(secret: SecretStr | None) -> str:
    """A setting that `Settings.lacks_to_run` has asked for."""
    if secret is None:
        raise ValueError("The bot was composed with settings that lack something.")
    return secret.get_secret_value()
