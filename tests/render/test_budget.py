"""One budgeter for every message: what gives way, and how that is said."""

from __future__ import annotations

from bot.render import blocks
from bot.render.budget import Draft, Form, Part, Row, button_row, to_home, to_message
from bot.render.message import Button
from tests.render.slack_says import refusals, view_refusals
from tests.render.watches import words


def _lines(many: int, size: int = 60) -> list[str]:
    return [f"line {n} {'x' * size}" for n in range(many)]


def test_what_is_left_out_is_said_and_stands_in_the_file() -> None:
    """With how many, of what, and where."""
    part = Part(title="Checks", lines=_lines(50), noun="checks", at_most=13)
    message = to_message(Draft(verdict="*GO*", parts=[part], file=("all.txt", "All")))
    assert "… and 37 more checks, in the file" in words(message)
    (file,) = message.files
    assert all(line in file.text for line in part.lines)


def test_one_is_no_plural() -> None:
    """And without a file nobody is sent to one."""
    message = to_message(
        Draft(verdict="v", parts=[Part(lines=_lines(3), noun="checks", at_most=2)])
    )
    assert words(message).endswith("… and 1 more check")
    assert not message.files


def test_the_lower_rank_gives_way() -> None:
    """However far up it stands."""
    parts = [
        Part(title="Low", lines=_lines(400), rank=9),
        Part(title="High", lines=_lines(100), rank=1),
    ]
    said = words(to_message(Draft(verdict="v", parts=parts, file=("a.txt", "A"))))
    assert said.count("line ") < 300
    high = said.partition("High")[2]
    assert all(line in high for line in parts[1].lines)


def test_buttons_and_fine_print_stay_when_the_lines_are_too_many() -> None:
    """They are placed first."""
    parts = [Part(lines=_lines(2_000)), button_row([Button(action="a", label="Go", value="")])]
    message = to_message(Draft(verdict="v", parts=parts, fine="fine", file=("a.txt", "A")))
    kinds = [block["type"] for block in message.coloured]
    assert "actions" in kinds
    assert kinds[-1] == "context"
    assert refusals(message) == []


def test_of_a_log_the_end_is_kept() -> None:
    """The newest lines are at its end."""
    part = Part(lines=_lines(200), form=Form.LOG, tail=True)
    said = words(to_message(Draft(verdict="v", parts=[part], file=("a.txt", "A"))))
    assert "line 199 " in said
    assert "line 0 " not in said


def test_a_second_table_is_left_out() -> None:
    """Slack takes one a message."""
    table = Row(blocks=[blocks.table([["a", "b"], ["1", "2"]])])
    message = to_message(Draft(verdict="v", parts=[table, table]))
    assert [block["type"] for block in message.coloured] == ["table"]


def test_a_table_keeps_its_bounds() -> None:
    """Rows, cells and characters."""
    wide = blocks.table([["x" * 500] * 40] * 300)
    assert refusals(to_message(Draft(verdict="v", parts=[Row(blocks=[wide])]))) == []


def test_the_text_keeps_to_what_an_edit_allows_and_the_verdict_stays() -> None:
    """Reasons give way to it."""
    message = to_message(Draft(verdict="*✖ NO-GO* · v1", reasons=["r" * 300] * 40))
    assert message.text.startswith("*✖ NO-GO* · v1\n")
    assert len(message.text) <= 4_000
    assert "more" in message.text.rpartition("\n")[2]


def test_neighbouring_paragraphs_are_one_block() -> None:
    """Slack folds a coloured bar of many blocks."""
    parts = [Part(title=f"Part {n}", lines=["a line"]) for n in range(9)]
    (only,) = to_message(Draft(verdict="v", parts=parts)).coloured
    assert only["type"] == "section"


def test_a_line_that_is_too_long_for_a_paragraph_is_cut() -> None:
    """It loses its marks rather than its escaping."""
    message = to_message(Draft(verdict="v", parts=[Part(lines=["*&amp;*" * 900])]))
    assert refusals(message) == []


def test_a_home_has_its_own_limits() -> None:
    """A hundred blocks, no colour."""
    view = to_home(Draft(verdict="*Home*", parts=[Part(lines=_lines(3_000))], fine="fine"))
    assert view.kind == "home"
    assert view_refusals(view) == []
