"""A profile whose records begin with few bytes."""

from __future__ import annotations

import pytest

from checks.engine.profiles import PairedResponses
from checks.sources.logs.ids import IdHash
from checks.sources.logs.lines import LineTable
from checks.sources.logs.records import PairReader


@pytest.mark.parametrize("begin", ["Q", "REQ ", "[REQ] ", "[IN] [REQ] ", "[INFO] [a] [REQ] "])
def test_records_may_begin_with_a_literal_of_any_length(begin: str) -> None:
    """One byte or seventeen: the request and the response are found by it, and nothing else is."""
    answer = begin.replace("Q", "S")
    spec = PairedResponses(
        kind="paired", request=begin, response=answer, id="id: '", status="status: ", example=""
    )
    key = "19bc8f2c-95a4-41b6-9ef5-99ee3220b837"
    text = (
        f"{begin}GET /a {{\n  id: '{key}',\n  ip: '::1'\n}}\n"
        f"{answer}GET /a {{\n  id: '{key}',\n  status: 200\n}}\nother line\n"
    )
    hashed = IdHash()
    records = PairReader(spec, "/health").read(LineTable(text.encode()), hashed)
    assert records.requests.tolist() == hashed.of([key.encode()]).tolist()
    assert records.ids.tolist() == records.requests.tolist()
    assert records.statuses.tolist() == [200]
