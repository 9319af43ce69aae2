"""Schedule a consultation, print everybody's link, and list who has not paid yet. Needs httpx alone.

ANTEROOM=https://… CLIENT_ID=… CLIENT_SECRET=… python client.py
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

FEE = {"amount": 8000, "currency": "aud"}  # in the minor unit: 80.00 AUD


def signed_in(url: str, client_id: str, secret: str) -> httpx.Client:
    """A client that sends an access token, which lives for an hour."""
    form = {"grant_type": "client_credentials"}
    answer = httpx.post(f"{url}/v1/auth/token", auth=(client_id, secret), data=form).raise_for_status()
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {answer.json()['access_token']}"})


def schedule(api: httpx.Client, start: datetime) -> dict[str, Any]:
    """Half an hour from `start`. The key makes it safe to send this again when the answer is lost."""
    session = {
        "session_name": "Initial consultation",
        "start_time": start.isoformat(),
        "end_time": (start + timedelta(minutes=30)).isoformat(),
        "participants": [
            {"role": "HOST", "display_name": "Dr Lee"},
            {"role": "GUEST", "display_name": "Alex Moor", "fee": FEE},
        ],
    }
    answer = api.post("/v1/sessions", json=session, headers={"Idempotency-Key": str(uuid.uuid4())})
    scheduled: dict[str, Any] = answer.raise_for_status().json()
    return scheduled


def unpaid(api: httpx.Client, since: datetime) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every session from `since` on with each participant who still owes their fee, page by page."""
    query: dict[str, str] | None = {"start_time": since.isoformat()}
    while query is not None:
        page = api.get("/v1/sessions", params=query).raise_for_status().json()
        for session in page["content"]:
            yield from ((session, one) for one in session["participants"] if one["payment"]["status"] == "unpaid")
        query = {**query, "cursor": page["next"]} if page["next"] else None


if __name__ == "__main__":
    with signed_in(os.environ["ANTEROOM"], os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]) as api:
        for person in schedule(api, datetime.now(UTC) + timedelta(days=1))["participants"]:
            print(f"{person['display_name']}: {person['entry_url']}")
        for session, person in unpaid(api, datetime.now(UTC)):
            print(f"unpaid: {person['display_name']}, {person['fee']['amount']}, {session['start_time']}")
