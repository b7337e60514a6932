"""secret_leaks: unmasked secrets, and what proves them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from checks.engine.model import Leak, Level, LogEvidence, Measurement, Proof
from checks.secret_leaks import CHECK
from tests.support.evidence import at_least, evidence, judged, leak, log, view

_RULE = (at_least("proven", critical=1), at_least("attempted", warning=1))


def _measured(seen: LogEvidence) -> Measurement:
    return CHECK.measure(view(CHECK, evidence(seen)))


def _level(seen: LogEvidence) -> Level:
    return judged(CHECK, view(CHECK, evidence(seen), thresholds=_RULE)).level


def test_a_clean_log_is_good() -> None:
    """No leak in lines that were searched is a real zero, and says what was searched for."""
    found = _measured(log({"http_responses": 9}, secrets_searched=4))
    assert found.unknown is None
    assert found.value == 0
    assert found.summary == "0 unmasked secrets."
    assert found.details["known_secrets_searched"] == 4
    assert found.details["lines_searched"] == 1000
    assert found.details["groups"] == []
    assert _level(log({"http_responses": 9})) is Level.OK


def test_lines_without_any_event_are_searched_too() -> None:
    """A secret needs no recognised record around it: lines are enough to look at."""
    assert _measured(log()).unknown is None


def test_a_log_without_a_line_is_unknown() -> None:
    """Nothing was searched, so nothing can be said."""
    found = _measured(log(lines=0, recognised=0))
    assert found.unknown is not None
    assert found.unknown.what == "The log has no line in the window."


def test_no_log_is_unknown() -> None:
    """The log's own problem is the reason."""
    assert CHECK.measure(view(CHECK, evidence())).unknown is not None


def test_one_proven_leak_is_critical() -> None:
    """A proven leak is critical whatever else was only attempted; the worst is shown first."""
    seen = log(
        {"secret_leak": 94},
        leaks=(
            leak(Proof.ATTEMPTED, kind="verify_token", place="request", count=14),
            leak(Proof.PROVEN, kind="jwt", place="request", count=20),
            leak(Proof.PROVEN, kind="apikey", count=60),
        ),
    )
    found = _measured(seen)
    assert found.value == 94
    assert found.quantities["proven"].value == 80
    assert found.quantities["attempted"].value == 14
    assert found.summary == (
        "94 lines with an unmasked secret: 80 proven (apikey, jwt), 14 only attempted."
    )
    assert found.evidence == (
        "apikey: [MASKED] in error dump",
        "jwt: [MASKED] in request",
        "verify_token: [MASKED] in request",
    )
    assert _level(seen) is Level.CRITICAL


def test_the_groups_name_everything_but_the_value() -> None:
    """A group is kind, place, proof, count and fingerprint."""
    found = _measured(log({"secret_leak": 3}, leaks=(leak(count=3, fingerprint="ab12"),)))
    assert found.details["groups"] == [
        {
            "kind": "apikey",
            "place": "error dump",
            "proof": "proven",
            "count": 3,
            "fingerprint": "ab12",
        }
    ]


def test_attempted_leaks_alone_are_a_warning() -> None:
    """A stranger's guess does not roll a release back."""
    seen = log({"secret_leak": 1}, leaks=(leak(Proof.ATTEMPTED),))
    assert _measured(seen).summary == "1 line with an unmasked secret: 1 only attempted."
    assert _level(seen) is Level.WARNING


def test_a_proxys_access_log_is_a_warning_that_names_it() -> None:
    """What a proxy writes is not the application's leak; the finding names the log and the mend."""
    seen = log({"secret_leak": 7}, leaks=(leak(Proof.PROXY, kind="webhook_path", count=7),))
    found = _measured(seen)
    assert found.quantities["attempted"].value == 7
    assert found.summary == (
        "7 lines with an unmasked secret:"
        " 7 in the proxy's access log /var/log/app.log, which cannot mask."
    )
    assert found.details["proxy"] == (
        "An access log writes URLs as they are: leave the secret out of its log format."
    )
    assert _level(seen) is Level.WARNING


def test_lines_that_no_group_explains_are_no_clean_log() -> None:
    """Leaking lines beyond the groups that are kept still count as attempted."""
    seen = log({"secret_leak": 9}, leaks=(leak(Proof.PROXY, count=2),))
    found = _measured(seen)
    assert found.quantities["attempted"].value == 9
    assert found.summary.startswith("9 lines with an unmasked secret: 7 only attempted, 2 in the")
    assert _level(log({"secret_leak": 1})) is Level.WARNING


def test_the_evidence_is_five_lines() -> None:
    """Many groups are shown by an example each of the five worst."""
    seen = log({"secret_leak": 9}, leaks=tuple(leak(fingerprint=f"f{n}") for n in range(9)))
    found = _measured(seen)
    assert len(found.evidence) == 5
    groups = found.details["groups"]
    assert isinstance(groups, list)
    assert len(groups) == 9


_LEAKS = st.lists(
    st.builds(leak, st.sampled_from(list(Proof)), count=st.integers(1, 50)), max_size=6
)


@given(leaks=_LEAKS, extra=st.integers(0, 20))
def test_the_level_follows_the_worst_proof(leaks: list[Leak], extra: int) -> None:
    """CRITICAL exactly where something is proven; OK exactly where no line leaks."""
    lines = sum(found.count for found in leaks) + extra
    seen = log({"secret_leak": lines}, leaks=tuple(leaks))
    if any(found.proof is Proof.PROVEN for found in leaks):
        expected = Level.CRITICAL
    else:
        expected = Level.WARNING if lines else Level.OK
    assert _level(seen) is expected
