"""What is compiled for one set of live secrets does not outlive it for long."""

from __future__ import annotations

import gc
import weakref

from checks import CHECKS
from checks.engine.runbook import load_runbook
from checks.sources.logs.profile import compile_profiles


def test_secrets_that_are_not_live_any_more_are_forgotten() -> None:
    """Each new webhook secret makes another set; a bot that runs for months sees hundreds."""
    profile = compile_profiles(load_runbook(checks=CHECKS).log.profiles)[0]
    sets = [(f"{number:064x}".encode(),) for number in range(12)]
    assert profile.matcher(sets[0]) is profile.matcher(sets[0])
    first = weakref.ref(profile.matcher(sets[0]))
    for one in sets[1:]:
        profile.matcher(one)
    gc.collect()
    assert first() is None
