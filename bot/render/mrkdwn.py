"""Slack's mrkdwn: text from outside made literal, and the few marks that golive sets itself.

Whatever comes from outside enters through `escape` (or `shown`, for blocks that interpret nothing).
Nothing else may put a foreign string into a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from checks.engine.masking import harmless, mask

LINE = 300
"""A sentence of the engine as it is shown; the file beside the message has it in full."""
_MAX_READ = 16_384
_MAX_SHOWN = 4_000

# Slack knows no escape for its own marks: look-alikes keep the text readable and mean nothing.
_LITERAL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "ˋ", "*": "∗", "~": "∼"})
_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_EMOJI = re.compile(r":(?=(?:[0-9]*[a-z_+'-][a-z0-9_+'-]*|100):)")
_USER = re.compile(r"[UW][A-Z0-9]{2,20}")
_GROUP = re.compile(r"S[A-Z0-9]{2,20}")
_MENTION = re.compile(r"<@[UW][A-Z0-9]{2,20}>|<!subteam\^S[A-Z0-9]{2,20}>")
_URL = re.compile(r"https?://[^\s<>|\"`]{1,2000}")
_TOKEN = re.compile(
    r"<!date\^[^<|>]*\|([^<>]*)>|<@([^<>]+)>|<!subteam\^([^<>]+)>|<([^<|>]+)\|([^<>]*)>"
)
_OWN_MARKS = re.compile(r"[*`]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def size(text: str) -> int:
    """How long Slack takes a text to be, at most: in UTF-16 units, as its clients count."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def shown(text: str, limit: int = _MAX_SHOWN, secrets: Iterable[str] = ()) -> str:
    """Text from outside as it may leave the process: masked, control characters visible, cut.

    Of an overlong text the last word that is read is left out: it may be half a secret.
    """
    if len(text) > _MAX_READ:
        text = " ".join([*text[:_MAX_READ].rsplit(maxsplit=1)[:-1], "…"])
    return harmless(mask(text, secrets), limit)


def escape(text: str, limit: int = LINE, secrets: Iterable[str] = ()) -> str:
    """Text from outside that mrkdwn shows as it is, at most `limit` long after escaping."""
    return fit(shown(text, limit, secrets), limit)


def fit(text: str, limit: int) -> str:
    """Clean text escaped, and cut so that the escaped form keeps within `limit`."""
    out = _literal(text)
    if size(out) <= limit:
        return out
    low, high = 0, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        if size(_literal(text[:middle])) < limit:
            low = middle
        else:
            high = middle - 1
    return _literal(text[:low]) + "…"


def _literal(text: str) -> str:
    return _EMOJI.sub("∶", _UNDERSCORE.sub("＿", text.translate(_LITERAL)))


def plain(mrkdwn: str) -> str:
    """A line of ours without its marks: for files, fallbacks and fields that are no mrkdwn."""
    text = _OWN_MARKS.sub("", _TOKEN.sub(_spoken, mrkdwn))
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _spoken(token: re.Match[str]) -> str:
    date, who, group, url, label = token.groups()
    if url is not None:
        return f"{label} ({url})"
    return date if date is not None else f"@{who or group}"


def bold(escaped: str) -> str:
    """Bold; the text is escaped already."""
    return f"*{escaped}*"


def code(text: str, limit: int = 80) -> str:
    """A name or a command in a monospaced span."""
    return f"`{escape(text, limit) or ' '}`"


def user(who: str) -> str:
    """A person: a mention where `who` is a user id, else the name as text."""
    return f"<@{who}>" if _USER.fullmatch(who) else escape(who, 80)


def group(identifier: str) -> str:
    """A user group, by its id."""
    return f"<!subteam^{identifier}>" if _GROUP.fullmatch(identifier) else escape(identifier, 80)


def mention(given: str | None) -> str:
    """Who is called: a ready mention, or a user's or a group's id; "" for nobody."""
    if given is None or not given:
        return ""
    if _MENTION.fullmatch(given):
        return given
    return group(given) if _GROUP.fullmatch(given) else user(given)


def link(url: str, label: str) -> str:
    """A link; an address that is none of the web's is shown as text."""
    shown_label = escape(label, 100)
    if mask(url) != url or not _URL.fullmatch(url):
        return f"{shown_label}: {escape(url, LINE)}"
    return f"<{url.replace('&', '&amp;')}|{shown_label}>"


def date(instant: datetime) -> str:
    """Day and time in the reader's zone, UTC where the client cannot."""
    return _date(instant, "{date_short_pretty} {time}", "%Y-%m-%d %H:%M UTC")


def clock(instant: datetime) -> str:
    """The time of day in the reader's zone."""
    return _date(instant, "{time}", "%H:%M UTC")


def _date(instant: datetime, form: str, fallback: str) -> str:
    said = instant.astimezone(UTC).strftime(fallback)
    return f"<!date^{int(instant.timestamp())}^{form}|{said}>"


def people(escaped: str, known: Iterable[str]) -> str:
    """Ids of known people in an escaped sentence of the engine ("Accepted by U…") as mentions.

    Only for coloured blocks, where a mention shows the name and calls nobody.
    """
    for who in known:
        if _USER.fullmatch(who):
            escaped = re.sub(rf"\bby {who}\b", f"by <@{who}>", escaped)
    return escaped
