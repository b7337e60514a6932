"""manifests/compose.yaml against the Compose Specification, and what it promises."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any, Protocol, cast

import pytest
import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "manifests/compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BOT = SERVICES["golive"]


class _Validator(Protocol):
    def validate(self, instance: object) -> None: ...


def _specification() -> _Validator:
    vendor = resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    return cast("_Validator", Draft202012Validator(json.loads(vendor.read_text("utf-8"))))


def test_it_is_valid_compose() -> None:
    """By the specification's own schema."""
    _specification().validate(COMPOSE)


def test_the_schema_would_tell() -> None:
    """A misspelled key is an error there."""
    wrong = {**COMPOSE, "services": {"golive": {**BOT, "read_onyl": True}}}
    with pytest.raises(Exception, match="read_onyl"):
        _specification().validate(wrong)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_can_do_little(name: str) -> None:
    """Read-only, without capabilities, and it is told apart from one that hangs."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert "privileged" not in service


def test_secrets_are_files() -> None:
    """None stands in the environment, and each that is declared is used."""
    used = {secret for service in SERVICES.values() for secret in service["secrets"]}
    assert used == set(COMPOSE["secrets"])
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if re.search(r"TOKEN|PASSWORD|DATABASE_URL|STORE_URL|SECRET|KEY", name):
                assert name.endswith("_FILE"), name
                assert value.removeprefix("/run/secrets/") in service["secrets"], name


def test_the_bot_gets_time_to_finish_and_the_store_is_nobody_elses() -> None:
    """The drain is shorter than the grace; the store's network leads nowhere."""
    assert BOT["stop_grace_period"] == "90s"
    assert COMPOSE["networks"][SERVICES["store"]["networks"][0]] == {"internal": True}
    assert "ports" not in SERVICES["store"]
    assert BOT["ports"] == ["127.0.0.1:9464:9464"]
