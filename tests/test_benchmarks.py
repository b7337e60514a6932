"""The benchmark's own parts: its sizes, and logs whose true counts golive finds."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.benchmarks.generate import access_log, crm_log
from tests.benchmarks.logs import scan, size_of


def test_sizes_are_read_in_binary_units() -> None:
    """1GiB is 2^30 bytes; a plain number is bytes."""
    assert [size_of(text) for text in ("1GiB", "10MiB", "3KiB", "17")] == [
        1 << 30,
        10 << 20,
        3072,
        17,
    ]


@pytest.mark.parametrize("text", ["", "0", "1GB", "-1MiB", "1.5GiB", "MiB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """A size that cannot be meant is an error that shows how to write one."""
    with pytest.raises(argparse.ArgumentTypeError, match="write 64MiB or 1GiB"):
        size_of(text)


@pytest.mark.parametrize("write", [access_log, crm_log])
def test_golive_finds_the_true_counts_of_a_generated_log(
    write: Callable[[Path, int], dict[str, int]], tmp_path: Path
) -> None:
    """Whole blocks and fresh ids: every count equals what the generator wrote."""
    path = tmp_path / "app.log"
    truth = write(path, 4 << 20)
    evidence, _ = asyncio.run(scan(path))
    assert {signal: evidence.signals[signal].count for signal in truth} == truth
