"""Whatever a report says, every message is one that Slack takes and that tells no secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.commands import COMMANDS
from bot.render import sentences
from bot.render.alarm import acknowledged, calling, escalation, reminder, undecided
from bot.render.baseline import baseline_message, health_message
from bot.render.checkpoint import checkpoint_message
from bot.render.closing import watch_closed
from bot.render.help import help_message
from bot.render.history import history_message
from bot.render.home import home_view
from bot.render.message import Message, Picture, View
from bot.render.mrkdwn import plain
from bot.render.post_mortem import post_mortem_message
from bot.render.pulse import pulse_message
from bot.render.review import final_review
from bot.render.status import live_status, watch_status
from bot.render.wire import payload, view_payload
from bot.storage.values import AuditEntry, Past
from bot.watch.model import Affected, Alarm, WatchView
from tests.render.hostile import LIVE, PLANTED, Maker
from tests.render.slack_says import refusals, view_refusals
from tests.render.watches import NOW, block_words, runbook

_RUNBOOK = runbook()
_MENTION = re.compile(r"<[!@#](?!date\^)[^>]*>")
_FORBIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def _alarm(make: Maker) -> Alarm:
    return Alarm(
        key="k",
        kind=make.random.choice(("no-go", "critical", "rollback")),
        title=make.text(),
        criteria=("secret_leak", make.text()),
        reminder=make.random.random() < 0.5,
    )


def _escalation(make: Maker, view: WatchView) -> Message:
    lines = [*make.texts(120), f"the live secret is {LIVE} in here"]
    return escalation(
        view,
        _alarm(make),
        lead=make.random.choice((None, "U0LEAD", "<!subteam^S0LEAD>", "<!channel>")),
        affected=Affected(
            units=make.random.choice((0, 3)), names=(make.text(),), not_counted=(make.text(),)
        ),
        links={"Logs": "https://logs.example", make.text(): make.text()},
        lines=lines,
        picture=Picture(name="x.png", alt=make.text(), png=b"x"),
        buttons=make.buttons(),
        secrets=[LIVE],
    )


def _live(make: Maker, view: WatchView) -> Message:
    return live_status(
        view.report or make.report(),
        age=timedelta(seconds=9),
        problems=make.texts(4),
        hint=make.text(),
    )


def _history(make: Maker, view: WatchView) -> Message:
    past = [
        Past(deployment=view.deployment, last=make.random.choice((None, *view.taken[:3])))
        for _ in range(make.random.choice((0, 1, 10, 300)))
    ]
    return history_message(past, problems=make.texts(4))


def _post_mortem(make: Maker, view: WatchView) -> Message:
    entry = AuditEntry(at=NOW, by=make.text(), action=make.text(), outcome=make.text())
    return post_mortem_message(view, actions=[entry])


_MESSAGES: Mapping[str, Callable[[Maker, WatchView], Message]] = {
    "status": lambda make, view: watch_status(view, buttons=make.buttons()),
    "live": _live,
    "checkpoint": lambda make, view: checkpoint_message(
        view, make.taken(make.report()), buttons=make.buttons(), restarted=True
    ),
    "health": lambda make, view: health_message(view, make.taken(make.report())),
    "pulse": lambda make, view: pulse_message(
        view, make.taken(make.report()), buttons=make.buttons()
    ),
    "baseline": lambda make, view: baseline_message(view, recorded=make.texts()),
    "review": lambda make, view: final_review(
        view,
        make.taken(make.report()),
        _RUNBOOK,
        picture=Picture(name="x.png", alt=make.text(), png=b"x"),
        buttons=make.buttons(),
    ),
    "escalation": _escalation,
    "calling": lambda _, view: calling(watch_status(view), "S0LEAD"),
    "reminder": lambda make, view: reminder(
        view, _alarm(make), lead="U0LEAD", waited=timedelta(minutes=5), buttons=make.buttons()
    ),
    "undecided": lambda _, view: undecided(view, lead=None, waited=timedelta(hours=2)),
    "acknowledged": lambda make, view: acknowledged(view, _alarm(make), make.note()),
    "closed": lambda _, view: watch_closed(view),
    "history": _history,
    "post-mortem": _post_mortem,
    "say": lambda make, _: sentences.say(make.text()),
    "unknown check": lambda make, _: sentences.unknown_check(make.text(), make.texts()),
    "not acceptable": lambda make, _: sentences.not_acceptable(make.text(), make.text()),
    "watch runs": lambda _, view: sentences.watch_runs(view.deployment),
    "help": lambda make, _: help_message(COMMANDS, operator=make.random.random() < 0.5),
}
_DECIDING = {"status", "live", "checkpoint", "pulse", "review", "calling"}


def _told(message: Message) -> str:
    sent = payload(message, dict.fromkeys(range(len(message.pictures)), "F1"))
    parts = [repr(sent), *(file.text + file.title + file.name for file in message.files)]
    return "\n".join(parts)


@settings(
    max_examples=10_000,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(seed=st.integers(0, 2**40), name=st.sampled_from(sorted(_MESSAGES)))
@example(seed=0, name="status")
def test_every_message_keeps_every_limit_and_every_secret(seed: int, name: str) -> None:
    """Ten thousand hostile watches: limits, the SDK's models, whole verdicts, no secrets."""
    make = Maker(seed)
    message = _MESSAGES[name](make, make.view())
    assert refusals(message) == []
    told = _told(message)
    assert [secret for secret in PLANTED if secret in told] == []
    _calls_nobody(message)
    if name in _DECIDING:
        _verdict_is_whole(message)


def _verdict_is_whole(message: Message) -> None:
    first = plain(message.text.partition("\n")[0])
    assert re.search(r"(✔ GO|▲ MONITOR|✖ NO-GO)( so far)? · .* · |No verdict yet · ", first), first


def _calls_nobody(message: Message) -> None:
    """Only golive's own lead is called, and only in the text; names are shown by known ids."""
    called = set(_MENTION.findall(message.text))
    assert called <= {"<@U0LEAD>", "<!subteam^S0LEAD>", "<@U0ANA>", "<@U0BEA>"}, called
    words = "\n".join(block_words(message.coloured))
    assert not _FORBIDDEN.search(words.replace("\n", "")), words
    shown = set(_MENTION.findall(repr([*message.coloured])))
    assert shown <= {"<@U0ANA>", "<@U0BEA>"}, shown


@settings(max_examples=300, database=None)
@given(seed=st.integers(0, 2**40))
def test_every_home_keeps_every_limit_and_every_secret(seed: int) -> None:
    """Many watches, long histories, any words."""
    make = Maker(seed)
    view = make.view()
    past = [Past(deployment=view.deployment)] * make.random.choice((0, 3, 50))
    watches = [view] * make.random.choice((0, 1, 60))
    home: View = home_view(watches, past, COMMANDS, operator=seed % 2 == 0, problems=make.texts(4))
    assert view_refusals(home) == []
    told = repr(view_payload(home))
    assert [secret for secret in PLANTED if secret in told] == []
