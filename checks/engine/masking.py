"""What a secret looks like, and how text from outside is made harmless before it is shown.

Secrets that golive knows by value are hidden in every spelling (`known_secrets`), others by their
shape. One table of shapes serves both sides: the log engine finds leaks with it, `mask` hides them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from checks.engine.known_secrets import MASK, hide
from checks.engine.linear import LinearMatch, LinearPattern

MIN_LIVE_SECRET = 16
"""Shorter known secrets are not searched as literals: they would match by accident (checks.md)."""

_MAX_LINE = 400
_MAX_MASKED = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One kind of secret, as a pattern in the dialect shared by Hyperscan and RE2.

    keep:  the part before the value, which may be shown
    value: the value to its end, so that masking leaves nothing of it behind
    least: the shortest value; a search for it reports a hit once, not once a further character
    goes_back: whether `re` would try a hostile text again from each of its places
    """

    kind: str
    keep: str
    value: str
    least: str
    caseless: bool = False
    goes_back: bool = False

    @property
    def probe(self) -> str:
        """The expression that finds the shape."""
        return self.keep + self.least

    def compiled(self) -> re.Pattern[bytes] | LinearPattern:
        """The shape, with the part that is shown as group 1 and the value as group 2."""
        pattern = f"({self.keep})({self.value})".encode()
        if self.goes_back:
            return LinearPattern(pattern, ignore_case=self.caseless)
        return re.compile(pattern, re.IGNORECASE if self.caseless else 0)


_URL_PART = r"[^\s\"'&?#/{}\[\]]"
_BRACKET = r"|\[[^M\s]|\[M[^A\s]|\[MA[^S\s]|\[MAS[^K\s]|\[MASK[^E\s]|\[MASKE[^D\s]|\[MASKED[^\]\s]"
"""A bracket that does not begin [MASKED]."""
SHAPES = (
    Shape(
        kind="jwt",
        keep="",
        value=r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",
        least=r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.",
        goes_back=True,
    ),
    Shape(
        kind="bearer",
        keep="Bearer ",
        value=r"[A-Za-z0-9._~+/=-]{20,}",
        least=r"[A-Za-z0-9._~+/=-]{20}",
    ),
    Shape(
        kind="sk_key",
        keep="",
        value=r"\bsk-[A-Za-z0-9_-]{16,}",
        least=r"\bsk-[A-Za-z0-9_-]{16}",
    ),
    Shape(
        kind="apikey",
        keep="apikey: '?",
        value=r"[A-Za-z0-9-]{8,}[A-Za-z0-9._~+/=-]*",
        least=r"[A-Za-z0-9-]{8}",
    ),
    Shape(
        kind="verify_token",
        keep=r"hub\.verify_token=",
        value=rf"(?:[^\s&#\"'\[]{_BRACKET})[^\s&\"']*",
        least=rf"(?:[^\s&#\"'\[]{_BRACKET})",
    ),
    Shape(
        kind="webhook_path",
        keep=r"/webhooks/whatsapp/[a-z0-9_.-]+/",
        value=rf"(?:{_URL_PART}{_BRACKET}){_URL_PART}*",
        least=rf"(?:{_URL_PART}{_BRACKET})",
        caseless=True,
    ),
)

_COMPILED = tuple(shape.compiled() for shape in SHAPES)
# Fields that carry a secret in other spellings than the application's own: masked when shown, not
# counted as leaks.
_FIELDS = re.compile(
    rb"((?:api[_-]?key|apikey|access[_-]?token|token|secret|password|authorization)"
    rb"[\"']?\s*[:=]\s*[\"']?(?:Bearer\s+)?)((?!\[MASKED\])[^\s\"',&}\]]{6,})",
    re.IGNORECASE,
)
_PHONE = re.compile(rb"(?<![0-9A-Za-z-])\+?[1-9][0-9]{9,14}(?![0-9A-Za-z-])")
_CONTROL = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]"
)
_MENTION = re.compile(r"<(?=[!@#])")


def _hide(match: re.Match[bytes] | LinearMatch) -> bytes:
    return (match[1] or b"") + MASK


def _hide_phone(match: re.Match[bytes]) -> bytes:
    digits = match.group(0)
    # Epoch seconds and milliseconds of this century look like phone numbers and are no secret.
    if len(digits) in (10, 13) and digits.startswith((b"15", b"16", b"17", b"18", b"19")):
        return digits
    return digits[:4] + b"\xe2\x80\xa6" + digits[-2:]


def mask_bytes(line: bytes, secrets: Iterable[bytes] = ()) -> bytes:
    """Replace every secret in `line` by [MASKED] and shorten phone numbers.

    Args:
        line: raw text; need not be valid UTF-8.
        secrets: hidden beside those that this process knows, before the shapes are.
    """
    line = hide(line, secrets)
    for pattern in _COMPILED:
        line = pattern.sub(_hide, line)
    line = _FIELDS.sub(_hide, line)
    return _PHONE.sub(_hide_phone, line)


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """`mask_bytes` for text."""
    raw = text.encode("utf-8", "surrogatepass")
    hidden = mask_bytes(raw, [secret.encode("utf-8", "surrogatepass") for secret in secrets])
    return hidden.decode("utf-8", "replace")


def harmless(text: str, limit: int = _MAX_LINE) -> str:
    """Make text safe to show.

    Control and direction characters become visible escapes, Slack's mention syntax is broken, and
    what is longer than `limit` is cut with an ellipsis.
    """
    text = _CONTROL.sub(lambda m: f"\\x{ord(m.group()):02x}", text.replace("\t", " "))
    text = _MENTION.sub("‹", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def evidence_line(raw: bytes, secrets: Iterable[bytes] = ()) -> str:
    """One line of a log as evidence: masked first, then made harmless and cut.

    Of a line longer than any that is shown, the last word is left out: it may be half a secret,
    which no shape would find.
    """
    if len(raw) > _MAX_MASKED:
        raw = b" ".join(raw[:_MAX_MASKED].rsplit(maxsplit=1)[:-1]) + b" \xe2\x80\xa6"
    return harmless(mask_bytes(raw, secrets).decode("utf-8", "replace").strip())
