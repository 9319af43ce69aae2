"""What was done to the sandbox by people at the start page, in sentences; the newest few."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MOST = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One deed at the sandbox's time `at`, or what was wrong with it."""

    at: datetime
    text: str
    is_error: bool = False


class Journal:
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lines: deque[Line] = deque(maxlen=MOST)

    def note(self, text: str, *, is_error: bool = False) -> None:
        self._lines.appendleft(Line(self._clock(), text, is_error))

    @property
    def lines(self) -> list[Line]:
        """Newest first."""
        return list(self._lines)


def sentence(path: str, answer: dict[str, Any]) -> str:
    """What a control call did, told to a person."""
    match path:
        case "/clock":
            return f"The clock is at {answer['clock']} now."
        case "/sweep":
            return _of_sweep(answer)
        case "/webhooks":
            late = f", {answer['delay']:g} s late" if answer["delay"] else ""
            return f"Webhooks from now on: {answer['mode']}{late}."
        case "/webhooks/flush":
            return f"Webhooks released: {answer['released']}, taken: {answer['delivered']}."
        case "/faults":
            return f"Faults that wait for the next requests to {answer['target']}: {answer['waiting']}."
        case "/teams":
            key = f"client id {answer['client_id']}, secret {answer['client_secret']}"
            return f"A clinic was made: team {answer['team_id']}, {key}."
        case "/teams/connect":
            return "The product gave a clinic’s owner the address where a Stripe account is connected."
        case "/teams/session":
            return "A session was scheduled that runs now; the link of its client is beside the clinic."
        case "/accounts":
            return _of_account(answer)
        case "/stripe/deeds":
            deed, thing = answer["deed"].replace("_", " "), answer["object"]
            return f"Done to charge {answer['charge']}: {deed}. The {thing} is {answer['status']}."
        case "/stripe/account":
            methods, funds = ", ".join(answer["methods"]) or "no way of paying", answer["balance"]
            return f"{_of_account(answer)} Country {answer['country']}, {methods}; funds for refunds: {funds}."
        case _:
            return "The counters are at zero."


def _of_account(answer: dict[str, Any]) -> str:
    access = "connected" if answer["connected"] else "not connected"
    charges = "takes payments" if answer["charges_enabled"] else "takes no payments"
    return f"Stripe account {answer['account']}: {access}, {charges}."


def _of_sweep(answer: dict[str, Any]) -> str:
    if not answer.get("sessions"):
        return "The sweep found nothing due."
    return "The sweep: " + ", ".join(f"{name} {value}" for name, value in answer.items()) + "."
