"""The table: it ends in time, and what a part finds is wrong in the end."""

from __future__ import annotations

from pathlib import Path

from tests.faults.room import NoVolumeError
from tests.faults.table import Row, Table
from tests.faults.truth import Verdict
from tests.faults.world import Ground


def row(found: Verdict | Exception, *, seconds: float = 1, level: bool = False) -> Row:
    """A part that finds this."""

    async def play(ground: Ground, folder: Path) -> Verdict:
        del ground, folder
        if isinstance(found, Exception):
            raise found
        return found

    return Row(name="a part", injected="nothing", play=play, seconds=seconds, level=level)


async def test_what_a_part_finds_is_wrong_in_the_end(ground: Ground) -> None:
    """Also that it took too long; what cannot be played here is said, and not wrong."""
    table = Table(minutes=5)
    await table.play(ground, row(Verdict(lost=["T+5 was not said"], unsafe=["done twice"])))
    await table.play(ground, row(TimeoutError("It did not become true.")))
    await table.play(ground, row(NoVolumeError("only root may mount")))
    assert table.wrong == [
        "a part: T+5 was not said",
        "a part: done twice",
        "a part: TimeoutError: It did not become true.",
    ]
    assert table.left_out == ["a part: only root may mount"]
    assert table.played == 2


async def test_a_part_in_which_a_secret_left_golive_is_wrong(ground: Ground) -> None:
    """It is told by its kind and place, and once: the next part begins without it."""
    table = Table(minutes=5)

    async def leak(_ground: Ground, _folder: Path) -> Verdict:
        table.heard.hear("a bot's output", "refused: planted-and-leaked-0001")
        return Verdict()

    await table.play(ground, Row(name="a leak", injected="a secret", play=leak, seconds=1))
    await table.play(ground, row(Verdict()))
    assert table.wrong == [
        "a leak: a leak: a planted secret in a bot's output: refused: <a planted secret>"
    ]
    assert len(table.total.leaked) == 1


async def test_a_bot_that_grew_is_found(ground: Ground) -> None:
    """Beyond what an undisturbed hour leaves behind, and three tenths of it."""
    table = Table(minutes=5)
    await table.play(ground, row(Verdict(resident=(100_000, 150_000)), level=True))
    await table.play(ground, row(Verdict(resident=(100_000, 195_000))))
    assert table.wrong == []
    await table.play(ground, row(Verdict(resident=(100_000, 195_001))))
    assert table.wrong == ["a part: a bot holds 190 MiB; without faults it holds 146"]


async def test_no_part_begins_that_would_end_too_late(ground: Ground) -> None:
    """A short one still may."""
    table = Table(minutes=1)
    assert not await table.play(ground, row(Verdict(lost=["never played"]), seconds=90))
    assert await table.play(ground, row(Verdict(), seconds=5))
    assert table.wrong == []
    assert table.left_out == ["a part: no time was left for it"]
