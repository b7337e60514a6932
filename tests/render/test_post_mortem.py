"""The whole watch as Markdown."""

from __future__ import annotations

from bot.render.message import Picture
from bot.render.post_mortem import post_mortem, post_mortem_message
from bot.storage.values import AuditEntry
from bot.watch.model import NoteKind
from checks.engine.model import Decision
from tests.render.watches import AMBER, NOW, RED, note, point, report, taken, watch

FIRST = report(AMBER, decision=Decision.MONITOR)
LAST = report(RED, AMBER)
VIEW = watch(
    LAST,
    taken=(
        taken(point(0, "baseline", None), None),
        taken(point(10, checkpoint="1"), Decision.MONITOR, late=22, found=FIRST),
        taken(point(30), Decision.NO_GO, found=LAST),
    ),
    notes=(note(NoteKind.ACCEPT, check="campaigns", reason="none tonight"),),
    rollback="Declared by Ana at 21:25.",
)


def test_it_tells_the_watch_in_order() -> None:
    """Outline, timeline, decisions, actions, then each checkpoint."""
    done = AuditEntry(at=NOW, by="U0ANA", action="close", outcome="The watch was closed.")
    text = post_mortem(VIEW, actions=[done], picture=Picture(name="h.png", alt="Hour", png=b""))
    assert text.startswith("# Go-live of v2.4.0\n")
    assert "- Rollback: Declared by Ana at 21:25." in text
    assert "![Hour](h.png)" in text
    assert "- 2026-11-23 21:32:00 UTC T+10 ▲, checkpoint 1, MONITOR, 22 min late" in text
    assert "U0BEA accepted campaigns: none tonight" in text
    assert "U0ANA close: The watch was closed." in text
    assert text.index("\n## T+10\n") < text.index("\n## T+30\n")


def test_each_reports_headings_lie_below_its_own() -> None:
    """And what stands in a fence stays as it was."""
    text = post_mortem(VIEW)
    assert "\n### ✖ NO-GO — " in text
    assert "\n#### Checks\n" in text
    assert "\n# ✖" not in text


def test_without_reports_the_newest_measurement_stands_in() -> None:
    """A watch whose store is down has still something to say."""
    text = post_mortem(watch(LAST, problems=("The store is down.",)))
    assert "- golive itself: The store is down." in text
    assert "\n## Now\n" in text


def test_the_message_brings_it_as_a_file() -> None:
    """The verdict is above it."""
    message = post_mortem_message(VIEW)
    assert message.text.startswith("*✖ NO-GO* · `v2.4.0` · the whole watch as a file")
    assert [file.name for file in message.files] == ["golive-report.md"]
