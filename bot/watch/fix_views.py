"""The modals of fixes, by what came of them."""

from __future__ import annotations

from dataclasses import replace

from bot.actions import CONFIRM, notice
from bot.remediation.values import (
    Claim,
    Done,
    FixState,
    Over,
    Refusal,
    Result,
    Stale,
    Unsettled,
    Waiting,
)
from bot.render.choosing import choice_block
from bot.render.fix import done_text, over_text, preview_view, waiting_text
from bot.render.message import View
from bot.render.sentences import say


def text(said: str) -> View:
    """A modal that only says something, with words from outside."""
    return notice(say(said).text)


def proposed(found: Claim | Refusal) -> View:
    """A preview, or why there is none."""
    if isinstance(found, Refusal):
        return _refusal(found)
    return preview_view(found, callback=CONFIRM)


def _refusal(refusal: Refusal) -> View:
    said = notice(_why(refusal))
    if refusal.choice is None:
        return said
    return replace(said, blocks=(*said.blocks, choice_block(refusal.choice)))


def _why(refusal: Refusal) -> str:
    said = say(refusal.why).text
    return f"{said} {over_text(refusal.last)}" if refusal.last is not None else said


def result(found: Result, *, untold: str = "") -> View:
    """What came of a confirmation; `untold`: why the channel could not be told of it."""
    said = say(untold).text if untold else ""
    match found:
        case Done(claim=claim) if claim.state is FixState.EXECUTING:
            view = notice(f"The rollback is declared. {said or 'The channel has it.'}")
        case Done(claim=claim):
            view = notice(done_text(claim, untold=said))
        case Waiting(claim=claim):
            view = notice(f"{waiting_text(claim)} {said}".strip())
        case Over(claim=claim, winner=winner):
            view = notice(over_text(claim, winner))
        case Stale(fresh=fresh):
            view = _stale(fresh)
        case Unsettled(why=why):
            view = text(f"{why} {untold}".strip())
        case Refusal():
            view = _refusal(found)
    return view


def _stale(fresh: Claim | Refusal) -> View:
    said = "*Nothing was done:* the rows have changed since the preview."
    if isinstance(fresh, Claim):
        return preview_view(fresh, callback=CONFIRM, intro=f"{said} This is what is so now.")
    return notice(f"{said} {_why(fresh)}")
