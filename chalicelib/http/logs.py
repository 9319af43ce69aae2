"""Logs: one JSON object a line, a constant message and fields; never a payload, a token, a name or a secret."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

INNERMOST_FRAMES = 30
"""Of an endless recursion, the last frames say as much as all thousand."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonLines(logging.Formatter):
    """The message, the level, the time and whatever fields were given."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _STANDARD},
        }
        if record.exc_info and record.exc_info[2]:
            # Where it went wrong, without the exception's own text, which may quote what people wrote.
            frames = traceback.extract_tb(record.exc_info[2], limit=-INNERMOST_FRAMES)
            line["stack"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        return json.dumps(line, default=str)


def configure_logs() -> None:
    """Ours at INFO, everybody else's at WARNING: Stripe's library logs parameters at INFO."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("anteroom").setLevel(logging.INFO)
