"""Hostile watches, put together from a pool by a seed: cheap enough for ten thousand of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

from bot.render.message import Button
from bot.watch.model import Note, NoteKind, Taken, WatchView
from checks import CHECKS
from checks.engine.model import (
    Criterion,
    Decision,
    Finding,
    Level,
    LogEvidence,
    Problem,
    Quantity,
    Report,
    SignalEvidence,
    Verdict,
    minute_of,
)
from checks.engine.profiles import SIGNALS
from tests.bot.reports import HOSTILE, SECRETS
from tests.render.watches import DEPLOYMENT, NOW, START, point, report, watch
from tests.support.secrecy.planted import Kind, plant

LIVE = plant(Kind.PASSWORD, "hunter2hunter2hunter2")
"""A live secret without any telling shape: only known as a literal."""

PLANTED = (*SECRETS, LIVE)
_SHORT = (
    "",
    " ",
    "76 of 3342 responses answered 5xx, most on POST /messages.",
    "<!channel> <@U0EVE> <!subteam^S0EVE> <#C0EVE|x> <https://evil.example|click>",
    "*✔ GO* `code` ```block``` _x_ ~y~ > quote :boom:",
    "\x00\x1b[31m\u202e\u2066\ufeff\u2028\ud800 \x7f",
    "& < > &amp; &lt; &#60;",
    "😀👩\u200d👩\u200d👧 é \u202e مرحبا שלום 日本語",
    "a\nb\r\nc\td",
    "$x^2$ \\frac %s {0} {x}",
    *HOSTILE,
    f"Authorization: Bearer {'A1b2' * 8}",
    f"path /webhooks/whatsapp/evolution/{SECRETS[3]}",
    f"apikey: '{SECRETS[2]}' +",
    f"from {SECRETS[4]} to",
)
_LONG = (
    "😀" * 3_000,
    "&" * 4_000,
    "x" * 100_000,
    f"{'word ' * 20_000}{SECRETS[0]}",
    f"{'w' * 16_370} {SECRETS[1]} {'w' * 90_000}",
    "*_`~<>&:a:" * 500,
)
_LEVELS = tuple(Level)
_CHECKS = (*(check.id for check in CHECKS), "<!channel>", "x" * 300, "no_such")
_NUMBERS = (0, 1, 7, 0.073, 10**12, 1e300, -3, 3342)
_SIZES = (0, 1, 2, 5, 16, 16, 16, 40)


class Maker:
    """Draws everything from one seeded generator."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        # A few of the giants are enough: one alone is beyond every limit.
        self.giants = self.random.randrange(4)

    def text(self) -> str:
        """A short hostile text, or now and then a very long one."""
        if self.giants and self.random.random() < 0.05:
            self.giants -= 1
            return self.random.choice(_LONG)
        return self.random.choice(_SHORT)

    def texts(self, most: int = 12) -> tuple[str, ...]:
        """Some texts."""
        return tuple(self.text() for _ in range(self.random.randrange(most)))

    def finding(self) -> Finding:
        """A finding of any level about any check."""
        level = self.random.choice(_LEVELS)
        value = None if level is Level.UNKNOWN else self.random.choice(_NUMBERS)
        return Finding(
            check=self.random.choice(_CHECKS),
            title=self.text(),
            level=level,
            value=value,
            unit=self.random.choice(("responses", "share of messages", "")),
            summary=self.text(),
            threshold=self.random.choice(
                (None, {"warning": 6, "critical": 16}, {"critical": {"above": 0.1}})
            ),
            details={"threshold": self.text()},
            evidence=self.texts(6),
            quantities={"value": Quantity(value=value or 0)},
            unknown=Problem(what=self.text(), mend=self.text()) if value is None else None,
            would_change=self.text(),
            accepted_by=self.random.choice((None, None, "U0BEA", "<!here>")),
        )

    def report(self) -> Report:
        """A report with up to a thousand findings."""
        size = 1_000 if self.random.random() < 0.004 else self.random.choice(_SIZES)
        made = [self.finding() for _ in range(min(size, 40))]
        findings = [made[n % len(made)] for n in range(size)]
        return replace(
            report(log=self._log()),
            checkpoint=self.random.choice(("1", "2", "3", "final")),
            findings=tuple(findings),
            rollback_criteria=self._criteria("secret_leak", "service_down"),
            success_criteria=self._criteria("no_critical", "error_rate", self.text()),
            verdict=Verdict(
                decision=self.random.choice(tuple(Decision)),
                because=self.texts(9),
                missing=self.texts(9),
                would_change=self.texts(9),
            ),
            switched_off={self.text(): self.text()},
            window=None if self.random.random() < 0.2 else report().window,
        )

    def _criteria(self, *ids: str) -> tuple[Criterion, ...]:
        met = (True, False, None)
        return tuple(Criterion(id=i, met=self.random.choice(met), why=self.text()) for i in ids)

    def _log(self) -> LogEvidence:
        first = minute_of(START)
        minutes = {first + n: self.random.choice((0, 1, 9, 10**9)) for n in range(-3, 33, 4)}
        found = SignalEvidence(count=sum(minutes.values()), minutes=minutes)
        return LogEvidence(
            source=self.text(),
            problem=Problem(what="x", mend="y") if self.random.random() < 0.1 else None,
            timed=self.random.random() < 0.8,
            carries=frozenset(SIGNALS),
            signals={"http_5xx": found, "retry": found},
            notes=self.texts(3),
            unpaired=self.random.choice((None, 0, 3)),
            unpaired_lines=self.texts(3),
        )

    def taken(self, found: Report) -> Taken:
        """A point, in time or late."""
        run = self.random.choice(("checkpoint", "follow-up", "manual", "final"))
        at = point(self.random.choice((10, 20, 30, 60)), run, self.random.choice(("1", "3", None)))
        return Taken(
            point=at,
            taken_at=at.due_at + timedelta(seconds=self.random.choice((0, 59, 1_320, 10**6))),
            decision=self.random.choice((None, *Decision)),
            levels={f.check: f.level for f in found.findings[:16]},
            report=self.random.choice((found, None)),
        )

    def note(self) -> Note:
        """What somebody decided, by an id or by something else."""
        return Note(
            kind=self.random.choice(tuple(NoteKind)),
            by=self.random.choice(("U0BEA", "<!channel>", self.text())),
            at=NOW,
            check=self.random.choice((None, self.text())),
            reason=self.text(),
            until=self.random.choice((None, NOW + timedelta(minutes=9))),
        )

    def view(self) -> WatchView:
        """A watch in which everything that can be hostile is."""
        found = self.report()
        many = 200 if self.random.random() < 0.02 else self.random.randrange(12)
        closed = NOW if self.random.random() < 0.2 else None
        return replace(
            watch(found if self.random.random() < 0.95 else None),
            deployment=replace(
                DEPLOYMENT,
                version=self.text(),
                started_by=self.random.choice(("U0ANA", self.text())),
                closed_at=closed,
                closed_by="U0ANA" if closed else None,
            ),
            taken=tuple(self.taken(found) for _ in range(many)),
            previous=self.random.choice((None, found)),
            notes=tuple(self.note() for _ in range(self.random.randrange(20))),
            rollback=self.random.choice((None, self.text())),
            problems=self.texts(4),
        )

    def buttons(self) -> tuple[Button, ...]:
        """Any number of buttons, with any words."""
        return tuple(
            Button(
                action=self.random.choice(("ack", "diagnose", f"fix_{n}")),
                label=self.text(),
                value=self.random.choice(("", "T+10", "x" * 2_500)),
                style=self.random.choice(("", "primary", "danger", "loud")),
                confirm=self.random.choice((None, (self.text(), self.text(), self.text()))),
            )
            for n in range(self.random.choice((0, 0, 1, 3, 40)))
        )
