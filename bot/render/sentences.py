"""Short answers: refusals, mistakes, and commands in the wrong state. Each says what to do next."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.render.budget import Draft, to_message
from bot.render.message import Message
from bot.render.mrkdwn import code, date, escape, shown, user
from bot.render.phrases import version
from bot.watch.model import Deployment
from checks.engine.model import Decision

_SPAN = re.compile(r"`([^`\n]{1,200})`")
_MOST = 1_000


def say(text: str) -> Message:
    """A sentence, possibly with words from outside; what stands between backticks is code."""
    return to_message(Draft(verdict=spans(text)))


def spans(text: str) -> str:
    """Words from outside made literal, but for what stands between backticks: that is code."""
    out: list[str] = []
    clean = shown(text, _MOST)
    last = 0
    for span in _SPAN.finditer(clean):
        out += [escape(clean[last : span.start()], _MOST), code(span.group(1), 300)]
        last = span.end()
    return "".join([*out, escape(clean[last:], _MOST)]) or "–"


def not_operator(command: str) -> Message:
    """A member asked for what only operators may do."""
    return _line(
        f"Only operators may run {code(f'/golive {command}')}, so nothing was done.",
        "Ask one of them, or ask whoever runs golive to add you to GOLIVE_OPERATORS."
        " `/golive help` lists what you may run.",
    )


def outsider() -> Message:
    """A guest, a bot or somebody from another workspace."""
    return _line(
        "golive answers full members of this workspace only, so nothing was done.",
        "Ask a member of the channel to run it for you.",
    )


def elsewhere(channel: str) -> Message:
    """The command came from a channel that golive does not serve."""
    return _line(
        "golive does not work in this channel, so nothing was done.",
        f"Go to <#{channel}>." if re.fullmatch(r"[CG][A-Z0-9]{2,20}", channel) else "",
    )


def unknown_check(typed: str, known: Sequence[str]) -> Message:
    """No such check; all that there are."""
    names = ", ".join(code(name) for name in known[:30])
    return _line(f"There is no check {code(typed)}.", f"The checks are {names}.")


def no_watch(command: str) -> Message:
    """The command needs a running watch, and there is none."""
    return _line(
        f"No watch is running in this channel, so there is nothing to {escape(command, 40)}.",
        "`/golive start VERSION` begins one; `/golive status` measures without one.",
    )


def watch_begins(deployment: Deployment, *, again: bool) -> Message:
    """The watch was started, now or by the same command before."""
    if again:
        return _line(
            f"The watch over {version(deployment)} is running already, since"
            f" {date(deployment.started_at)}.",
            "`/golive status` says where it stands.",
        )
    return _line(
        f"golive watches {version(deployment)}, deployed {date(deployment.deployed_at)}.",
        "It posts its first look here in a moment and each checkpoint into the thread.",
    )


def watch_runs(deployment: Deployment) -> Message:
    """Another version is being watched in this channel."""
    return _line(
        f"This channel is watching {version(deployment)} since"
        f" {date(deployment.started_at)} (started by {user(deployment.started_by)}).",
        "`/golive close` ends that watch; then start the new one.",
    )


def nothing_to_ack() -> Message:
    """Nobody was called, so there is nothing to acknowledge."""
    return _line(
        "There is no alarm to acknowledge.", "`/golive status` says where the watch stands."
    )


def already_acked(by: str) -> Message:
    """Somebody else was faster."""
    return _line(f"{user(by)} already acknowledged this alarm.", "The watch goes on.")


def just_taken(decision: Decision | None, by: str | None) -> Message:
    """A checkpoint of the same second stands already; `by` None where that is not known."""
    who = f" by {user(by)}" if by else ""
    return _line(
        f"A checkpoint was taken a second ago{who}: {decision or 'no verdict'}.",
        "It is in the thread; `/golive checkpoint` takes another one now.",
    )


def not_acceptable(check: str, why: str) -> Message:
    """A check that cannot be accepted now: OK, CRITICAL, or of a rollback criterion."""
    return _line(
        f"{code(check)} cannot be accepted: {escape(why)}",
        "Only a WARNING or UNKNOWN can be; a CRITICAL has to be mended.",
    )


def stale_button() -> Message:
    """The button belongs to an older state of the message."""
    return _line(
        "That button belongs to an earlier state, so nothing was done.",
        "`/golive status` shows the present one with its buttons.",
    )


def store_down(command: str) -> Message:
    """The store, golive's own database, does not answer."""
    return _line(
        f"golive's store does not answer, so {code(f'/golive {command}')} was not done.",
        "Try again in a minute; `/golive status` works without the store."
        " If it stays so, check GOLIVE_STORE_URL with `golive doctor`.",
    )


def state_lost(deployment: Deployment, now: datetime) -> Message:
    """The store was replaced: what was known of a watch is gone, and it is not continued."""
    minutes = max(0, (now - deployment.deployed_at) // timedelta(minutes=1))
    again = code(f"/golive start {deployment.version} {minutes}m")
    return _line(
        f"golive lost its state: its store was replaced. The watch over {version(deployment)} and"
        " its verdicts are gone; no checkpoint is posted and nothing is done for it any more.",
        f"{again} watches it again. Whoever runs the store may bring the old one back instead.",
    )


def failed(reference: str) -> Message:
    """Something went wrong that nobody foresaw."""
    return _line(
        "Something went wrong in golive, and the command may not have been done.",
        f"Look at `/golive status` first, then try again. Its log names {code(reference)}.",
    )


def _line(what: str, next_: str) -> Message:
    """What is so, and what to do next."""
    return to_message(Draft(verdict=" ".join(part for part in (what, next_) if part)))


def ready(text: str) -> Message:
    """A sentence that is mrkdwn already, every word of it escaped or ours."""
    return to_message(Draft(verdict=text))
