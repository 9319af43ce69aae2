"""The demo clinic: its people and sessions, made as any clinic's software would, through the product's own API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from chalicelib.flows.enrol import Enrolled
from sandbox.clinic_software import LASTS, ClinicSoftware
from sandbox.start_page import Demo

CLINIC = "Riverside Clinic"
FEE = {"amount": 8000, "currency": "aud"}
RUNNING_SINCE = timedelta(minutes=5)
HOST = {"role": "HOST", "display_name": "Dr Amira Haddad"}


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
