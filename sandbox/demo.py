"""The demo clinic: its people and sessions, made as any clinic's software would, through the product's own API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import requests

from chalicelib.flows.enrol import Enrolled
from sandbox.start_page import Demo

CLINIC = "Riverside Clinic"
FEE = {"amount": 8000, "currency": "aud"}
LASTS = timedelta(minutes=50)
RUNNING_SINCE = timedelta(minutes=5)
HOST = {"role": "HOST", "display_name": "Dr Amira Haddad"}
ANSWER_WITHIN = 30


class DemoFailedError(Exception):
    """The product did not take the demo. The message holds what it answered."""


class ClinicSoftware:
    """A clinic's front-end: signs in once, then schedules."""

    def __init__(self, api_url: str, client_id: str, client_secret: str) -> None:
        self._api_url = api_url
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy on the way to this machine
        credentials = (client_id, client_secret)
        token = self._post("/auth/token", data={"grant_type": "client_credentials"}, auth=credentials)["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def schedule(self, name: str, start: datetime, *participants: dict[str, Any]) -> list[str]:
        """One session; gives the participants' links in their order."""
        times = {"start_time": start.isoformat(), "end_time": (start + LASTS).isoformat()}
        session = self._post("/sessions", json={"session_name": name, **times, "participants": participants})
        return [str(participant["entry_url"]) for participant in session["participants"]]

    def _post(self, path: str, **how: Any) -> dict[str, Any]:
        with self._http.post(self._api_url + path, timeout=ANSWER_WITHIN, **how) as response:
            if not response.ok:
                raise DemoFailedError(f"POST {path} answered {response.status_code}: {response.text}")
            answer: dict[str, Any] = response.json()
            return answer


def make_demo(app_url: str, enrolled: Enrolled, now: datetime) -> Demo:
    """Three sessions of one clinic: one that runs now, the same tomorrow, and a free one. Raises DemoFailedError."""
    software = ClinicSoftware(f"{app_url}/v1", enrolled.client_id, enrolled.client_secret)
    today = now.replace(second=0, microsecond=0) - RUNNING_SINCE
    tomorrow = now.replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    host, pay_now = software.schedule("Consultation", today, HOST, _guest("Robin Lee", FEE))
    _, pay_tomorrow = software.schedule("Consultation", tomorrow, HOST, _guest("Sam Okafor", FEE))
    _, free = software.schedule("Follow-up", today, HOST, _guest("Ines Duarte", None))
    return Demo(
        clinic=enrolled.team.name,
        team_id=enrolled.team.team_id,
        client_id=enrolled.client_id,
        client_secret=enrolled.client_secret,
        app_url=app_url,
        links={"pay_now": pay_now, "pay_tomorrow": pay_tomorrow, "free": free, "host": host},
        today_ends_at=today + LASTS,
        tomorrow_starts_at=tomorrow,
    )


def _guest(name: str, fee: dict[str, Any] | None) -> dict[str, Any]:
    return {"role": "GUEST", "display_name": name, "fee": fee}
