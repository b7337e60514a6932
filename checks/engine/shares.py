"""Shares of few events: what they prove, by the exact limits of Clopper and Pearson (1934)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import exp, lgamma, log, log1p


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRule:
    """When a share is evidence enough to be judged.

    min_sample: from so many events on the share itself is compared with a bound
    min_bad:    below that, a share is worse than a bound with at least so many bad events, and
    confidence: the one-sided limit of this confidence (above 0.5, below 1.0) beyond the bound
    by_limit:   compare the limit instead of the share from `min_sample` on, too: for looks so
                frequent that the plain share would be beyond its bound by chance now and then
    """

    min_sample: int
    min_bad: int
    confidence: float
    by_limit: bool = False


@lru_cache(maxsize=1024)
def lower_limit(bad: int, sample: int, confidence: float) -> float:
    """The least true share (0.0–1.0) of bad events that so many bad ones leave plausible.

    The exact one-sided limit of Clopper and Pearson, Biometrika 26 (1934): the share p of which
    `bad` or more of `sample` are seen with a probability of just 1 - `confidence`. 3 bad of 3 give
    0.368 at 0.95, 5 of 5 give 0.549. For the greatest plausible share of good events take
    1 - the limit of the bad ones.

    Args:
        bad: bad events, at most `sample`.
        sample: all events.
        confidence: above 0.5 and below 1.0.
    """
    if bad <= 0:
        return 0.0
    if bad == sample:
        return exp(log1p(-confidence) / sample)
    # The observed share itself is no limit: so many or more are seen there every other time.
    low, high = 0.0, bad / sample
    for _ in range(48):  # halvings, down to 4e-15
        middle = (low + high) / 2
        low, high = (middle, high) if _tail(bad, sample, middle) < 1 - confidence else (low, middle)
    return low


def _tail(bad: int, sample: int, share: float) -> float:
    """P(`bad` or more of `sample`) at a true share below the observed one.

    The terms of the sum fall there, so that it ends as soon as they no longer count.
    """
    if share <= 0:
        return 0.0
    term = exp(
        lgamma(sample + 1)
        - lgamma(bad + 1)
        - lgamma(sample - bad + 1)
        + bad * log(share)
        + (sample - bad) * log1p(-share)
    )
    total, odds = term, share / (1 - share)
    for k in range(bad, sample):
        term *= (sample - k) / (k + 1) * odds
        total += term
        if term <= total * 1e-15:
            break
    return total
