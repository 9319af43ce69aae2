"""A clinic's own software, and its owner at a browser, as far as the sandbox plays them; by HTTP, as they would.

Knows nothing of the product but its API.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import requests

LASTS = timedelta(minutes=50)
ANSWER_WITHIN = 30


class DemoFailedError(Exception):
    """The product did not take what the sandbox asked for. The message holds what it answered."""


class ClinicSoftware:
    """A clinic's front-end: signs in once, then schedules."""

    def __init__(self, api_url: str, client_id: str, client_secret: str) -> None:
        self._api_url = api_url
        self._http = _browser()
        credentials = (client_id, client_secret)
        token = self._post("/auth/token", data={"grant_type": "client_credentials"}, auth=credentials)["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def schedule(self, name: str, start: datetime, *participants: dict[str, Any]) -> list[str]:
        """One session; gives the participants' links in their order."""
        times = {"start_time": start.isoformat(), "end_time": (start + LASTS).isoformat()}
        session = self._post("/sessions", json={"session_name": name, **times, "participants": participants})
        return [str(participant["entry_url"]) for participant in session["participants"]]

    def connect(self, account: str | None = None) -> str:
        """Where the clinic's owner connects a Stripe account: an `existing` or a `new` one, None as can be."""
        return str(self._post("/stripe/connect", json={"account": account} if account else {})["url"])

    def _post(self, path: str, **how: Any) -> dict[str, Any]:
        with self._http.post(self._api_url + path, timeout=ANSWER_WITHIN, **how) as response:
            if not response.ok:
                raise DemoFailedError(f"POST {path} answered {response.status_code}: {_said(response)}")
            answer: dict[str, Any] = response.json()
            return answer


def _said(response: requests.Response) -> str:
    """The sentence of a problem (RFC 9457), else all of the answer."""
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return response.text


def press_connect(url: str, account_id: str) -> None:
    """The account's owner presses Connect on the stand-in's page, and comes back to the product's.

    Raises DemoFailedError where that page does not say that the account is connected.
    """
    with _browser() as http:
        page = http.post(url, data={"account": account_id, "decision": "connect"}, timeout=ANSWER_WITHIN)
        if not page.ok:
            raise DemoFailedError(f"connecting {account_id} ended with {page.status_code}: {page.text}")


def _browser() -> requests.Session:
    http = requests.Session()
    http.trust_env = False  # no proxy on the way to this machine
    return http
