"""The demo clinics: their people and sessions, made as any clinic's software would, through the product's own API.

One clinic for itself has four sessions. A platform has the same clinic, its Stripe accounts connected as their owners
would connect them, and another clinic whose account is yet to be connected.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.teams import Plan
from chalicelib.flows.enrol import Enrolled
from sandbox.clinic_software import LASTS, press_connect
from sandbox.clinics import FEE, RUNNING_SINCE, Clinics, Software
from sandbox.start_page import Demo, OtherClinic
from sandbox.stripe_standin import StripeStandIn

CLINIC = "Riverside Clinic"
OTHER_CLINIC = "Hill Street Clinic"
PLATFORM = "Anteroom Sandbox"
HOST = {"role": "HOST", "display_name": "Dr Amira Haddad"}
PAYEE = "Dr Jonas Weber"
"""A practitioner of the clinic with a Stripe account of his own; with Stripe itself he has none."""


@dataclass(frozen=True, slots=True)
class OwnersAccounts:
    """What the clinics' owners have at the stand-in, by account id; nothing is connected yet."""

    clinic: str
    payee: str
    other: str


@dataclass(frozen=True, slots=True)
class Scene:
    """Where and when the demo takes place. `owners` None: there is nobody to press Connect, as with Stripe itself.

    A platform's first clinic takes payments on the deployment's own account then.
    """

    app_url: str
    now: datetime
    owners: OwnersAccounts | None = None

    @property
    def today(self) -> datetime:
        return self.now.replace(second=0, microsecond=0) - RUNNING_SINCE

    @property
    def later(self) -> datetime:
        """Far enough ahead for a bank debit."""
        return self.tomorrow + timedelta(days=13)

    @property
    def tomorrow(self) -> datetime:
        return self.now.replace(minute=0, second=0, microsecond=0) + timedelta(days=1)


def open_accounts(standin: StripeStandIn) -> OwnersAccounts:
    """Accounts that owners had before they came to the platform."""
    names = (CLINIC, PAYEE, OTHER_CLINIC)
    return OwnersAccounts(*(standin.create_account(name, connected=False) for name in names))


def make_demo(clinics: Clinics, scene: Scene) -> Demo:
    """The clinics and their sessions. Raises DemoFailedError."""
    if not clinics.is_platform:
        return _clinic(clinics, clinics.enrol(CLINIC), scene, None)
    clinic = clinics.enrol(CLINIC, plan=Plan.PREMIUM, on_own_account=scene.owners is None)
    if scene.owners is not None:
        for account_id in (scene.owners.clinic, scene.owners.payee):  # the first is the default
            press_connect(clinics.software_of(clinic.team.team_id).connect("existing"), account_id)
    other = clinics.enrol(OTHER_CLINIC, plan=Plan.ESSENTIALS, scheduling_add_on=True)
    return _clinic(clinics, clinic, scene, _other(other, scene))


def _clinic(clinics: Clinics, enrolled: Enrolled, scene: Scene, other: OtherClinic | None) -> Demo:
    owners = scene.owners
    clinics.take_debits(enrolled.team.team_id)
    return Demo(
        clinic=enrolled.team.name,
        team_id=enrolled.team.team_id,
        client_id=enrolled.client_id,
        client_secret=enrolled.client_secret,
        app_url=scene.app_url,
        links=_links(clinics.software_of(enrolled.team.team_id), scene),
        today_ends_at=scene.today + LASTS,
        tomorrow_starts_at=scene.tomorrow,
        stripe_account_id=owners.clinic if owners else None,
        payee=PAYEE if owners else None,
        other=other,
    )


def _links(software: Software, scene: Scene) -> dict[str, str]:
    """One that runs now, one tomorrow (of the practitioner with an account, if any), one in two weeks, a free one."""
    host, pay_now = software.schedule("Consultation", scene.today, HOST, _guest("Robin Lee", FEE))
    practitioner, fee = HOST, FEE
    if scene.owners is not None:
        practitioner, fee = {**HOST, "display_name": PAYEE}, {**FEE, "payee": scene.owners.payee}
    _, pay_tomorrow = software.schedule("Consultation", scene.tomorrow, practitioner, _guest("Sam Okafor", fee))
    _, pay_later = software.schedule("Consultation", scene.later, HOST, _guest("Mia Larsen", FEE))
    _, free = software.schedule("Follow-up", scene.today, HOST, _guest("Ines Duarte", None))
    guests = {"pay_now": pay_now, "pay_tomorrow": pay_tomorrow, "pay_later": pay_later, "free": free}
    return {**guests, "host": host}


def _other(enrolled: Enrolled, scene: Scene) -> OtherClinic:
    return OtherClinic(
        clinic=enrolled.team.name,
        team_id=enrolled.team.team_id,
        client_id=enrolled.client_id,
        client_secret=enrolled.client_secret,
        stripe_account_id=scene.owners.other if scene.owners else None,
    )


def _guest(name: str, fee: dict[str, Any] | None) -> dict[str, Any]:
    return {"role": "GUEST", "display_name": name, "fee": fee}
