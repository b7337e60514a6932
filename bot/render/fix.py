"""A fix in words: its preview, what came of it, who was there before, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.render import blocks
from bot.render.budget import Draft, Form, Part, button_row, to_home, to_message
from bot.render.choosing import choice_block
from bot.render.known import Known, Shown
from bot.render.limits import VIEW_SUBMIT
from bot.render.message import Block, Button, Message, View
from bot.render.mrkdwn import bold, clock, code, date, escape, user
from bot.render.phrases import DECISION_COLOURS, NEUTRAL, number
from bot.render.reasons import reason_input
from bot.render.sentences import spans
from checks.engine.model import Decision
from checks.engine.wording import plural

_GREEN = DECISION_COLOURS[Decision.GO]
_YELLOW = DECISION_COLOURS[Decision.MONITOR]
_RED = DECISION_COLOURS[Decision.NO_GO]
_NOTHING = "Nothing was done now."
_ANEW = "Nothing was done; open a new preview."


# --- the preview --------------------------------------------------------------------------------


def preview_view(claim: Known, *, callback: str, intro: str = "", second: bool = False) -> View:
    """What exactly would change, and the question why.

    Args:
        claim: what was proposed.
        callback: of the submission.
        intro: what is to be said first; ours.
        second: whether a first operator confirmed it already, whose reason stands.
    """
    sheet = claim.sheet
    said = [bold(escape(sheet.title, 150))]
    if intro:
        said.insert(0, intro)
    whole = Draft(
        verdict=said[0],
        reasons=[*said[1:], *(spans(fact) for fact in sheet.facts)],
        parts=_parts(sheet),
        fine=f"Can be confirmed until {clock(claim.expires_at)}. It is executed once.",
    )
    view = to_home(whole)
    asked = [_second(claim)] if second else [*_ways(sheet), reason_input("Why?", multiline=False)]
    return View(
        kind="modal",
        title="Preview",
        submit=blocks.cut(sheet.verb, VIEW_SUBMIT),
        close="Cancel",
        callback=callback,
        metadata=str(claim.id),
        blocks=(*view.blocks, *asked),
    )


def _parts(sheet: Shown) -> list[Part]:
    out = [
        Part(title="Mind", lines=[f"▲ {spans(line)}" for line in sheet.warnings], rank=0),
        *(
            Part(
                title=f"By {escape(group.name, 40)}",
                lines=[f"{number(n)} × {escape(value, 120)}" for value, n in group.counts],
                rank=1,
                at_most=8,
                noun="groups",
            )
            for group in sheet.groups
        ),
        Part(
            title="Left out",
            lines=[f"{number(n)} {escape(words)}" for words, n in sheet.left_out],
            rank=1,
        ),
        Part(title="Steps by hand", lines=[f"☐ {escape(step)}" for step in sheet.steps], rank=1),
        Part(title="Rows", lines=sheet.samples, form=Form.LOG, rank=3, noun="rows", at_most=20),
        Part(title="In words", lines=[escape(sheet.words, 600)] if sheet.words else [], rank=2),
        Part(title="In full", lines=sheet.sql.splitlines(), form=Form.LOG, rank=4),
    ]
    return [part for part in out if part.lines]


def _ways(sheet: Shown) -> list[Block]:
    return [choice_block(sheet.choice)] if sheet.choice is not None else []


def _second(claim: Known) -> Block:
    reason = escape(claim.reason or "")
    return blocks.section(f"{user(claim.proposed_by)} confirmed it: {reason}")


# --- what came of it ----------------------------------------------------------------------------


def executed_message(
    claim: Known, *, buttons: Sequence[Button] = (), steps: Sequence[str] = (), fine: str = ""
) -> Message:
    """A fix was made: who, what, how many rows, why."""
    sheet = claim.sheet
    count = claim.rows_changed or 0
    rows = plural(count, "row")
    said = f"{bold('Fixed')} · {escape(sheet.title, 150)} · {rows}"
    second = f", approved by {user(claim.approved_by)}" if claim.approved_by else ""
    first = claim.proposed_by if claim.approved_by else claim.executed_by or claim.proposed_by
    who = f"By {user(first)}{second}: {escape(claim.reason or 'no reason was given')}"
    draft = Draft(
        verdict=said,
        reasons=[],
        parts=[
            Part(lines=[who], rank=0),
            Part(title="Mind", lines=[f"▲ {spans(w)}" for w in sheet.warnings], rank=1),
            Part(title="Steps by hand", lines=list(steps), rank=1),
            button_row(buttons),
        ],
        fine=fine,
        colour=NEUTRAL,
    )
    return to_message(draft)


def waiting_message(claim: Known, *, buttons: Sequence[Button]) -> Message:
    """One operator confirmed; another one is asked."""
    draft = Draft(
        verdict=f"{bold('Approval needed')} · {escape(claim.sheet.title, 150)}",
        reasons=["A second, different operator must approve."],
        parts=[
            Part(lines=[f"By {user(claim.proposed_by)}: {escape(claim.reason or '')}"], rank=0),
            button_row(buttons),
        ],
        fine=f"Until {clock(claim.expires_at)}.",
        colour=_YELLOW,
    )
    return to_message(draft)


def answered_message(claim: Known, winner: Known | None = None) -> Message:
    """The question for a second operator is answered, or over: it asks no more."""
    by = claim.approved_by
    said = f"Approved by {user(by)}." if by else over_text(claim, winner)
    draft = Draft(
        verdict=f"{bold('Approved' if by else 'Not approved')} · {escape(claim.sheet.title, 150)}",
        reasons=[said],
        parts=[Part(lines=[f"By {user(claim.proposed_by)}: {escape(claim.reason or '')}"], rank=0)],
        colour=NEUTRAL,
    )
    return to_message(draft)


def undo_waiting_message(
    claim: Known, *, by: str, until: datetime, buttons: Sequence[Button]
) -> Message:
    """One operator wants a fix to be undone; another one is asked."""
    draft = Draft(
        verdict=f"{bold('Approval needed to undo')} · {escape(claim.sheet.title, 150)}",
        reasons=["A second, different operator must press Undo."],
        parts=[Part(lines=[f"By {user(by)}."], rank=0), button_row(buttons)],
        fine=f"Until {clock(until)}.",
        colour=_YELLOW,
    )
    return to_message(draft)


def undo_answered_message(claim: Known) -> Message:
    """The question for a second operator to undo is answered, or over."""
    by = claim.undone_by
    said = f"Undone, approved by {user(by)}." if by else "Nobody approved in time: it stays."
    title = escape(claim.sheet.title, 150)
    draft = Draft(
        verdict=f"{bold('Undo approved' if by else 'Undo not approved')} · {title}",
        reasons=[said],
        colour=NEUTRAL,
    )
    return to_message(draft)


def verified_message(
    claim: Known,
    *,
    counts: Sequence[tuple[str, int]],
    lines: Sequence[str],
    good: bool | None,
    did: str,
) -> Message:
    """Two minutes later: what became of the rows, and of the check that was red.

    did: what the fix did to them, in a word.
    """
    became = ", ".join(f"{number(n)} {words}" for words, n in counts) or "no row to look at"
    word = {True: "It helped", False: "It did not help", None: "Looked at again"}[good]
    colour = {True: _GREEN, False: _RED, None: NEUTRAL}[good]
    draft = Draft(
        verdict=f"{bold(word)} · {escape(claim.sheet.title, 150)}",
        reasons=[f"{number(claim.rows_changed or 0)} {did}: {escape(became, 600)}."],
        parts=[Part(lines=[escape(line) for line in lines], rank=0)],
        colour=colour,
    )
    return to_message(draft)


def undone_message(claim: Known, *, restored: int, conflicts: Sequence[str]) -> Message:
    """A fix was taken back; the rows that somebody changed since are listed."""
    also = left_text(len(conflicts))
    draft = Draft(
        verdict=f"{bold('Undone')} · {escape(claim.sheet.title, 150)} · {restored} restored{also}",
        reasons=[f"By {user(claim.undone_by or '')}."] if claim.undone_by else [],
        parts=[
            Part(
                title="Changed since by somebody else, so not restored",
                lines=conflicts,
                form=Form.LOG,
                noun="rows",
            )
        ],
        colour=NEUTRAL,
        file=("golive-undo.txt", "Rows that were not restored"),
    )
    return to_message(draft)


def left_text(rows: int) -> str:
    """How many rows were not restored, as the end of a sentence."""
    if not rows:
        return ""
    return f", {rows} left as {'it is' if rows == 1 else 'they are'}"


def over_text(claim: Known, winner: Known | None = None) -> str:
    """Why a button does nothing any more: who did what, and when."""
    done = winner or claim
    what = escape(done.sheet.title, 150)
    if done.undone_by and done.undone_at:
        return f"{user(done.undone_by)} undid that {date(done.undone_at)}: {what}. {_NOTHING}"
    if done.executed_by and done.executed_at:
        who, when = user(done.executed_by), date(done.executed_at)
        if done.state in {"executing", "unsettled"}:
            return f"{who} confirmed that {when}: {what}. It is under way; nothing was done now."
        if done.state == "failed":
            return f"{who} tried that {when}: {what}. It failed. {_ANEW}"
        rows = f", {plural(done.rows_changed, 'row')}" if done.rows_changed else ""
        return f"{who} did that {when}: {what}{rows}. {_NOTHING}"
    if claim.state == "expired":
        return f"That preview expired {date(claim.expires_at)}. {_ANEW}"
    who = f" when {user(claim.state_by)} confirmed it" if claim.state_by else ""
    when = f" {date(claim.state_at)}" if claim.state_at else ""
    return f"That preview is {escape(claim.state, 40)}{when}: the rows had changed{who}. {_ANEW}"


def late_text(claim: Known, minutes: int) -> str:
    """Why a fix that was made cannot be taken back any more."""
    return f"{over_text(claim)} A fix can be undone for {plural(minutes, 'minute')} only."


def done_text(claim: Known, untold: str = "") -> str:
    """To whoever confirmed it; `untold`: why the channel could not be told."""
    rows = plural(claim.rows_changed or 0, "row")
    after = untold or "The thread has it."
    return f"{bold('Done')}: {escape(claim.sheet.title, 150)}, {rows}. {after}"


def waiting_text(claim: Known) -> str:
    """To the first of two operators."""
    return (
        f"{bold('Confirmed')}: {escape(claim.sheet.title, 150)}. A second, different operator must"
        f" approve it in the channel until {clock(claim.expires_at)}. Nothing is changed yet."
    )


def step_line(step: str, done_by: str | None) -> str:
    """A step by hand, with its tick."""
    return f"☑ {escape(step)} · {user(done_by)}" if done_by else f"☐ {escape(step)}"


def not_offered(setting: str) -> str:
    """Fixes cannot be made here."""
    return f"No fix is offered: {code(setting)} is not set, or the runbook has no remediation."
