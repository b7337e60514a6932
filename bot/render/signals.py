"""What `golive signals` shows: the recognised format, and how alive each signal's pattern is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.render.words import clean
from checks.engine.linear import LinearPattern
from checks.engine.model import LogEvidence, SignalEvidence
from checks.engine.profiles import PUBLIC_SIGNALS, SignalSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How a log was recognised.

    times:    where a line's time comes from, in words
    response: a record of a response, as the profile gives it
    events:   the profile's event signals
    """

    profile: str
    prefix: str
    times: str
    sampled: int
    matched: int
    response: str
    events: Mapping[str, SignalSpec]


def render_signals(form: Format, log: LogEvidence) -> RenderableType:
    """The format, and a row for each signal that scripts may rely on."""
    head = Text()
    head.append(f"{clean(log.source)}\n", style="bold")
    head.append(
        f"Profile: {form.profile} ({form.matched} of {form.sampled} sampled records fit)\n"
        f"Prefix:  {form.prefix}\nTimes:   {form.times}\n"
        f"Read:    {log.lines} lines, {log.bytes} bytes\n"
    )
    if log.unpaired:
        head.append(f"Not counted: {log.unpaired} responses whose id is forged or cut\n")
    for note in log.notes:
        head.append(f"{clean(note)}\n")
    return Group(head, _table(form, log))


def _table(form: Format, log: LogEvidence) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("Signal", no_wrap=True)
    table.add_column("Count", justify="right", no_wrap=True)
    table.add_column("Last seen", no_wrap=True)
    table.add_column("Example", ratio=1, overflow="fold")
    for signal in PUBLIC_SIGNALS:
        found = log.signals.get(signal)
        if found is not None and found.count:
            count, last = Text(f"{found.count}"), Text(_last(found))
            table.add_row(Text(signal), count, last, _example(found, form))
        else:
            state = Text(absence(signal, log, form.events), style="dim")
            count = "0" if signal in log.carries else "–"
            table.add_row(Text(signal), Text(count), Text("–"), state)
    return table


def _example(found: SignalEvidence, form: Format) -> Text:
    if found.lines:
        return Text(clean(found.lines[-1]))
    # Responses are too many to keep a line of each: the profile's own example stands in.
    first = form.response.partition("\n")[0]
    return Text(f"such as {clean(first)}", style="dim")


def absence(signal: str, log: LogEvidence, events: Mapping[str, SignalSpec]) -> str:
    """Why a signal was not found: quiet, dead, or nothing that this format could show."""
    if signal not in log.carries:
        return f"not carried: the format {log.profile} does not show it"
    spec = events.get(signal)
    if (
        spec is not None
        and LinearPattern(spec.pattern.encode()).search(spec.example.encode()) is None
    ):
        return "dead: its pattern no longer matches its own example; mend it in runbook.yaml"
    return "quiet: nothing like it in this log"


def _last(found: SignalEvidence) -> str:
    return "no times" if found.last is None else f"{found.last:%Y-%m-%d %H:%M:%S}"
