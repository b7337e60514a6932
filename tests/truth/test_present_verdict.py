"""There is one present verdict: stored, the same on every replica, and read by every message."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.commands import COMMANDS
from bot.render.alarm import edited_call
from bot.render.history import history_message
from bot.render.home import home_view
from bot.render.message import PICTURE, Message
from bot.render.post_mortem import post_mortem
from bot.render.status import watch_status
from bot.render.wire import payload, with_pictures
from bot.render.words import DECISION_SYMBOLS
from bot.storage.values import Past, WatchState
from bot.watch import verdict
from bot.watch.buttons import ACK, ROLLBACK
from bot.watch.knowing import Known, know
from bot.watch.model import Note, NoteKind, Point, Present, Taken
from bot.watch.verdict import Look
from checks import CHECKS
from checks.engine import plan, runner
from checks.engine.model import Decision, Report, Window
from checks.engine.plan import Occasion
from tests.bot.watch.bench import BOOK, LEAKING, Bench, at, bench, watch
from tests.support.evidence import evidence, leak, log

NO_GO = Decision.NO_GO
OCCASION = Occasion(checkpoint="1", window=Window(since=at(0), until=at(60)), now=at(60))
DUE = frozenset(check.id for check in plan.due(CHECKS, OCCASION))
BY_LIMIT = BOOK.by_limit()
START = Taken(point=Point(key="T+0", run="baseline", checkpoint=None, due_at=at(0)), taken_at=at(0))


# --- every message reads it ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is seen half a minute later, by a look, or by a point ("checkpoint", "health").

    Counts of signals; `leaks`: whether a secret is in the log.
    """

    by: str
    signals: Mapping[str, int]
    leaks: bool

    def seen(self, minutes: float, runbook: object = BOOK) -> Report:
        """What the checks make of it."""
        signals = {"http_responses": 999, **self.signals, "secret_leak": int(self.leaks)}
        found = evidence(log(signals, leaks=(leak(),) if self.leaks else ()))
        occasion = replace(OCCASION, now=at(minutes))
        if self.by == "health":
            occasion = replace(occasion, only=("health",))
        book = BY_LIMIT if runbook is BY_LIMIT else BOOK
        return runner.assess(CHECKS, book, replace(found, now=at(minutes)), occasion)


STEPS = st.lists(
    st.builds(
        Step,
        by=st.sampled_from(("look", "look", "look", "checkpoint", "health")),
        signals=st.fixed_dictionaries(
            {
                "http_5xx": st.sampled_from((0, 4, 9)),
                "http_401": st.sampled_from((0, 20, 60)),
                "unknown_instance": st.sampled_from((0, 3, 9)),
            }
        ),
        leaks=st.booleans(),
    ),
    max_size=8,
)


def surfaces(known: Known, minutes: float) -> dict[str, str]:
    """The line of each surface that says how the watch stands."""
    view = known.view(BOOK, at(minutes))
    last = max(known.taken, key=lambda one: one.taken_at)
    past = Past(
        deployment=known.deployment,
        last=last if last.decision is not None else None,
        present=known.present,
    )
    report = post_mortem(view)
    return {
        "status": watch_status(view).text.partition("\n")[0],
        "Home": str(home_view([view], [], COMMANDS, operator=True).blocks),
        "history": history_message([past]).text + str(history_message([past]).coloured),
        "report": next(line for line in report.splitlines() if line.startswith("- Verdict")),
    }


@given(steps=STEPS)
@settings(max_examples=25)
def test_all_surfaces_say_the_same_after_any_look_and_any_point(steps: list[Step]) -> None:
    """A NO-GO stands as long as one of its causes does, and no longer."""
    known = Known(
        deployment=watch(),
        taken=(START,),
        base=replace(Step(by="", signals={}, leaks=False).seen(0), findings=()),
        state=WatchState(present=verdict.before_any(START)),
    )
    for number, step in enumerate(steps, 1):
        minutes = number * 2.5
        known = after(known, step, minutes)
        present = known.present
        assert present is not None
        assert (present.decision is NO_GO) == bool(present.causes) == bool(present.no_go_since)
        if present.decision is None or known.report is None:
            continue
        assert known.report.verdict.decision is present.decision
        wanted = str(present.decision)
        for name, said in surfaces(known, minutes).items():
            others = {str(decision) for decision in Decision} - {wanted}
            symbols = {f"{DECISION_SYMBOLS[Decision(other)]} {other}" for other in others}
            assert wanted in said, name
            assert not any(symbol in said for symbol in symbols), (name, said)


def after(known: Known, step: Step, minutes: float) -> Known:
    """What is known after one more step."""
    assert known.present is not None
    assert known.base is not None
    report = step.seen(minutes)
    key = f"T+{minutes}"
    if step.by == "look":
        look = Look(
            plain=report, limited=step.seen(minutes, BY_LIMIT), due=DUE, tried=frozenset({"health"})
        )
        return known.now(*verdict.after_look(known.present, known.base, look, BOOK, key))
    point = Point(key=key, run=step.by, checkpoint="1", due_at=at(minutes))
    taken = Taken(point=point, taken_at=at(minutes), decision=report.verdict.decision)
    if step.by == "health":
        return known.after(taken).now(
            *verdict.after_health(known.present, known.report, report, BOOK)
        )
    present, shows = verdict.after_point(known.present, known.report, taken, report, BOOK)
    judged = replace(taken, decision=present.decision)
    return replace(known.after(judged).now(present, shows), base=report)


# --- stored -------------------------------------------------------------------------------------


