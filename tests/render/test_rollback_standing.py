"""Where a rollback stands is said in every message of its watch from then on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.render.alarm import reminder, undecided
from bot.render.checkpoint import checkpoint_message
from bot.render.message import Message
from bot.render.pulse import pulse_message
from bot.render.review import final_review
from bot.render.status import watch_status
from bot.watch.model import Alarm, WatchView
from tests.render.watches import point, report, runbook, taken, watch, words

SAID = "failed: the hook at deploy.example.org answered 500, declared by U0BEA"


def everything(view: WatchView) -> dict[str, Message]:
    """Each message of a watch."""
    at = taken(point(30), found=report())
    alarm = Alarm(key="a", kind="critical", title="Two are red")
    return {
        "status": watch_status(view),
        "checkpoint": checkpoint_message(view, at),
        "pulse": pulse_message(view, at),
        "review": final_review(view, at, runbook()),
        "reminder": reminder(view, alarm, lead="U0BEA", waited=timedelta(minutes=5)),
        "undecided": undecided(view, lead="U0BEA", waited=timedelta(minutes=5)),
    }


@pytest.mark.parametrize("name", everything(watch(report())))
def test_it_is_in_every_message(name: str) -> None:
    """By its name, with who declared it; and not where none was declared."""
    message = everything(watch(report(), rollback=SAID))[name]
    expected = "Rollback: failed: the hook at deploy.example.org answered 500"
    assert expected in words(message)
    assert "<@U0BEA>" in repr(message.coloured)
    assert "Rollback:" not in words(everything(watch(report()))[name])
