"""What goes on when nobody presses a button: whatever breaks, and however long golive was away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.demo.workspace import Workspace
from bot.remediation import claims
from bot.remediation.kinds import Outcome
from bot.remediation.values import Claim
from bot.storage.values import StoreUnavailable
from bot.watch.caretaking import Caretaker
from bot.watch.fix_posts import FixPosts
from bot.watch.fix_shop import Workshop
from checks.engine.model import Problem
from tests.bot.remediation.planted import T0, plant_failures
from tests.bot.remediation.slack import Bench, all_words, bench, button_ids, rules_of
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows
from tests.support.hand import HandClock, HandTimer


@pytest.fixture(autouse=True)
def failures(roles: RoleUrls) -> None:
    """Failed messages beside the recorded ones."""
    with Rows(roles.owner) as rows:
        plant_failures(rows)


async def quiet(_: object) -> tuple[str, ...]:
    """No check is looked at."""
    return ()


async def well(_: object) -> tuple[bool, str]:
    """All is well."""
    return True, "all is well"


async def nothing(_: datetime) -> None:
    """No secret is followed."""


async def breaks(_: datetime) -> None:
    """Something that nobody foresaw."""
    raise LookupError


def shop_of(table: Bench) -> Workshop:
    """What the bot's fixes are made with."""
    shop = table.stage.bot.repairs.shop
    assert shop is not None
    return shop


async def reset(table: Bench) -> None:
    """Reset ten messages."""
    await table.submit(await table.reopened("/golive fix reset_messages Sul"))


async def test_a_step_that_breaks_stops_neither_the_others_nor_the_rounds(
    roles: RoleUrls, store_database: str
) -> None:
    """What expired is closed all the same, and the next round is set."""
    async with bench(roles, store_database) as table:
        await table.open("/golive fix reset_messages Sul")
        clock = HandClock(T0 + timedelta(minutes=11))
        timer = HandTimer(clock=clock)
        caretaker = Caretaker(
            shop_of(table), clock, timer, afterwards=quiet, healthy=well, follow=breaks
        )
        with pytest.raises(LookupError):
            await caretaker.begin()
        assert table.rows("SELECT state FROM golive.fix_claims") == [("expired",)]
        assert list(timer.jobs) == ["fixes"]


class _Mute(FixPosts):
    """Cannot say what became of a fix."""

    async def verified(self, claim: Claim, outcome: Outcome, lines: Sequence[str]) -> None:
        """The store went away just now."""
        del claim, outcome, lines
        raise StoreUnavailable(Problem(what="It is away.", mend="Wait."), retry=True)


async def test_an_outcome_that_could_not_be_said_is_said_later(
    roles: RoleUrls, store_database: str
) -> None:
    """Whoever could not say it has not kept that it was looked at."""
    async with bench(roles, store_database) as table:
        await reset(table)
        shop = shop_of(table)
        clock = HandClock(T0 + timedelta(minutes=3))
        mute = _Mute(shop.store, shop.engine.rules, lambda: None)
        caretaker = Caretaker(
            replace(shop, posts=mute),
            clock,
            HandTimer(clock=clock),
            afterwards=quiet,
            healthy=well,
            follow=nothing,
        )
        await caretaker.begin()
        await table.stage.timer.advance(timedelta(minutes=3))
        assert "10 stranded in queued" in all_words(table.post("*It did not help*"))
        assert table.actions() == ["proposed", "executed", "verified"]


async def test_buttons_go_also_where_golive_was_away_at_their_end(
    roles: RoleUrls, store_database: str
) -> None:
    """The next process takes away what cannot be used any more."""
    clock = HandClock(T0)
    async with Workspace(now=clock.now, rate_limits=False) as place:
        async with bench(roles, store_database, clock=clock, place=place) as table:
            await reset(table)
            assert "golive.undo" in button_ids(table.post("*Fixed*"))
        clock.instant += timedelta(minutes=50)
        async with bench(roles, store_database, clock=clock, place=place) as table:
            await table.stage.timer.advance(timedelta(seconds=31))
            assert "golive.undo" not in button_ids(table.post("*Fixed*"))


async def test_nobody_approved_is_said_whoever_sees_it_first(
    roles: RoleUrls, store_database: str
) -> None:
    """Also where another preview has ended the old one before the round did."""
    async with bench(roles, store_database, runbook=rules_of(approvals=2)) as table:
        await table.submit(await table.open("/golive fix reset_messages Sul"))
        assert button_ids(table.post("*Approval needed*")) == ["golive.approve"]
        shop = shop_of(table)
        async with shop.engine.database.transaction() as connection:
            await claims.expire(connection, T0 + timedelta(minutes=11))
        await table.stage.timer.advance(timedelta(minutes=11))
        assert button_ids(table.post("Nobody approved in time")) == []


async def test_steps_that_nobody_ticks_do_not_keep_the_next_rollback_for_ever(
    roles: RoleUrls, store_database: str
) -> None:
    """After a day it is given up, is told so, and says so before the next one."""
    clock = HandClock(T0)
    async with Workspace(now=clock.now, rate_limits=False) as place:
        async with bench(roles, store_database, clock=clock, place=place) as table:
            await table.submit(await table.open("/golive rollback"))
        clock.instant += timedelta(hours=23)
        async with bench(roles, store_database, clock=clock, place=place) as table:
            assert "golive.tick:0" in button_ids(table.post("*Rollback declared*"))
            assert "under way already" in str(await table.reopened("/golive rollback"))
        clock.instant += timedelta(hours=2)
        async with bench(roles, store_database, clock=clock, place=place) as table:
            await table.rest()
            cut = [post for post in table.stage.posts if "Rollback cut off" in all_words(post)]
            assert [button_ids(post) for post in cut] == [[], []]
            assert "not all of its steps were ticked in a day" in all_words(cut[0])
            view = str(await table.reopened("/golive rollback"))
            assert "Whether the last rollback was done is not known." in view