@pytest.fixture
async def bed(store_database: str) -> AsyncGenerator[Bench]:
    """One replica, fifteen minutes after the deploy, with a NO-GO since the last checkpoint."""
    async with bench(store_database) as bed:
        deployment = await bed.begin()
        assert await bed.take(deployment, "T+0")
        assert await bed.take(deployment, "T+10")
        bed.clock.instant = at(15)
        bed.seen.log.evidence = LEAKING
        assert await bed.ticker.tick(deployment)
        yield bed


async def only(bed: Bench) -> Known:
    """The one watch, as its store has it."""
    (deployment,) = await bed.store.open_watches()
    return await know(bed.store, deployment, BOOK)


async def test_another_replica_and_a_new_process_read_the_same(bed: Bench) -> None:
    """They look at nothing for it."""
    mine = await only(bed)
    assert mine.decision is NO_GO
    async with bench(bed.url) as other:
        theirs = await only(other)
    assert (theirs.present, theirs.report) == (mine.present, mine.report)
    (past,) = await bed.store.recent(None, 1)
    assert past.judged == (NO_GO, at(15))


async def test_a_point_that_an_older_version_took_is_the_newer_verdict(bed: Bench) -> None:
    """That version knows nothing of what is stored beside it."""
    with psycopg.connect(bed.url) as connection:
        connection.execute("UPDATE golive.checkpoints SET taken_at = %s", (at(16),))
    known = await only(bed)
    assert known.present is not None
    assert known.present.base_at == at(16)
    assert known.decision is not NO_GO
    (past,) = await bed.store.recent(None, 1)
    assert past.judged is not None
    assert past.judged[0] is known.decision


@pytest.mark.parametrize("stored", ["NULL", '\'{"$m": ["newer", 1]}\'', "'{\"$x\": 1}'"])
async def test_without_one_that_can_be_read_the_last_point_stands(bed: Bench, stored: str) -> None:
    """The verdict of a watch of before, or of a version to come."""
    with psycopg.connect(bed.url) as connection:
        connection.execute(f"UPDATE golive.watch_state SET present = {stored}".encode())
    known = await only(bed)
    assert known.report is not None
    assert known.base is not None
    assert known.report.verdict == known.base.verdict
    assert await bed.take(known.deployment, "T+20")


def test_a_look_that_ends_after_a_point_does_not_undo_it() -> None:
    """It built on what was before; of two on the same point the later one holds."""
    old = Present(at=at(11), base="T+0", base_at=at(0))
    new = Present(at=at(10), base="T+10", base_at=at(10))
    later = replace(new, at=at(12))
    merged = WatchState(present=new).merged(WatchState(present=old))
    assert merged.present == new
    assert merged.merged(WatchState(present=later)).present == later
    assert merged.merged(WatchState()).present == new


# --- the call itself ----------------------------------------------------------------------------


CALL = Message(
    text="*✖ NO-GO* · roll back now <!subteam^S1>\nA secret leaked.",
    colour="#D55E00",
    coloured=(
        {"type": "section", "text": {"type": "mrkdwn", "text": "Affected"}},
        {
            "type": "actions",
            "elements": [
                {"type": "button", "action_id": ACK},
                {"type": "button", "action_id": ROLLBACK},
                {"type": "button", "action_id": "golive.diagnose:1"},
            ],
        },
        {"type": "image", "slack_file": {"id": f"{PICTURE}0"}, "alt_text": "The hour"},
    ),
)
NOTE = Note(kind=NoteKind.ACK, by="U0WHO", at=at(16))


@pytest.mark.parametrize(
    ("gone", "answered", "over", "said"),
    [
        ({ACK}, NOTE, "", ["✖ NO-GO", "<@U0WHO> is on it since", "A secret leaked."]),
        ({ACK, ROLLBACK}, None, "Better since 21:15 UTC.", ["*Over* · was *✖ NO-GO*", "21:15"]),
        ({ACK, ROLLBACK}, NOTE, "The watch is closed.", ["*Over*", "closed", "<@U0WHO>"]),
    ],
)
def test_an_edited_call_keeps_its_words_and_loses_its_buttons(
    gone: set[str], answered: Note | None, over: str, said: list[str]
) -> None:
    """The picture is named as Slack knows it: nothing is uploaded again."""
    message = edited_call(with_pictures(CALL, {0: "F1"}), gone, answered=answered, over=over)
    assert [word for word in said if word not in message.text] == []
    shown = str(payload(message))
    assert [action for action in gone if action in shown] == []
    assert "golive.diagnose:1" in shown
    assert "'id': 'F1'" in shown
    assert message.pictures == ()


def test_a_call_at_slack_s_limit_can_still_be_edited() -> None:
    """Its first line and who is on it stay."""
    long = replace(CALL, text="\n".join([CALL.text, *["x" * 300] * 13]))
    message = edited_call(long, {ACK}, answered=NOTE)
    assert len(message.text) <= 4_000
    assert "<@U0WHO> is on it" in message.text


async def test_an_acknowledgement_between_two_calls_answers_the_first_alone(bed: Bench) -> None:
    """A graver one asks again, in the call and in the status message."""
    known = await only(bed)
    note = Note(kind=NoteKind.ACK, by="U1", at=at(14))
    assert await bed.speech.edits(bed.store, known.noted(note)) == []
    later = replace(note, at=at(15) + timedelta(seconds=5))
    (edit,) = await bed.speech.edits(bed.store, known.noted(later))
    assert edit.update_of == "alarm:T+10:rollback:secret_leak"
    assert ACK not in str(edit.message)
