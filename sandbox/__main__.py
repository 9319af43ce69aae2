"""`python -m sandbox`: starts everything, says what to do next, and ends at Ctrl-C. `make run` is this."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.environment import StripeChoice

ROOT = Path(__file__).resolve().parents[1]
HIGHEST_PORT = 65_534
"""The sandbox's own pages are on the port after it."""


def main(arguments: Sequence[str]) -> int:
    """The process's exit status: 0 after a clean end, 1 when it cannot start."""
    asked = _parser().parse_args(arguments)
    stop = threading.Event()
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda *_: stop.set())
    return _run(asked, stop)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=_port, default=8000, help="of the product; the sandbox's pages are on the next")
    parser.add_argument(
        "--connect",
        type=str.lower,
        choices=("on", "off"),
        default="off",
        help="on: a platform, whose clinics connect Stripe accounts of their own; off (the default): one clinic",
    )
    parser.add_argument(
        "--directory", type=Path, default=ROOT / ".local", help="where sandbox.json, ops.json and the log are written"
    )
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= HIGHEST_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is no port from 1 to {HIGHEST_PORT}")
    return int(text)


def _run(asked: argparse.Namespace, stop: threading.Event) -> int:
    # What follows imports for a second: only now that Ctrl-C is heard.
    from sandbox.clinic_software import DemoFailedError  # noqa: PLC0415
    from sandbox.environment import EnvironmentUnusableError, shut_out, stripe_choice  # noqa: PLC0415
    from sandbox.server import PortTakenError  # noqa: PLC0415

    try:
        choice = stripe_choice(os.environ, secrets.token_bytes, connect=asked.connect == "on")
        shut_out(os.environ)
        _serve(asked.port, asked.directory, choice, stop)
    except (EnvironmentUnusableError, DemoFailedError) as error:
        return _complain(str(error))
    except PortTakenError as error:
        return _complain(f"The sandbox needs ports {asked.port} and {asked.port + 1}, and {error}. {_advice(asked)}")
    return 0


def _serve(port: int, directory: Path, choice: StripeChoice, stop: threading.Event) -> None:
    from sandbox import announcement  # noqa: PLC0415
    from sandbox.logs import log_to_file  # noqa: PLC0415
    from sandbox.stack import running  # noqa: PLC0415

    directory.mkdir(parents=True, exist_ok=True)
    log_to_file(directory / announcement.LOG_FILE)
    with running(port, choice) as sandbox, announcement.files(sandbox, directory):
        print(announcement.for_people(sandbox, directory), flush=True)
        stop.wait()
    print("The sandbox has ended.", flush=True)


def _advice(asked: argparse.Namespace) -> str:
    """The next pair of ports that nobody has."""
    from sandbox.server import is_free  # noqa: PLC0415

    pairs = range(asked.port + 2, min(asked.port + 200, HIGHEST_PORT), 2)
    free = next((one for one in pairs if is_free(one) and is_free(one + 1)), None)
    return f"Choose others: make run PORT={free or 9000}{' CONNECT=on' if asked.connect == 'on' else ''}"


def _complain(sentence: str) -> int:
    print(sentence, file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
