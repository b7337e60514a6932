"""Log profiles are checked when the runbook is loaded, also those that a user adds."""

from __future__ import annotations

import hyperscan
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from checks.engine.runbook.dialect import compiled, pattern_fault
from tests.engine.runbooks import edited, issues, said

SHARED = "in the dialect that Hyperscan and RE2 share"

REFUSED = {
    r"a(?=b)": f"lookahead (?=…) is not possible {SHARED}",
    r"a(?!b)": f"negative lookahead (?!…) is not possible {SHARED}",
    r"(?<=a)b": f"lookbehind (?<=…) is not possible {SHARED}",
    r"(?<!a)b": f"negative lookbehind (?<!…) is not possible {SHARED}",
    r"(a)\1": f"a back-reference or octal escape is not possible (write a byte as \\x00) {SHARED}",
    r"(?P<x>a)(?P=x)": f"a back-reference (?P=…) is not possible {SHARED}",
    r"(?>a+)b": f"an atomic group (?>…) is not possible {SHARED}",
    r"a++b": f"a possessive repeat (*+, ++, ?+) is not possible {SHARED}",
    r"a*+b": f"a possessive repeat (*+, ++, ?+) is not possible {SHARED}",
    r"a{2}+b": f"a possessive repeat (*+, ++, ?+) is not possible {SHARED}",
    r"(a)(?(1)b|c)": f"a condition (?(…)…) is not possible {SHARED}",
    r"a(?#why)": f"a comment (?#…) is not possible {SHARED}",
    r"(?x)a b": f"the flag 'x' is not possible {SHARED}",
    r"(?a:b)": f"the flag 'a' is not possible {SHARED}",
    r"ab\Z": f"\\Z is not possible (write $) {SHARED}",
    r"[[:alpha:]]b": f"a named class such as [[:alpha:]] is not possible {SHARED}",
    r"[\1]b": f"a back-reference or octal escape is not possible (write a byte as \\x00) {SHARED}",
    r"[äö]b": f"a character beyond ASCII inside […] is not possible (write (?:ä|ö)) {SHARED}",
    r"ab{,3}": f"a repeat without a lower bound ({{,n}}) is not possible {SHARED}",
    r"ab{2000}": f"a repeat of more than 1000 is not possible {SHARED}",
    r"ab{1,2000}": f"a repeat of more than 1000 is not possible {SHARED}",
    "a\0b": "a NUL byte ends a pattern early (write \\x00)",
    r"a*": "matches the empty text, so it would match everywhere",
    r"a(": "not a regular expression: missing ), unterminated subpattern at position 1",
    r"[a": "not a regular expression: unterminated character set at position 0",
    r"a\q": "not a regular expression: bad escape \\q at position 1",
    r"[a||b]c": "not a regular expression: Possible set union at position 2",
}

ALLOWED = [
    r"^\[Webhook:[^\]\n]*\] Message created: (?P<id>[0-9a-f-]{36})",
    r"Processing error: {",
    r"{}+a",
    r"a{1}b{2,}c{3,4}",
    r"a+?b*?c??d",
    r"(?i)secret",
    r"(?i:se)cret",
    r"(?:a|b)+",
    r"[]a]b",
    r"[^]]+x",
    r"\[x\]+",
    r"a\+\+",
    r"\(\?=\)",
    r"[(?=]a",
    r"café",
    r"\x00a",
    r"\bword\b",
    r"end$",
]


@pytest.mark.parametrize(("pattern", "why"), REFUSED.items())
def test_refused_patterns(pattern: str, why: str) -> None:
    """What one of the engines lacks, or reads differently, is refused by its name."""
    assert pattern_fault(pattern) == why


@pytest.mark.parametrize("pattern", ALLOWED)
def test_allowed_patterns(pattern: str) -> None:
    """What the engines share is not mistaken for what they do not."""
    assert pattern_fault(pattern) == ""


