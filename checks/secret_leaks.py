"""Unmasked secrets in the log (runbook, checkpoint 1, section 4)."""

from __future__ import annotations

from checks.engine.absence import nothing_seen
from checks.engine.check import Check, View, unknown
from checks.engine.model import Json, Leak, Measurement, Problem, Proof, Quantity
from checks.engine.wording import plural

_UNIT = "lines"
_MAX_LINES = 5
_WORST_FIRST = (Proof.PROVEN, Proof.ATTEMPTED, Proof.PROXY)
_PROXY_MEND = "An access log writes URLs as they are: leave the secret out of its log format."


def measure(view: View) -> Measurement:
    """Log lines with an unmasked secret since the deploy, and how sure it is that each leaked.

    Proven: a known secret, or inside an error dump, or in a request not answered 4xx. Attempted: in
    requests answered 4xx, a stranger's guess. A proxy's access log cannot mask and counts apart.
    Where a database was given and could not name the live secrets, nothing found is no good news.
    """
    problem = view.log_unknown("secret_leak")
    log = view.evidence.log
    if problem is None and log.lines == 0:
        problem = nothing_seen(view, "line")
    if problem is not None:
        return unknown(_UNIT, problem)
    leaks = sorted(log.leaks, key=lambda leak: (_WORST_FIRST.index(leak.proof), -leak.count))
    lines = view.count("secret_leak")
    counts = {proof: sum(x.count for x in leaks if x.proof is proof) for proof in Proof}
    proven = counts[Proof.PROVEN]
    # A line that no group explains must not pass for clean.
    unproven = max(counts[Proof.ATTEMPTED] + counts[Proof.PROXY], lines - proven)
    details: dict[str, Json] = {
        "groups": [_group(leak) for leak in leaks],
        "known_secrets_searched": log.secrets_searched,
        "lines_searched": log.lines,
    }
    if counts[Proof.PROXY]:
        details["proxy"] = _PROXY_MEND
    if log.unsearched is not None:
        details["not_searched"] = str(log.unsearched)
        # What was found is proven all the same; what was not found was not looked for.
        if not proven:
            return unknown(_UNIT, _unsearched(log.unsearched), details)
    return Measurement(
        value=lines,
        unit=_UNIT,
        summary=_summary(lines, proven, unproven - counts[Proof.PROXY], leaks, log.source),
        quantities={"proven": Quantity(value=proven), "attempted": Quantity(value=unproven)},
        details=details,
        evidence=tuple(leak.example for leak in leaks[:_MAX_LINES]),
        window=view.log_window,
    )


def _unsearched(why: Problem) -> Problem:
    return Problem(
        what=f"The log was not searched for all live webhook secrets. {why.what}", mend=why.mend
    )


def _group(leak: Leak) -> Json:
    return {
        "kind": leak.kind,
        "place": leak.place,
        "proof": leak.proof.value,
        "count": leak.count,
        "fingerprint": leak.fingerprint,
    }


def _summary(lines: int, proven: int, attempted: int, leaks: list[Leak], source: str) -> str:
    if not lines and not leaks:
        return "0 unmasked secrets."
    parts: list[str] = []
    if proven:
        kinds = dict.fromkeys(leak.kind for leak in leaks if leak.proof is Proof.PROVEN)
        parts.append(f"{proven} proven ({', '.join(kinds)})")
    if attempted:
        parts.append(f"{attempted} only attempted")
    proxy = sum(leak.count for leak in leaks if leak.proof is Proof.PROXY)
    if proxy:
        parts.append(f"{proxy} in the proxy's access log {source}, which cannot mask")
    return f"{plural(lines, 'line')} with an unmasked secret: {', '.join(parts)}."


CHECK = Check(
    id="secret_leaks",
    title="Unmasked secrets",
    checkpoint=1,
    measure=measure,
    quantities=("proven", "attempted"),
    signals=("secret_leak",),
)
