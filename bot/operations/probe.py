"""`python -m bot.operations.probe`: whether the golive of this machine lives, as an exit code.

For container engines, which run a command inside the image, where there is no curl.
"""

from __future__ import annotations

import http.client
import os
import sys

_SECONDS = 4.0


def main() -> int:
    """0 if it says that it lives, else 1."""
    port = os.environ.get("GOLIVE_METRICS_PORT", "")
    try:
        connection = http.client.HTTPConnection(f"localhost:{port}", timeout=_SECONDS)
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        sys.stdout.write(answer.read(1000).decode("utf-8", "replace"))
    except (OSError, http.client.HTTPException) as error:
        sys.stdout.write(type(error).__name__)
        return 1
    connection.close()
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
