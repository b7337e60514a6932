"""What `golive` prints: nothing that must not leave, in every format, as a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
from signal import SIG_DFL, SIGINT, signal

import pytest

from tests.bot.shell import QUIET, Golive, WriteLog, environment, process, signals
from tests.support.secrecy.planted import Kind, plant

SECRETS = (
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJl",
    "sk-planted0123456789abcdef",
    "evoplantedkey0123456789",
    "plantedwebhooksecret42",
)
_PATIENCE = 120  # seconds, on a busy machine
LIVE = plant(Kind.KEY, "a-live-secret-without-any-shape")

# --- what must not leave ------------------------------------------------------------------------

LEAKS = (
    f"[INFO] [REQ] GET /inbox?token={SECRETS[0]} {{ requestId: 'a', ip: '::1' }}",
    f"[Message:1] Failed after 3 attempts: key {SECRETS[1]}",
    f"  apikey: '{SECRETS[2]}',",
    f"[INFO] [REQ] POST /Webhooks/WhatsApp/evolution/{SECRETS[3]} {{ requestId: 'b', ip: '::1' }}",
    f"[Webhook:no-id] Unknown instance: {LIVE}, provider: evolution",
    "[Webhook:no-id] Unknown instance: \x1b[31m<!channel>\x00, provider: evolution",
)


@pytest.mark.parametrize("output", ["text", "json", "markdown"])
def test_no_secret_and_no_control_character_is_printed(
    golive: Golive, log: WriteLog, output: str
) -> None:
    """Found, counted, and masked on stdout and stderr in every format."""
    ended = golive(
        "check", "--log", log(*QUIET, *LEAKS), "--since-offset", "0", "--format", output,
        env={"GOLIVE_SECRETS": "PLANTED", "PLANTED": LIVE},
    )  # fmt: skip
    assert ended.code == 2
    for secret in (*SECRETS, LIVE):
        assert secret not in ended.out + ended.err
    assert "<!channel>" not in ended.out
    assert not set(ended.out) & {"\x00", "\x1b"}
    if output == "json":
        assert signals(ended)["secret_leak"] == 5


def test_signals_prints_format_and_counts_and_no_secret(golive: Golive, log: WriteLog) -> None:
    """The profile, a count a signal, quiet ones named, secrets masked."""
    ended = golive("signals", log(*QUIET, *LEAKS))
    assert ended.code == 0
    assert "crm-console" in ended.out
    rows = {line.split()[0]: line.split()[1:] for line in ended.out.splitlines() if line.split()}
    assert rows["retry"][0] == "3"
    assert rows["campaign_started"][:3] == ["0", "–", "quiet:"]
    assert not any(secret in ended.out for secret in SECRETS)


def test_signals_of_a_file_that_is_no_log_is_3(golive: Golive, log: WriteLog) -> None:
    """The reason is on stderr, stdout stays empty."""
    ended = golive("signals", log("lorem ipsum", "dolor sit amet"))
    assert (ended.code, ended.out) == (3, "")
    assert "not recognised" in ended.err


def test_a_process_prints_results_on_stdout_alone_and_no_colour_into_a_pipe(
    log: WriteLog,
) -> None:
    """`python -m bot`: the verdict first, no escape codes, nothing on stderr."""
    ended = process("check", "--log", log(*QUIET), "--since-offset", "0", "--only", "http_5xx")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("✔ GO")
    assert "\x1b" not in ended.stdout
    assert not any(line.endswith(" ") for line in ended.stdout.splitlines())


def test_no_colour_is_respected_where_colour_would_be_shown(log: WriteLog) -> None:
    """FORCE_COLOR colours; NO_COLOR takes the colours away again."""
    argv = ("check", "--log", log(*QUIET), "--since-offset", "0", "--only", "http_5xx")
    assert "\x1b[32m✔ OK" in process(*argv, FORCE_COLOR="1", TERM="xterm-256color").stdout
    plain = process(*argv, FORCE_COLOR="1", TERM="xterm-256color", NO_COLOR="1").stdout
    assert "\x1b[32m" not in plain


def test_an_encoding_without_symbols_is_no_error(log: WriteLog) -> None:
    """A terminal that knows ASCII alone still gets its verdict in words."""
    ended = process(
        "check", "--log", log(*QUIET), "--since-offset", "0", "--only", "http_5xx",
        PYTHONIOENCODING="ascii",
    )  # fmt: skip
    assert ended.returncode == 0
    assert "GO  Final review" in ended.stdout


def test_ctrl_c_ends_without_a_traceback() -> None:
    """130, as shells have it, also while a probe waits for an answer that never comes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(_PATIENCE)
        with subprocess.Popen(
            [
                sys.executable, "-m", "bot", "check",
                "--base-url", f"http://127.0.0.1:{server.getsockname()[1]}",
            ],
            env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            # A shell that runs the tests in the background has them ignore SIGINT.
            preexec_fn=lambda: signal(SIGINT, SIG_DFL),  # noqa: PLW1509 - no thread has a lock here
        ) as child:  # fmt: skip
            try:
                connection, _ = server.accept()
                with connection:
                    child.send_signal(SIGINT)
                    out, err = child.communicate(timeout=_PATIENCE)
            finally:
                child.kill()
    assert (child.returncode, out, err) == (130, "", "")
