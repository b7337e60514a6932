"""manifests/kubernetes against Kubernetes' own schemas, and what it promises."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from bot.settings import Settings
from bot.slack_side import GRACE

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "manifests/kubernetes"
VERSIONS = ("1.28", "1.31", "1.34", "1.37")
LABELS = {"app.kubernetes.io/name": "golive"}


def _read(name: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / name).read_text("utf-8"))


BASE = _read("kustomization.yaml")
OBJECTS = {name: _read(name) for name in BASE["resources"]}
DEPLOYMENT = OBJECTS["deployment.yaml"]["spec"]
POD = DEPLOYMENT["template"]["spec"]
(CONTAINER,) = POD["containers"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_every_object_is_valid(name: str, version: str) -> None:
    """Strictly: a key that Kubernetes does not know is an error."""
    kubernetes_validate.validate(OBJECTS[name], version, strict=True)


def test_the_schemas_would_tell() -> None:
    """A misspelled key is an error there."""
    wrong = {**OBJECTS["poddisruptionbudget.yaml"], "spec": {"maxUnavailabel": 1}}
    with pytest.raises(Exception, match="maxUnavailabel"):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_the_base_lists_what_is_there() -> None:
    """Every file, and nothing that is not."""
    assert BASE["apiVersion"] == "kustomize.config.k8s.io/v1beta1"
    assert BASE["kind"] == "Kustomization"
    assert set(BASE) == {"apiVersion", "kind", "resources", "configMapGenerator", "images"}
    assert {"kustomization.yaml", "settings.env", *OBJECTS} == {p.name for p in FOLDER.iterdir()}
    (settings,) = BASE["configMapGenerator"]
    assert settings == {"name": "golive", "envs": ["settings.env"]}


def test_objects_find_each_other() -> None:
    """By one label, and by names."""
    assert DEPLOYMENT["selector"]["matchLabels"] == LABELS
    assert DEPLOYMENT["template"]["metadata"]["labels"] == LABELS
    assert OBJECTS["service.yaml"]["spec"]["selector"] == LABELS
    assert OBJECTS["poddisruptionbudget.yaml"]["spec"]["selector"]["matchLabels"] == LABELS
    assert OBJECTS["networkpolicy.yaml"]["spec"]["podSelector"]["matchLabels"] == LABELS
    assert POD["serviceAccountName"] == OBJECTS["serviceaccount.yaml"]["metadata"]["name"]
    assert {m["name"] for m in CONTAINER["volumeMounts"]} == {v["name"] for v in POD["volumes"]}


def test_the_pod_is_restricted() -> None:
    """As the Pod Security Standards' strictest profile asks, and without a token."""
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert POD["automountServiceAccountToken"] is False
    assert OBJECTS["serviceaccount.yaml"]["automountServiceAccountToken"] is False
    assert {"requests", "limits"} == set(CONTAINER["resources"])


def test_there_are_two_and_one_always_stays() -> None:
    """And each that ends has the time for it: commands, posts, and what it is just taking."""
    assert DEPLOYMENT["replicas"] == 2
    assert OBJECTS["poddisruptionbudget.yaml"]["spec"]["maxUnavailable"] == 1
    assert POD["terminationGracePeriodSeconds"] >= 2 * GRACE + 30


def test_probes_ask_what_there_is() -> None:
    """A store that is away makes a pod unready, and restarts none."""
    ports = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
    for probe, path in (("startup", "healthz"), ("liveness", "healthz"), ("readiness", "readyz")):
        asked = CONTAINER[f"{probe}Probe"]
        assert asked["httpGet"] == {"path": f"/{path}", "port": "metrics"}
        assert asked["timeoutSeconds"] > 3
    settings = (FOLDER / "settings.env").read_text("utf-8")
    assert f"GOLIVE_METRICS_PORT={ports['metrics']}" in settings


def test_settings_are_settings_of_golive(tmp_path: Path) -> None:
    """With the Secret mounted nothing is missing; no name is misspelled."""
    lines = (FOLDER / "settings.env").read_text("utf-8").splitlines()
    environment = dict(line.split("=", 1) for line in lines if line and line[0] != "#")
    known = (ROOT / "bot/settings.py").read_text("utf-8")
    assert [name for name in environment if f'"{name}"' not in known] == []
    for name, value in (("bot", "xoxb-1"), ("app", "xapp-1"), ("store", "postgresql://u@h/d")):
        (tmp_path / name).write_text(value, encoding="utf-8")
    files = {entry["name"]: entry["value"] for entry in CONTAINER["env"] if "value" in entry}
    assert sorted(files) == [
        "GOLIVE_STORE_URL_FILE",
        "SLACK_APP_TOKEN_FILE",
        "SLACK_BOT_TOKEN_FILE",
    ]
    assert {Path(path).parent for path in files.values()} == {Path("/run/secrets/golive")}
    settings = Settings.from_environment(
        {
            **environment,
            "GOLIVE_STORE_URL_FILE": str(tmp_path / "store"),
            "SLACK_APP_TOKEN_FILE": str(tmp_path / "app"),
            "SLACK_BOT_TOKEN_FILE": str(tmp_path / "bot"),
        }
    )
    assert settings.lacks_to_run() == ()


def test_no_secret_stands_in_the_files() -> None:
    """They are referred to, by the name of a Secret that the cluster has."""
    text = "".join(path.read_text("utf-8") for path in FOLDER.iterdir())
    assert not re.search(r"xox[bap]-|postgresql://|kind: Secret", text)
