"""A clinic's own software, as far as the sandbox plays it: signs in, and calls the product's API. Knows no product code."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import requests

LASTS = timedelta(minutes=50)
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