atoms = st.sampled_from(
    ["a", "b", ".", "^", "$", "[ab]", "[^a]", r"\d", r"\w", r"\s", r"\b", r"\.", "\n", "{"]
)
repeats = st.sampled_from(["?", "*", "+", "{2}", "{1,3}", "{2,}", "??", "*?", "+?"])
patterns = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map("".join),
        st.tuples(inner, inner).map(lambda both: f"({both[0]}|{both[1]})"),
        st.tuples(inner, repeats).map(lambda both: f"(?:{both[0]}){both[1]}"),
    ),
    max_leaves=8,
)


@given(
    start=st.sampled_from(["a", "b", "[ab]", r"\.", "1"]),
    pattern=patterns,
    text=st.text(alphabet="ab1. \n{", min_size=1, max_size=12),
)
def test_an_accepted_pattern_means_the_same_to_both(start: str, pattern: str, text: str) -> None:
    """Where a pattern is accepted, Hyperscan finds something exactly where Python does."""
    pattern = start + pattern
    assume(pattern_fault(pattern) == "")
    # At the very end of a text the two differ in `$` and `^` behind a last newline: a record that
    # is searched never ends with one.
    data = text.encode().rstrip(b"\n")
    assume(data)
    hits: list[int] = []

    def on_match(_id: int, _start: int, end: int, _flags: int, _context: object) -> None:
        hits.append(end)

    database = hyperscan.Database()
    database.compile(expressions=[pattern.encode()], ids=[0], flags=[hyperscan.HS_FLAG_MULTILINE])
    database.scan(data, match_event_handler=on_match)
    assert bool(hits) is bool(compiled(pattern).search(data))


def test_patterns_see_bytes_and_lines() -> None:
    """`^` and `$` stand at each line, and text beyond ASCII is found as UTF-8."""
    assert compiled("^é$").search("a\né\nb".encode())
    assert compiled("^a$").search(b"b\na\nb")


SIGNAL = "retry: {pattern: '^EVENT retry [0-9]+', example: 'EVENT retry 1'}"
RESPONSE = "pattern: '^(?:GET|POST) (?P<path>\\S+) (?P<status>[1-5][0-9]{2})$'"
AT = "log.profiles"
PLAIN = f"{AT}.plain"

