"""Text from outside means nothing to Slack; golive's own marks do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.render import mrkdwn
from bot.render.blocks import actions, cut, preformatted
from bot.render.budget import Draft, button_row, to_message
from bot.render.message import Button
from tests.bot.reports import SECRETS
from tests.render.slack_says import refusals


def _actions(*buttons: Button) -> list[Any]:
    return list(actions(buttons))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a & b < c > d", "a &amp; b &lt; c &gt; d"),
        ("&lt;", "&amp;lt;"),
        ("<!channel> <@U1> <#C1>", "‹!channel&gt; ‹@U1&gt; ‹#C1&gt;"),
        ("*bold* ~gone~ `code`", "∗bold∗ ∼gone∼ ˋcodeˋ"),
        ("_slanted_ http_5xx", "＿slanted＿ http_5xx"),
        (":boom: 10:30:45 :100:", "∶boom: 10:30:45 ∶100:"),
        ("nul \x00 esc \x1b rtl \u202e", "nul \\x00 esc \\x1b rtl \\x202e"),
        ("two\nlines", "two\\x0alines"),
    ],
)
def test_text_from_outside_is_shown_as_it_is(raw: str, shown: str) -> None:
    """Marks, mentions, emoji names and control characters lose their meaning."""
    assert mrkdwn.escape(raw) == shown


@pytest.mark.parametrize("raw", ["&" * 900, "😀" * 900, "x" * 100_000, "a b " * 9_000, ""])
def test_the_limit_holds_after_escaping(raw: str) -> None:
    """What Slack counts is the escaped form, in UTF-16 units."""
    assert mrkdwn.size(mrkdwn.escape(raw, 300)) <= 301


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_are_masked_wherever_they_stand(secret: str) -> None:
    """Shapes and phone numbers, also at the cut of an overlong text."""
    path = "/webhooks/whatsapp/evolution/" if secret == SECRETS[3] else "apikey: '"
    for before in (0, 250, 16_370):
        assert secret not in mrkdwn.shown(f"{'w ' * (before // 2)}{path}{secret} rest")
    assert mrkdwn.shown(f"x {secret}", secrets=[secret]) == "x [MASKED]"


def test_of_a_secret_longer_than_what_is_read_nothing_is_shown() -> None:
    """Its first half has no shape that could be recognised."""
    token = f"eyJhbGciOiJIUzI1NiJ9.{'A' * 20_000}.c2ln"
    assert mrkdwn.shown(f"token {token}") == "token …"
    assert mrkdwn.shown(token) == "…"


def test_dates_are_in_the_readers_zone() -> None:
    """With UTC for clients that cannot."""
    at = datetime(2026, 11, 23, 21, 30, tzinfo=UTC)
    said = f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|2026-11-23 21:30 UTC>"
    assert mrkdwn.date(at) == said
    assert mrkdwn.plain(said) == "2026-11-23 21:30 UTC"


def test_mentions_are_made_of_ids_only() -> None:
    """A name that is no id is text; a ready mention stays."""
    assert mrkdwn.mention("U0ANA") == "<@U0ANA>"
    assert mrkdwn.mention("S0LEADS") == "<!subteam^S0LEADS>"
    assert mrkdwn.mention("<!subteam^S0LEADS>") == "<!subteam^S0LEADS>"
    assert mrkdwn.mention("<!channel>") == "‹!channel&gt;"
    assert mrkdwn.mention(None) == ""
    assert mrkdwn.user("<!here>") == "‹!here&gt;"


def test_links_lead_to_the_web_only() -> None:
    """Anything else, and an address with a secret in it, is shown as text."""
    assert mrkdwn.link("https://x.example/?a=1&b=2", "Logs") == (
        "<https://x.example/?a=1&amp;b=2|Logs>"
    )
    assert "<" not in mrkdwn.link("javascript:alert(1)", "Logs")
    assert "<" not in mrkdwn.link("https://x.example|><!channel>", "Logs")
    assert SECRETS[0] not in mrkdwn.link(f"https://x.example/?token={SECRETS[0]}", "Logs")


def test_known_people_are_named_where_the_engine_names_their_id() -> None:
    """And nobody else."""
    line = "Accepted by U0ANA: Retries. Said by U0EVE."
    assert mrkdwn.people(line, ["U0ANA"]) == "Accepted by <@U0ANA>: Retries. Said by U0EVE."


def test_plain_undoes_our_marks() -> None:
    """For files and fallbacks."""
    line = f"*▲ MONITOR* · {mrkdwn.code('v1')} {mrkdwn.link('https://x.example', 'Logs')} &lt;"
    assert mrkdwn.plain(line) == "▲ MONITOR · v1 Logs (https://x.example) <"


def test_a_button_that_slack_would_refuse_is_left_out() -> None:
    """Labels are cut; a value cannot be."""
    good = Button(action="a", label="x" * 200, value="v")
    bad = Button(action="b", label="B", value="v" * 2_001)
    (row,) = _actions(good, bad)
    assert [element["action_id"] for element in row["elements"]] == ["a"]


def test_two_buttons_of_one_action_stand_in_two_rows() -> None:
    """Slack wants different ids within a block."""
    rows = actions(
        [Button(action="d", label="1", value="1"), Button(action="d", label="2", value="2")]
    )
    assert len(rows) == 2


def test_a_dangerous_button_asks_first() -> None:
    """With plain text and a way out."""
    asks = ("Roll back?", "v2.4.0 in production", "Roll back")
    (row,) = _actions(
        Button(action="r", label="Roll back", value="1", style="danger", confirm=asks)
    )
    (button,) = row["elements"]
    assert button["confirm"]["style"] == "danger"
    assert button["confirm"]["deny"]["text"] == "Cancel"
    assert button["confirm"]["text"]["type"] == "plain_text"


def test_a_dialog_of_any_length_is_cut() -> None:
    """Title, text and word have bounds of their own."""
    asks = ("t" * 999, "x" * 999, "w" * 999)
    button = Button(action="r", label="R", value="1", confirm=asks)
    assert refusals(to_message(Draft(verdict="v", parts=[button_row([button])]))) == []


def test_cutting_never_splits_a_character_beyond_the_limit() -> None:
    """An emoji counts twice."""
    assert mrkdwn.size("a😀") == 3
    assert len(cut("😀" * 100, 75)) <= 38
    assert preformatted("")["type"] == "rich_text"
