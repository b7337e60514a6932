"""Failed messages, and where log and database disagree (runbook, checkpoint 2, section 5)."""

from __future__ import annotations

from dataclasses import dataclass

from checks.engine.absence import silence
from checks.engine.check import Check, Query, View, unknown
from checks.engine.masking import harmless, mask
from checks.engine.model import Json, Measurement, Problem, Quantity
from checks.engine.wording import percent, plural
from checks.message_queries import CREATED_WITHOUT_ROW, OUTBOUND_FAILED

_UNIT = "share of messages"
_SIGNALS = ("send_ok", "send_given_up", "inbound_created", "inbound_failed")


def measure(view: View) -> Measurement:
    """Failed share of the messages processed: given up outbound, failed inbound.

    Counted from the log. Beside it, what the database contradicts: an inbound message that the log
    calls created and that has no row, and given-up messages that the database does not show.
    """
    problem = view.log_unknown(*_SIGNALS) or silence(view)
    if problem is not None:
        return unknown(_UNIT, problem)
    sent, given_up, created, failed = (view.count(signal) for signal in _SIGNALS)
    bad, total = given_up + failed, sent + given_up + created + failed
    share = _share(bad, total)
    contradictions = _contradictions(view, given_up, sent + given_up)
    return Measurement(
        value=round(share.value, 4),
        unit=_UNIT,
        summary=" ".join((_summary(bad, given_up, failed, share), *contradictions.sentences)),
        quantities={
            "share": share,
            "sent": Quantity(value=sent),
            "outbound_failed_share": _share(given_up, sent + given_up),
            **contradictions.quantities,
        },
        details={
            "sent": sent,
            "given_up": given_up,
            "inbound_created": created,
            "inbound_failed": failed,
            **contradictions.details(),
        },
        evidence=view.lines("inbound_failed", "send_given_up"),
        window=view.log_window,
    )


def _share(bad: int, total: int) -> Quantity:
    return Quantity(value=bad / total if total else 0.0, sample=total, bad=bad)


def _summary(bad: int, given_up: int, failed: int, share: Quantity) -> str:
    if not share.sample:
        return "No traffic: no message was processed."
    parts = f": {given_up} given up outbound, {failed} failed inbound" if bad else ""
    return f"{bad} of {share.sample} messages failed ({percent(share.value)}){parts}."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contradictions:
    sentences: tuple[str, ...]
    quantities: dict[str, Quantity]
    not_compared: tuple[str, ...]

    def details(self) -> dict[str, Json]:
        found: dict[str, Json] = {"contradictions": list(self.sentences)}
        if self.not_compared:
            found["not_compared"] = list(self.not_compared)
        return found


def _contradictions(view: View, given_up: int, sends: int) -> _Contradictions:
    """What the log claims and the database does not show; without a database, nothing."""
    sentences: list[str] = []
    quantities: dict[str, Quantity] = {}
    reasons: dict[str, None] = {}
    missing = _number(view, CREATED_WITHOUT_ROW, "missing")
    if isinstance(missing, Problem):
        reasons[str(missing)] = None
    else:
        quantities["missing_rows"] = Quantity(value=missing)
        if missing:
            sentences.append(_missing_rows(view, missing))
    failed = _number(view, OUTBOUND_FAILED, "failed")
    if isinstance(failed, Problem):
        reasons[str(failed)] = None
    else:
        hidden = _share(max(0, given_up - failed), sends)
        quantities["hidden_share"] = hidden
        if hidden.bad:
            sentences.append(
                f"The log gives up on {plural(given_up, 'message')}, the database shows"
                f" {failed} failed: {hidden.bad} hidden ({percent(hidden.value)} of {sends} sends)."
            )
    return _Contradictions(
        sentences=tuple(sentences), quantities=quantities, not_compared=tuple(reasons)
    )


def _missing_rows(view: View, missing: int) -> str:
    # The ids come from the log, where anybody may have written them.
    examples = harmless(mask(str(view.row(CREATED_WITHOUT_ROW)["examples"])))
    claim = (
        "is called created by the log and has"
        if missing == 1
        else "are called created by the log and have"
    )
    return f"{plural(missing, 'inbound message')} {claim} no row: {examples}."


def _number(view: View, query: Query, column: str) -> int | Problem:
    """A count of a query's only row, or why it could not be asked."""
    result = view.rows(query)
    if result.problem is not None:
        return result.problem
    value = result.rows[0][column]
    return value if isinstance(value, int) else 0


CHECK = Check(
    id="message_errors",
    title="Message errors",
    checkpoint=2,
    measure=measure,
    quantities=("share", "missing_rows", "hidden_share", "sent", "outbound_failed_share"),
    signals=_SIGNALS,
    queries=(CREATED_WITHOUT_ROW, OUTBOUND_FAILED),
    params=("settle_seconds",),
)
