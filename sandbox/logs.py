"""The product's log lines go to a file: the console belongs to the person."""

from __future__ import annotations

import logging
from pathlib import Path

from chalicelib.http.logs import JsonLines


def log_to_file(path: Path) -> None:
    """From now on; the file begins anew. Only after `app` was imported, which sets up the logs of a deployment."""
    handler = logging.FileHandler(path, mode="w")
    handler.setFormatter(JsonLines())
    logging.getLogger().handlers[:] = [handler]
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
