"""What masking hides, what it leaves, and what is done to text before it is shown."""

from __future__ import annotations

import string
import unicodedata
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from checks.engine.masking import SHAPES, evidence_line, harmless, mask, mask_bytes

LETTERS = string.ascii_letters + string.digits


def _word(seed: int, size: int) -> str:
    return "".join(Random(seed).choices(LETTERS, k=size))


WORD = st.builds(
    _word,
    st.integers(0, 2**32),
    st.integers(20, 40),
)
AROUND = st.text(max_size=30)
NOTATIONS = (
    "eyJ{0}.{0}.{0}",
    "Bearer {0}",
    "Authorization: Bearer {0}",
    " sk-{0}",
    "apikey: '{0}'",
    "apikey: {0}",
    "apikey: '{0}.{0}_{0}/{0}='",
    "hub.verify_token={0}",
    "hub.verify_token=/{0}&x=1",
    "/webhooks/whatsapp/evolution/{0}",
    "/WEBHOOKS/WhatsApp/zapi/{0}?x=1",
    '"apiKey":"{0}"',
    "api_key={0}",
    "access_token = {0}",
    "?token={0}",
    "password: '{0}'",
    "secret='{0}'",
)


@given(before=AROUND, after=AROUND, word=WORD, notation=st.sampled_from(NOTATIONS))
@example(before="[MASKED]", after="[MASKED]", word="a" * 20, notation=NOTATIONS[0])
def test_no_planted_secret_stays(before: str, after: str, word: str, notation: str) -> None:
    """In whatever text it stands, a secret in one of the known notations is gone after masking."""
    assert word not in mask(f"{before} {notation.format(word)} {after}")


@given(before=AROUND, after=AROUND, secret=st.text(min_size=8, max_size=40))
def test_no_live_secret_stays(before: str, after: str, secret: str) -> None:
    """A live secret is a literal: nothing of it stays, whatever its characters are."""
    hidden = mask(f"{before}{secret}{after}", [secret])
    assert secret in "[MASKED]" or secret not in hidden.replace("[MASKED]", "\n\n")


@given(raw=st.text(max_size=80), notation=st.sampled_from(NOTATIONS), word=WORD)
def test_masking_twice_is_masking_once(raw: str, notation: str, word: str) -> None:
    """What is masked stays as it is."""
    once = mask(f"{raw} {notation.format(word)} {raw}")
    assert mask(once) == once


@given(raw=st.binary(max_size=200))
def test_any_bytes_can_be_masked(raw: bytes) -> None:
    """Masking takes any bytes, and is settled after one turn."""
    once = mask_bytes(raw, [b"some-live-secret-x"])
    assert mask_bytes(once) == once


def test_of_a_secret_inside_another_nothing_stays() -> None:
    """Live secrets may be parts of each other, in any order."""
    short, long = "0123456789abcdef", "0123456789abcdef-and-more"
    for secrets in ([short, long], [long, short], [short, "", long]):
        assert mask(f"x {long} {short} y", secrets) == "x [MASKED] [MASKED] y"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tel 5511955779133 rings", "tel 5511…33 rings"),
        ("tel +5511955779133", "tel +551…33"),
        ("at 1763935470000 ms", "at 1763935470000 ms"),
        ("at 1763935470 s", "at 1763935470 s"),
        ("id 19bc8f2c-95a4-41b6-9ef5-995511955779", "id 19bc8f2c-95a4-41b6-9ef5-995511955779"),
        ("duration 1503, 42 of 372", "duration 1503, 42 of 372"),
        ("task-1 and risk-0123456789abcdef", "task-1 and risk-0123456789abcdef"),
        ("Missing authorization header", "Missing authorization header"),
    ],
)
def test_what_is_masked_and_what_is_left(text: str, shown: str) -> None:
    """Phone numbers are shortened; instants, ids, counts and ordinary words are left alone."""
    assert mask(text) == shown


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.kind)
def test_every_shape_finds_what_it_masks(shape: object) -> None:
    """A shape's search expression and its masking expression agree about one example."""
    examples = {
        "jwt": "eyJabc.eyJdef.ghi",
        "bearer": "Bearer abcdefghij0123456789",
        "sk_key": "sk-abcdefghij012345",
        "apikey": "apikey: 'abcdefgh'",
        "verify_token": "hub.verify_token=a",
        "webhook_path": "/webhooks/whatsapp/evolution/a",
    }
    found = next(one for one in SHAPES if one is shape)
    assert set(examples) == {one.kind for one in SHAPES}
    match = found.compiled().search(examples[found.kind].encode())
    assert match is not None
    assert (match[2] or b"?").decode() in examples[found.kind]
    assert mask(examples[found.kind]) != examples[found.kind]


@given(st.text(max_size=600))
@example("\ud800 lone \udfff")
@example("\x1b]0;title\x07 \u202e \u2066 \u061c \ufeff \u200b")
def test_nothing_that_controls_a_terminal_stays(raw: str) -> None:
    """No control or direction character is left, and the result is short."""
    shown = harmless(raw)
    assert len(shown) <= 400
    for character in shown:
        assert unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}, hex(ord(character))
        assert unicodedata.bidirectional(character) not in {
            *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        }
        assert ord(character) not in {0x200B, 0x200E, 0x200F, 0x061C, 0xFEFF}


@given(AROUND, st.sampled_from(["<!channel>", "<!here>", "<@U1>", "<#C1>", "<!subteam^S1>"]))
def test_no_mention_stays(around: str, mention: str) -> None:
    """Slack's way of calling people is broken wherever it stands."""
    shown = harmless(f"{around}{mention}{around}")
    assert not any(opening in shown for opening in ("<!", "<@", "<#"))


@given(st.binary(max_size=3_000), st.booleans())
def test_any_line_can_be_evidence(raw: bytes, twice: bool) -> None:
    """Any bytes become one short printable line."""
    shown = evidence_line(raw * (8 if twice else 1))
    assert len(shown) <= 400
    assert "\n" not in shown
    assert "\r" not in shown


@given(gap=st.integers(0, 40), word=WORD)
def test_a_cut_leaves_no_half_secret(gap: int, word: str) -> None:
    """Where a very long line is cut, no secret is cut in two and shown as ordinary text."""
    line = f"sk-{'x' * (16_384 - 30 - gap)} Bearer {word}".encode()
    assert word[:8] not in evidence_line(line)
    live = f"{'sk-' + 'y' * 16_300} {' ' * gap}{word}{word}".encode()
    assert word[:8] not in evidence_line(live, [f"{word}{word}".encode()])
