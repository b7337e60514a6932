"""The LogQL that is written: it parses, stays in the shared dialect, and quotes what it must."""

from __future__ import annotations

import pytest

from checks.engine.runbook.dialect import pattern_fault
from checks.sources.logs.prefix import NO_PREFIX, PREFIXES
from checks.sources.loki.logql import anchored, literal_of, quoted
from checks.sources.loki.questions import questions
from tests.support.logql import parse
from tests.support.logs import profiles


@pytest.mark.parametrize("prefix", [NO_PREFIX, *PREFIXES], ids=lambda prefix: prefix.name)
@pytest.mark.parametrize("profile", profiles(), ids=lambda profile: profile.name)
def test_every_question_can_be_parsed(profile: object, prefix: object) -> None:
    """Of each profile behind each prefix, coloured or not."""
    for known in profiles():
        for before in (NO_PREFIX, *PREFIXES):
            if known is profile and before is prefix:
                for coloured in (False, True):
                    asked = questions(known, before, coloured=coloured)
                    for pipeline in (*asked.signals.values(), asked.heads or ""):
                        parse(f"sum(count_over_time({{app=`crm`}} {pipeline} [1m] offset 1ms))")


@pytest.mark.parametrize("prefix", [NO_PREFIX, *PREFIXES], ids=lambda prefix: prefix.name)
def test_patterns_stay_in_the_shared_dialect(prefix: object) -> None:
    """What is made of a profile's pattern is still one that RE2 takes."""
    (before,) = [p for p in (NO_PREFIX, *PREFIXES) if p is prefix]
    for profile in profiles():
        for pattern in profile.patterns:
            fault = pattern_fault(anchored(pattern.source.decode(), before))
            # Hyperscan does not search for prefixes, which Python strips.
            assert fault in {"", "Hyperscan refuses it: Embedded end anchors not supported."}


@pytest.mark.parametrize(
    "text", ["plain", "back`tick", 'both ` and "', "a\\d+`", "new\nline", "\x1b[0m`", "ä`ö", "\r"]
)
def test_quoted_texts_are_read_back(text: str) -> None:
    """Whatever is in a pattern, Loki gets just that."""
    query = parse(f"{{app=`crm`}} |= {quoted(text)}")
    assert not hasattr(query, "span")
    assert getattr(query, "line")(f"<{text}>", {}) == f"<{text}>"  # noqa: B009
    assert getattr(query, "line")("other", {}) is None  # noqa: B009


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        (r"^\[Webhook:[^\]\n]*\] Unknown instance: ", "] Unknown instance: "),
        (r"abcd?efgh", "efgh"),
        (r"abc+defg", "defg"),
        (r"abc|def", ""),
        (r"(?i)abcdef", ""),
        (r"x(abcdef|ghi)y", ""),
        (r"a{100}bcd", "bcd"),
        (r"abc{0,3}", ""),
    ],
)
def test_the_sure_text_of_a_pattern(pattern: str, literal: str) -> None:
    """Only what every match holds is filtered for first."""
    assert literal_of(pattern) == literal
