"""Whether a finding is worse than at the same checkpoint of the deployment before, or only differs.

Counts are compared by the exact conditional test of two Poisson rates (Przyborowski and Wilenski,
1940): given the events of both, those of now are binomial. Shares are compared by Fisher's exact
test of two binomials. Both ask one question: how likely are so many now if nothing got worse? Zero
before is no special case: 0 before and 7 now is news, 0 and 1 is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, exp, fsum, lgamma, log, log1p

from checks.engine.model import Finding, Json, Quantity
from checks.engine.thresholds import Op, Rule

_RISING = (Op.AT_LEAST, Op.ABOVE)
_WORDS = ((0.001, "almost certainly more"), (0.01, "very likely more"), (0.05, "probably more"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The same checkpoint of the deployment before.

    version: what was deployed then
    finding: what the check found
    seconds: how long the window was that it looked at
    """

    version: str
    finding: Finding
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A finding beside the one of the deployment before.

    p:     probability of so many or more now, if nothing got worse (0.0–1.0)
    words: the comparison as a sentence
    """

    p: float
    words: str

    def json(self) -> dict[str, Json]:
        """As `details["history"]` of a finding carries it."""
        return {"p": round(self.p, 6), "words": self.words}


def compare(finding: Finding, rule: Rule, past: Past, seconds: float) -> Comparison | None:
    """Compare the number that the runbook bounds first; None where there is nothing to compare.

    Args:
        finding: what was found now.
        rule: which of its numbers the runbook bounds, and in which direction.
        past: what was found then.
        seconds: how long the window of now is.
    """
    name = _bounded(rule)
    now = finding.quantities.get(name)
    before = past.finding.quantities.get(name)
    if now is None or before is None:
        return None
    if now.sample is None and before.sample is None:
        return _counts(now, before, past, seconds)
    if now.sample and before.sample:
        return _shares(now, before, now.sample, before.sample, past.version)
    return None


def poisson(now: int, before: int, exposure: float) -> float:
    """P(so many now or more | the sum of both), if the rate did not rise.

    Args:
        now: events now.
        before: events then.
        exposure: the share of the time of both that was now (0.0–1.0).
    """
    n = now + before
    # By logarithms: the binomial coefficients of thousands of events are beyond a float.
    terms = (
        lgamma(n + 1)
        - lgamma(k + 1)
        - lgamma(n - k + 1)
        + k * log(exposure)
        + (n - k) * log1p(-exposure)
        for k in range(now, n + 1)
    )
    return min(1.0, fsum(exp(term) for term in terms))


def fisher(bad_now: int, sample_now: int, bad_before: int, sample_before: int) -> float:
    """P(so many bad now or more | the sums of both), if the share did not rise."""
    bad, total = bad_now + bad_before, sample_now + sample_before
    whole = comb(total, bad)
    most = min(bad, sample_now)
    ways = sum(comb(sample_now, k) * comb(sample_before, bad - k) for k in range(bad_now, most + 1))
    return min(1.0, ways / whole)


def _counts(now: Quantity, before: Quantity, past: Past, seconds: float) -> Comparison | None:
    if seconds <= 0 or past.seconds <= 0:
        return None
    a, b = round(now.value), round(before.value)
    p = poisson(a, b, seconds / (seconds + past.seconds))
    return Comparison(p=p, words=_sentence(f"{b} then, {a} now", past.version, p))


def _shares(
    now: Quantity, before: Quantity, sample_now: int, sample_before: int, version: str
) -> Comparison:
    p = fisher(now.bad, sample_now, before.bad, sample_before)
    said = f"{before.bad} of {sample_before} then, {now.bad} of {sample_now} now"
    return Comparison(p=p, words=_sentence(said, version, p))


def _sentence(numbers: str, version: str, p: float) -> str:
    word = next((word for bound, word in _WORDS if p < bound), None)
    if word is None:
        return f"no clear difference to {version}: {numbers}"
    chance = f"{p:.1%}" if p >= 0.001 else "under 0.1%"
    return f"{word} than with {version}: {numbers} (chance {chance})"


def _bounded(rule: Rule) -> str:
    """The first number of which more is worse."""
    for threshold in rule.thresholds:
        bound = threshold.warning or threshold.critical
        if bound is not None and bound.op in _RISING:
            return threshold.quantity
    return ""
