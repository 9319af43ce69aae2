"""A fee in every currency that Stripe charges in: quoted, offered, refused below its minimum as people write it."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

import pytest

from chalicelib.domain.currencies import CURRENCIES
from chalicelib.domain.teams import PayeeAccount
from tests.http.doors import Visitor
from tests.support.clinic import Clinic, fields_of, fingerprint

ALL = sorted(CURRENCIES)
EVERY = pytest.mark.parametrize("code", ALL)
WRITTEN = {"aud": "1.00 AUD", "jpy": "50 JPY", "kwd": "1.000 KWD", "isk": "1 ISK", "huf": "175.00 HUF"}
"""The least of some, by hand: with decimals, without, with three, without though Stripe counts hundredths."""


@pytest.fixture
def everywhere(clinic: Clinic) -> Clinic:
    """It takes every currency, on an account of its own."""
    clinic.change_team(accounts=(PayeeAccount("acct_1"),), more_currencies=tuple(ALL))
    return clinic


@EVERY
def test_the_least_fee_is_quoted_with_the_platforms_share(everywhere: Clinic, code: str) -> None:
    least = CURRENCIES[code].minimum
    told = everywhere.ask("GET", f"/v1/fees/quote?amount={least}&currency={code}").json()
    step = CURRENCIES[code].step
    share = int((Decimal(least) * 150 / 10_000 / step).quantize(Decimal(1), ROUND_HALF_UP)) * step
    assert told == {
        "amount": least,
        "currency": code,
        "minimum": least,
        "platform_fee": share,
        "net": least - share,
        "platform_fee_note": None,
    }


@EVERY
def test_below_it_the_minimum_is_named_as_people_write_it_when_quoting_and_when_scheduling(
    everywhere: Clinic, code: str
) -> None:
    amount = CURRENCIES[code].minimum - CURRENCIES[code].step
    before = fingerprint(everywhere.edge.world)
    quoted = everywhere.ask("GET", f"/v1/fees/quote?amount={amount}&currency={code}")
    scheduled = everywhere.schedule({"fee": {"amount": amount, "currency": code}})
    assert (quoted.status, fields_of(quoted)) == (422, ["amount"])
    assert (scheduled.status, fields_of(scheduled)) == (422, ["participants[0].fee.amount"])
    (quote,), (schedule,) = quoted.json()["errors"], scheduled.json()["errors"]
    assert quote["message"] == schedule["message"]
    least = re.fullmatch(r"the fee is .+; the least that can be charged is (.+)", quote["message"])
    assert least is not None
    assert re.fullmatch(rf"[0-9]+(\.[0-9]{{2,3}})? {code.upper()}", least[1])
    assert least[1] == WRITTEN.get(code, least[1])
    assert fingerprint(everywhere.edge.world) == before


@EVERY
def test_an_offer_with_the_platforms_share_is_made(everywhere: Clinic, code: str) -> None:
    world = everywhere.edge.world
    everywhere.change_team(accounts=(PayeeAccount(world.stripe.create_account()),))
    kind = CURRENCIES[code]
    amount = kind.minimum + 270 * kind.step  # the share of which is no multiple of the step
    made = everywhere.schedule({"role": "HOST"}, {"fee": {"amount": amount, "currency": code}})
    visitor = Visitor(everywhere.edge, world.context.sessions.get(everywhere.team.team_id, made.json()["session_id"]))
    assert visitor.pay().status == 303
    assert visitor.checkout_session_id()
    (attempt,) = world.participant(visitor.session).history.attempts
    quote = everywhere.ask("GET", f"/v1/fees/quote?amount={amount}&currency={code}").json()
    assert 0 < attempt.application_fee == quote["platform_fee"]


def test_the_ones_written_by_hand_are_among_them() -> None:
    assert set(WRITTEN) <= set(ALL)


@pytest.mark.parametrize(
    ("payee", "platform_fee"), [("acct_1", 120), ("", 0)], ids=["an account of its own", "the deployment's"]
)
def test_the_share_is_that_of_the_payees_account(clinic: Clinic, payee: str, platform_fee: int) -> None:
    clinic.change_team(accounts=(PayeeAccount(None), PayeeAccount("acct_1", is_default=False)))
    told = clinic.ask("GET", f"/v1/fees/quote?amount=8000&payee={payee}").json()
    assert (told["platform_fee"], told["net"]) == (platform_fee, 8000 - platform_fee)


@pytest.mark.parametrize("payee", ["acct_9", "acct_%00", "x" * 2000])
def test_a_payee_that_is_none_is_422(clinic: Clinic, payee: str) -> None:
    reply = clinic.ask("GET", f"/v1/fees/quote?amount=8000&payee={payee}")
    assert (reply.status, fields_of(reply)) == (422, ["payee"])
