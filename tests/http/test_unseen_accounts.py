"""What the clinic's software reads of an account that was away, at the account and at who was offered to pay there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.sessions import Session
from chalicelib.flows.nightly import NIGHTLY_SECONDS, reconcile_nightly
from tests.support.clinic import Clinic
from tests.support.edge import Edge
from tests.support.platform import Platform


@pytest.fixture
def world() -> Platform:
    return Platform()


@pytest.fixture
def clinic(edge: Edge, world: Platform) -> Clinic:
    """The clinic of the platform that has an account of its own."""
    made = Clinic(edge)
    world.team = made.team = world.connect(made.team)
    return made


def was_away(world: Platform, clinic: Clinic) -> tuple[Session, str]:
    """Nine days, after somebody had paid there."""
    account = str(clinic.team.accounts[0].stripe_account_id)
    session = world.schedule(starts_in=timedelta(days=20))
    world.pay(session)
    world.deliver()
    world.stripe.deauthorize(account)
    world.deliver()
    world.clock.advance(days=9)
    clinic.access_token = clinic.ask_token().json()["access_token"]
    world.stripe.authorize(account)
    world.team = clinic.team = world.connect(world.newest(), account)
    return session, account


def read(clinic: Clinic, path: str) -> Any:  # noqa: ANN401 (any JSON)
    return clinic.ask("GET", path).json()


def test_it_is_told_in_attention_until_the_night_has_looked_it_up(clinic: Clinic, world: Platform) -> None:
    session, account = was_away(world, clinic)
    other = world.schedule(starts_in=timedelta(days=20))
    since = f"Not all that happened on Stripe account {account} since 2026-03-02 12:00 UTC is known yet"
    told = f"{since}, since it may not have been connected; the coming night looks it up."
    guest = session.participant_id(2)

    def attention() -> list[str | None]:
        return [
            read(clinic, "/v1/stripe/account")["accounts"][0]["attention"],
            read(clinic, f"/v1/sessions/{session.session_id}")["participants"][1]["payment"]["attention"],
            read(clinic, f"/v1/participants/{guest}")["payment"]["attention"],
            read(clinic, f"/v1/sessions/{session.session_id}/participants")[1]["payment"]["attention"],
            read(clinic, f"/v1/participants/{other.participant_id(2)}")["payment"]["attention"],
        ]

    assert attention() == [told, told, told, told, None]
    world.clock.advance(minutes=20)
    reconcile_nightly(world.context.within(NIGHTLY_SECONDS))
    assert attention() == [None] * 5
