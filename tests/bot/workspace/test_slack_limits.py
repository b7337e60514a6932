"""Each limit, once just kept and once just broken, before the workspace and before the table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.workspace.rules import (
    Violation,
    message_refusal,
    message_violations,
    view_refusal,
    view_violations,
)
from tests.bot.workspace.blocks import plain, section
from tests.bot.workspace.limit_cases import EACH, PLANTED, Build, Payload, message, view, wide
from tests.support.slack_limits import Kind, violations

CASES = [
    pytest.param(kind, build(limit + 1), build(limit), id=name) for name, kind, limit, build in EACH
] + [pytest.param(kind, bad, good, id=name) for name, kind, bad, good in PLANTED]


def found_by_workspace(payload: Payload, kind: Kind) -> tuple[Violation, ...]:
    """The faults that the workspace's own rules find."""
    if kind in {"modal", "home"}:
        return view_violations(payload)
    return message_violations(payload, update=kind == "update")


@pytest.mark.parametrize(("kind", "bad", "good"), CASES)
def test_just_kept_passes_and_just_broken_does_not(kind: Kind, bad: Payload, good: Payload) -> None:
    """By the workspace and by the table, and for one reason only."""
    assert (found_by_workspace(good, kind), violations(good, kind)) == ((), [])
    assert len(found_by_workspace(bad, kind)) == 1
    assert len(violations(bad, kind)) == 1


def test_a_refusal_carries_slacks_word_and_the_path() -> None:
    """Blocks, attachments, texts and views each have their own word."""
    words = {
        "invalid_blocks": message(section("a" * 3_001)),
        "invalid_attachments": {"attachments": [{"blocks": [{"type": "banner"}]}]},
        "too_many_attachments": {"attachments": [{"fallback": "a"}] * 101},
        "msg_too_long": {"text": "a" * 40_001},
        "msg_blocks_too_long": wide(13_001),
        "no_text": {},
        "invalid_metadata_format": message(metadata={"event_type": 1, "event_payload": {}}),
        "metadata_too_large": message(
            metadata={"event_type": "a", "event_payload": {"k": "a" * 9_000}}
        ),
    }
    for word, payload in words.items():
        refusal = message_refusal(payload)
        assert refusal is not None
        assert refusal.code == word
    refusal = view_refusal(view(title=plain("a" * 25)))
    assert refusal is not None
    assert refusal.code == "invalid_arguments"
    assert refusal.messages == (
        "[ERROR] must be less than 25 characters [json-pointer:/view/title/text]",
    )


def test_an_image_of_a_file_that_is_not_ready_is_refused() -> None:
    """The workspace knows; a table can not."""
    payload = message({"type": "image", "slack_file": {"id": "F1"}, "alt_text": "a"})
    assert message_refusal(payload) is None
    refusal = message_refusal(payload, file_ready=lambda _: False)
    assert refusal is not None
    assert "slack_file" in refusal.messages[0]


@given(case=st.sampled_from(EACH), share=st.floats(min_value=0, max_value=1.5))
def test_workspace_and_table_agree_on_every_size(
    case: tuple[str, Kind, int, Build], share: float
) -> None:
    """Also far from the limit, and at nothing."""
    _, kind, limit, build = case
    payload = build(int(limit * share))
    assert bool(found_by_workspace(payload, kind)) == bool(violations(payload, kind))