PROFILES = {
    "a signal's pattern in another dialect": (
        ("'^EVENT sent'", "'^EVENT (?=sent)'"),
        f"{PLAIN}.signals.send_ok.pattern: lookahead (?=…) is not possible {SHARED}",
        "send_ok:",
    ),
    "a pattern that is none": (
        ("'^EVENT sent'", "'^EVENT (sent'"),
        f"{PLAIN}.signals.send_ok.pattern: not a regular expression:"
        " missing ), unterminated subpattern at position 7",
        "send_ok:",
    ),
    "an example that does not match": (
        ("example: 'EVENT sent'", "example: 'EVENT send'"),
        f"{PLAIN}.signals.send_ok.pattern: does not match its own example",
        "send_ok:",
    ),
    "an unknown signal": (
        (SIGNAL, SIGNAL.replace("retry", "retries", 1)),
        f"{PLAIN}.signals.retries: unknown signal; did you mean 'retry'?",
        "retries:",
    ),
    "a signal without an example": (
        (SIGNAL, "retry: {pattern: '^EVENT retry'}"),
        f"{PLAIN}.signals.retry.example: is missing",
        "retry:",
    ),
    "recognise is no pattern": (
        ("recognise: '^(GET|POST|EVENT) '", "recognise: '^(GET'"),
        f"{PLAIN}.recognise: not a regular expression:"
        " missing ), unterminated subpattern at position 1",
        "recognise:",
    ),
    "recognise misses the responses": (
        ("recognise: '^(GET|POST|EVENT) '", "recognise: '^(PUT|EVENT) '"),
        f"{PLAIN}.recognise: does not match the example of responses",
        "recognise:",
    ),
    "recognise misses a signal": (
        ("recognise: '^(GET|POST|EVENT) '", "recognise: '^(GET|POST) '"),
        f"{PLAIN}.signals.retry.example: recognise does not match this example",
        "retry:",
    ),
    "signals of nobody": (
        ("signals_of: plain", "signals_of: plan"),
        f"{AT}.fields.signals_of: unknown profile 'plan'; did you mean 'plain'?",
        "signals_of: plan",
    ),
    "signals of itself": (
        ("signals_of: plain", "signals_of: fields"),
        f"{AT}.fields.signals_of: names its own profile",
        "signals_of: fields",
    ),
    "signals of a borrower": (
        ("    records:\n", "    records:\n      signals_of: fields\n"),
        f"{AT}.records.signals_of: fields borrows its signals itself;"
        " name the profile that has them",
        "signals_of: fields",
    ),
    "an unknown kind of responses": (
        ("kind: line", "kind: lines"),
        f"{PLAIN}.responses: 'kind' is 'lines', expected one of 'paired', 'line', 'json'",
        "responses:",
    ),
    "no kind of responses": (
        ("kind: line", "# kind"),
        f"{PLAIN}.responses: 'kind' is missing",
        "responses:",
    ),
    "an unknown key of one kind": (
        ("status_after:", "status_afer:"),
        f"{PLAIN}.responses.status_afer: unknown key; did you mean 'status_after'?",
        "status_afer:",
    ),
    "a response pattern in another dialect": (
        (RESPONSE, RESPONSE.replace("$'", "\\Z'")),
        f"{PLAIN}.responses.pattern: \\Z is not possible (write $) {SHARED}",
        "pattern:",
    ),
    "a response pattern without a status": (
        (RESPONSE, RESPONSE.replace("?P<status>", "?P<code>")),
        f"{PLAIN}.responses.pattern: has no group (?P<status>…)",
        "pattern:",
    ),
    "a response pattern that misses its example": (
        ("example: 'GET /orders 200'", "example: 'GET /orders 20'"),
        f"{PLAIN}.responses.pattern: does not match its own example",
        "pattern:",
    ),
    "a literal that does not stand before the status": (
        ("status_after: 'orders '", "status_after: 'order '"),
        f"{PLAIN}.responses.status_after: 'order ' does not stand before a digit in the example",
        "status_after:",
    ),
    "a JSON example that is none": (
        ('example: \'{"time": 1,', 'example: \'{"time": ,'),
        f"{AT}.fields.responses.example: is not one JSON object",
        "example:",
    ),
    "a JSON path to no status": (
        ("status: [res.statusCode]", "status: [res.code, time]"),
        f"{AT}.fields.responses.status: no such path in the example holds a status",
        "status:",
    ),
    "a paired literal that is not in the example": (
        ("status: 'status='", "status: 'state='"),
        f"{AT}.records.responses.status: 'state=' does not occur in the example",
        "status: 'state='",
    ),
    "an empty paired literal": (
        ("id: 'id='", "id: ''"),
        f"{AT}.records.responses.id: must not be empty",
        "id: ''",
    ),
}


@pytest.mark.parametrize(("edit", "sentence", "line"), PROFILES.values(), ids=PROFILES)
def test_refused_profiles(edit: tuple[str, str], sentence: str, line: str) -> None:
    """A profile that cannot do what it says is refused, at the line that is wrong."""
    text = edited(edit)
    found = [shown for what, shown in said(text, issues(text)) if what == sentence]
    assert found, issues(text)
    assert found[0].startswith(line)


@pytest.mark.parametrize(
    ("example", "accepted"),
    [
        ("EVENT sent", True),
        ('{"msg": "EVENT sent"}', True),
        ('{"text": "EVENT sent"}', False),
        ('{"msg": "sent"}', False),
    ],
)
def test_events_of_a_json_format_stand_in_the_message(example: str, *, accepted: bool) -> None:
    """The example of an event in JSON lines is the message, or a whole line with that message."""
    signals = f"signals: {{send_ok: {{pattern: '^EVENT sent', example: '{example}'}}}}"
    text = edited(("signals_of: plain", signals))
    assert (issues(text) == ()) is accepted


def test_a_runbook_without_profiles_loads() -> None:
    """Formats may be left out; then no log is recognised."""
    text = edited(("  profiles:\n", "  profiles: {}\n"))
    text = text[: text.index("  profiles: {}\n") + len("  profiles: {}\n")]
    assert issues(text) == ()
