"""The whole watch as Markdown, for `/golive report`: what was seen, decided and done, in order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.render import blocks
from bot.render.budget import Draft, Row, to_message
from bot.render.markdown import escape, render_markdown
from bot.render.message import Message, Picture, TextFile
from bot.render.phrases import duration, late_words, reasons, verdict_line, version
from bot.render.timeline import mark, point_name
from bot.render.words import DECISION_SYMBOLS
from bot.storage.values import AuditEntry
from bot.watch.model import Note, NoteKind, Taken, WatchView
from checks.engine.model import Decision

_DID = {
    NoteKind.ACK: "acknowledged the alarm",
    NoteKind.ACCEPT: "accepted",
    NoteKind.SILENCE: "silenced",
    NoteKind.ROLLBACK: "rolled back",
}


def post_mortem_message(
    view: WatchView, *, actions: Sequence[AuditEntry] = (), picture: Picture | None = None
) -> Message:
    """The report as a file, with the verdict and the picture that it names above it."""
    report = view.report
    decision = report.verdict.decision if report is not None else None
    return to_message(
        Draft(
            verdict=verdict_line(
                decision, version(view.deployment), "the whole watch as a file", report=report
            ),
            reasons=reasons(report.verdict) if report is not None else (),
            parts=[Row(blocks=[blocks.image(0, picture.alt)])] if picture is not None else [],
            pictures=(picture,) if picture is not None else (),
            files=(
                TextFile(
                    name="golive-report.md",
                    title="The whole watch",
                    text=post_mortem(view, actions=actions, picture=picture),
                ),
            ),
        )
    )


def post_mortem(
    view: WatchView, *, actions: Sequence[AuditEntry] = (), picture: Picture | None = None
) -> str:
    """The watch as Markdown: outline, timeline, decisions, actions, each checkpoint's report."""
    deployment = view.deployment
    closed = deployment.closed_at
    out = [
        f"# Go-live of {escape(deployment.version)}",
        "",
        f"- Deployed {_at(deployment.deployed_at)}, started by {escape(deployment.started_by)}",
        f"- {_ended(view) if closed is not None else 'The watch is still running'}",
        f"- Verdict: {_verdict(view)}",
        f"- Rollback: {escape(view.rollback) if view.rollback else 'none'}",
        *(f"- golive itself: {escape(problem)}" for problem in view.problems),
        "",
        *_picture(picture),
        *_section("Timeline", _timeline(view)),
        *_section("What people decided", [_note(note) for note in view.notes]),
        *_section("What was done", [_action(entry) for entry in actions]),
        *_reports(view),
    ]
    return "\n".join(out).rstrip() + "\n"


def _at(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _ended(view: WatchView) -> str:
    deployment = view.deployment
    closed = deployment.closed_at or view.now
    after = duration(closed - deployment.deployed_at)
    return f"Closed {_at(closed)} by {escape(deployment.closed_by or 'golive')}, after {after}"


def _verdict(view: WatchView) -> str:
    if view.report is None:
        return "none was reached"
    verdict = view.report.verdict
    why = " ".join(escape(reason) for reason in verdict.because[:1])
    return f"**{verdict.decision}**. {why}".rstrip()


def _picture(picture: Picture | None) -> list[str]:
    if picture is None:
        return []
    return ["## The hour", "", f"![{escape(picture.alt)}]({escape(picture.name)})", ""]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"## {title}", "", *(f"- {line}" for line in lines), ""] if lines else []


def _timeline(view: WatchView) -> list[str]:
    """The points, and what was posted between them, in order."""
    lines = [(taken.taken_at, _taken(taken)) for taken in view.taken]
    symbol = DECISION_SYMBOLS[Decision.NO_GO]
    lines += [
        (at, f"{_at(at)} {symbol} between checkpoints, {Decision.NO_GO}, {escape(why)}")
        for at, why in view.between
    ]
    return [line for _, line in sorted(lines, key=lambda each: each[0])]


def _taken(taken: Taken) -> str:
    said = [
        f"{_at(taken.taken_at)} {escape(taken.point.key)} {mark(taken)}",
        point_name(taken.point),
    ]
    if taken.decision is not None:
        said.append(str(taken.decision))
    if late_words(taken):
        said.append(late_words(taken))
    return ", ".join(said)


def _note(note: Note) -> str:
    check = f" {escape(note.check)}" if note.check else ""
    until = f" until {_at(note.until)}" if note.until else ""
    reason = f": {escape(note.reason)}" if note.reason else ""
    return f"{_at(note.at)} {escape(note.by)} {_DID[note.kind]}{check}{until}{reason}"


def _action(entry: AuditEntry) -> str:
    outcome = f": {escape(entry.outcome)}" if entry.outcome else ""
    return f"{_at(entry.at)} {escape(entry.by)} {escape(entry.action)}{outcome}"


def _reports(view: WatchView) -> list[str]:
    """Each checkpoint's report, a level deeper; the newest one where no point kept its own."""
    kept = [(taken.point.key, taken.report) for taken in view.taken if taken.report is not None]
    if not kept and view.report is not None:
        kept = [("Now", view.report)]
    out: list[str] = []
    for key, report in kept:
        out += [f"## {escape(key)}", "", *_deeper(render_markdown(report)), ""]
    return out


def _deeper(markdown: str) -> list[str]:
    """Markdown with its headings two levels down; what stands in a fence stays as it is."""
    out: list[str] = []
    fence = ""
    for line in markdown.splitlines():
        ticks = line[: len(line) - len(line.lstrip("`"))]
        if len(ticks) >= 3 and (not fence or line == fence):
            fence = "" if fence else ticks
        out.append(f"##{line}" if line.startswith("#") and not fence else line)
    return out
