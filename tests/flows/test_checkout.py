"""Starting to pay: what each outcome of the call to Stripe leads to, and that nobody is ever offered two pages.

The table of outcomes is DESIGN.md's, under "Opening and paying".
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from typing_extensions import override

from chalicelib.domain.admission import Admission, Door
from chalicelib.domain.facts import Attempt, AttemptState
from chalicelib.domain.sessions import Fee, ParticipantWish, Role, Session
from chalicelib.domain.teams import PayeeAccount
from chalicelib.flows.checkout import PaymentStarted
from chalicelib.gateways.stripe_api import StripeApi, StripeBrokenError, StripeUncertainError, stripe_client
from chalicelib.http.logs import JsonLines
from sandbox.stripe_standin.client import InProcessHTTPClient
from tests.support.edge import Edge
from tests.support.invariants import FEE, settled_in_the_end
from tests.support.seam import Io, Kind
from tests.support.world import NOON, STRIPE_KEY, World, host, no_sleep

CHECKOUTS = "/v1/checkout/sessions"


def _attempt(world: World, session: Session) -> Attempt:
    return world.participant(session).history.attempts[-1]


# --- 200 ----------------------------------------------------------------------------------------------------------


def test_an_answer_opens_the_attempt(world: World) -> None:
    session = world.schedule()
    started = world.pay_page(session)
    assert started.url == world.open_checkouts()[0]["url"]
    assert world.attempt_states(session) == [AttemptState.OPEN]


class Recorder(InProcessHTTPClient):
    """Keeps every request to Stripe as it was sent."""

    def __init__(self, world: World) -> None:
        super().__init__(world.stripe)
        self.sent: list[tuple[str, dict[str, str], dict[str, str]]] = []

    @override
    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Any]:
        self.sent.append((f"{method} {url}", dict(headers or {}), dict(parse_qsl(post_data or ""))))
        return super().request(method, url, headers, post_data, _usage=_usage)


def _recorded(world: World) -> Recorder:
    recorder = Recorder(world)
    client = stripe_client(STRIPE_KEY, "https://api.stripe.com", recorder)
    world.context = replace(world.context, stripe=StripeApi(client, no_sleep))
    return recorder


def test_stripe_is_sent_exactly_these_parameters(world: World) -> None:
    recorder = _recorded(world)
    session = world.schedule(starts_in=timedelta(hours=2))
    started = world.pay_page(session)
    asked, headers, form = recorder.sent[0]
    back = f"https://anteroom.example/paid/{world.return_token(started)}"
    ours = {
        "anteroom_team": "11111111-1111-4111-8111-111111111111",
        "anteroom_participant": session.session_id[:-2] + "02",
        "anteroom_attempt": started.attempt_id,
    }
    assert asked == "post https://api.stripe.com/v1/checkout/sessions"
    assert headers["Idempotency-Key"] == f"attempt-{started.attempt_id}"
    assert headers["Stripe-Version"] == "2026-08-26.dahlia"
    assert "Stripe-Account" not in headers
    assert form == {
        "mode": "payment",
        "client_reference_id": started.attempt_id,
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "aud",
        "line_items[0][price_data][unit_amount]": "8000",
        "line_items[0][price_data][product_data][name]": "Appointment with Riverside Clinic",
        "payment_method_types[0]": "card",
        "adaptive_pricing[enabled]": "false",
        "success_url": back,
        "cancel_url": back,
        "expires_at": str(int(datetime(2026, 3, 2, 14, 30, tzinfo=UTC).timestamp())),
        **{f"metadata[{name}]": value for name, value in ours.items()},
        **{f"payment_intent_data[metadata][{name}]": value for name, value in ours.items()},
    }


def test_a_connected_account_is_named_and_pays_the_platform_fee(world: World) -> None:
    account = world.stripe.create_account()
    world.change_team(accounts=(PayeeAccount(account),))
    recorder = _recorded(world)
    world.pay_page(world.schedule())
    _, headers, form = recorder.sent[0]
    assert headers["Stripe-Account"] == account
    assert form["payment_intent_data[application_fee_amount]"] == "120"


def test_a_platform_fee_of_nothing_is_left_out(world: World) -> None:
    """alf.io#739: a fee of 0 is refused, and so is giving it back."""
    world.change_team(accounts=(PayeeAccount(world.stripe.create_account()),), fee_basis_points=0)
    recorder = _recorded(world)
    world.pay_page(world.schedule())
    assert "payment_intent_data[application_fee_amount]" not in recorder.sent[0][2]


def test_delayed_methods_are_offered_only_more_than_five_business_days_ahead(world: World) -> None:
    world.change_team(delayed_methods=("au_becs_debit",))
    recorder = _recorded(world)
    world.pay_page(world.schedule(starts_in=timedelta(days=7)))
    world.pay_page(world.schedule(starts_in=timedelta(days=8)))
    methods = [
        [value for name, value in sent[2].items() if name.startswith("payment_method")] for sent in recorder.sent
    ]
    assert methods == [["card"], ["card", "au_becs_debit"]]


CANARIES = ("Xanthippe", "xanthippe@example.org", "+61400000000", "Couch-Canary", "Reason-Canary", "State-Canary")


def _canary_session(world: World) -> Session:
    name, email, phone, picture, reason, state = CANARIES
    wish = ParticipantWish(
        Role.GUEST, name, f"https://example.org/{picture}.png", state, email, phone, Fee(FEE, "aud", reason)
    )
    return world.schedule(host(name), wish)


def test_nothing_personal_reaches_stripe_the_logs_or_an_exception(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """I9: also not when Stripe refuses, breaks and is silent, and the sweep and the webhooks go on with it."""
    caplog.set_level(logging.DEBUG)
    recorder, edge = _recorded(world), Edge(world)
    session = _canary_session(world)
    token = world.token(session)
    errors = []
    for fault in ("timeout_before", "timeout_after", "500_after", "429"):
        world.stripe.fail_next(fault, 2)
        try:
            world.press_pay(session)
        except (StripeUncertainError, StripeBrokenError) as error:
            errors.append(repr(error) + str(error) + repr(error.__cause__))
        assert edge.post(f"/session/{token}/checkout").status in {303, 503}
        world.clock.advance(minutes=3)
        edge.run_schedule()
    world.pay(session)
    edge.deliver_webhooks()
    assert edge.post(f"/session/{token}/join").status == 303
    told = "\n".join([str(recorder.sent), *map(JsonLines().format, caplog.records), *errors])
    assert errors
    for secret in (*CANARIES, token, STRIPE_KEY):
        assert secret not in told.replace(f"Bearer {STRIPE_KEY}", "")


# --- unknown: 409, 429, no answer ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "times"), [("timeout_before", 2), ("timeout_after", 2), ("429", 2)])
def test_an_unknown_outcome_is_tried_again_with_the_same_bytes_and_key(world: World, fault: str, times: int) -> None:
    recorder, session = _recorded(world), world.schedule()
    world.stripe.fail_next(fault, times, method="POST")
    with pytest.raises(StripeUncertainError):
        world.press_pay(session)
    assert world.attempt_states(session) == [AttemptState.PLANNED]
    world.clock.advance(seconds=40)
    started = world.pay_page(session)
    asked = [(headers["Idempotency-Key"], form) for _, headers, form in recorder.sent]
    assert asked[1:] == asked[:-1]
    assert [page["url"] for page in world.checkouts()] == [started.url]
    assert world.attempt_states(session) == [AttemptState.OPEN]


def test_the_client_is_told_to_come_again_soon(world: World) -> None:
    session = world.schedule()
    world.stripe.fail_next("timeout_before", 2)
    answer = Edge(world).post(f"/session/{world.token(session)}/checkout", Accept="application/json")
    assert (answer.status, answer.headers["retry-after"]) == (503, "3")


def test_a_key_in_use_is_an_unknown_outcome(world: World) -> None:
    """409: another request with the same key is being answered; both presses are one attempt."""
    session = world.schedule()
    others: list[object] = []

    def press_meanwhile(io: Io) -> None:
        if io.kind is Kind.STRIPE and not others:
            others.append(None)
            with pytest.raises(StripeUncertainError):
                world.press_pay(session)

    with world.seam.armed(before=press_meanwhile):
        started = world.pay_page(session)
    assert [page["url"] for page in world.checkouts()] == [started.url]
    assert world.pay_page(session) == started


class GarbledAnswers(InProcessHTTPClient):
    """Stripe does as it is asked, and its answers are cut off on their way."""

    @override
    def request(self, *args: Any, **named: Any) -> tuple[str, int, Any]:
        body, status, headers = super().request(*args, **named)
        return body[: len(body) // 2], status, headers


def test_an_answer_cut_off_on_its_way_is_an_unknown_outcome(world: World) -> None:
    """The library calls it an error of status 200; taken for a refusal, a second page would be made."""
    session, whole = world.schedule(), world.context
    client = stripe_client(STRIPE_KEY, "https://api.stripe.com", GarbledAnswers(world.stripe))
    world.context = replace(whole, stripe=StripeApi(client, no_sleep))
    with pytest.raises(StripeUncertainError):
        world.press_pay(session)
    world.context = whole
    started = world.pay_page(session)
    assert [page["url"] for page in world.checkouts()] == [started.url]


# --- refused: 400 to 404 ------------------------------------------------------------------------------------------


def test_a_saved_attempt_that_grew_stale_unsent_is_void_and_made_anew(world: World) -> None:
    session = world.schedule(lasts=timedelta(minutes=50))
    world.stripe.fail_next("timeout_before", 2)
    with pytest.raises(StripeUncertainError):
        world.press_pay(session)
    world.clock.advance(minutes=25)
    world.pay_page(session)
    assert world.attempt_states(session) == [AttemptState.VOID, AttemptState.OPEN]
    assert world.attention(session) is None
    settled_in_the_end(world, session, owed=0)


def test_a_fee_that_stripe_finds_too_small_needs_the_clinic_and_can_be_tried_later(world: World) -> None:
    session = world.schedule()
    world.stripe.set_minimum_charge("aud", 10_000)
    assert world.press_pay(session) == Admission(Door.OFFER_REFUSED, NOON)
    assert world.attempt_states(session) == [AttemptState.VOID]
    reason = (
        "Stripe refuses to take this payment (amount_too_small); the client cannot pay. Stripe does not take this "
        "amount: the clinic changes the fee; of a refund, it looks in Stripe at what is left of the payment."
    )
    assert world.attention(session) == reason
    with world.seam.counted() as spent:
        assert world.press_pay(session) == Admission(Door.OFFER_REFUSED, NOON)
        assert spent().stripe == 0
    world.stripe.set_minimum_charge("aud", 50)
    world.clock.advance(minutes=2)
    assert world.open(session).admission.door is Door.PAY
    world.pay(session)
    assert world.attention(session) is None


def test_a_fee_that_stays_too_small_is_asked_for_ever_more_rarely(world: World) -> None:
    session = world.schedule(lasts=timedelta(hours=3))
    world.stripe.set_minimum_charge("aud", 10_000)
    with world.seam.counted() as spent:
        for _ in range(120):
            world.press_pay(session)
            world.clock.advance(minutes=1)
        assert 5 <= spent().stripe <= 7
    assert world.attempt_states(session) == [AttemptState.VOID] * 2
    assert world.participant(session).history.closed_attempts == spent().stripe - 2


def test_an_account_that_cannot_charge_needs_the_clinic(world: World) -> None:
    account = world.stripe.create_account()
    world.change_team(accounts=(PayeeAccount(account),))
    session = world.schedule()
    world.stripe.set_charges_enabled(account, enabled=False)
    assert world.press_pay(session) == Admission(Door.OFFER_REFUSED, NOON)
    assert world.attempt_states(session) == [AttemptState.VOID]
    assert world.attention(session) is not None


def test_an_account_that_is_gone_is_a_403_and_needs_the_clinic(world: World) -> None:
    account = world.stripe.create_account()
    world.change_team(accounts=(PayeeAccount(account),))
    session = world.schedule()
    world.stripe.deauthorize(account)
    assert world.press_pay(session) == Admission(Door.OFFER_REFUSED, NOON)
    assert world.attention(session) is not None
    world.stripe.authorize(account)
    world.clock.advance(minutes=2)
    assert isinstance(world.press_pay(session), PaymentStarted)


def test_a_key_that_stripe_does_not_know_is_a_401_and_needs_the_clinic(world: World) -> None:
    session, good = world.schedule(), world.context
    client = stripe_client("sk_test_rolled", "https://api.stripe.com", InProcessHTTPClient(world.stripe))
    world.context = replace(good, stripe=StripeApi(client, no_sleep))
    assert world.press_pay(session) == Admission(Door.OFFER_REFUSED, NOON)
    assert "sk_test_rolled" not in (world.attention(session) or "")
    world.context = good
    world.clock.advance(minutes=2)
    assert isinstance(world.press_pay(session), PaymentStarted)


# --- broken: 5xx again, or a key that is gone ---------------------------------------------------------------------


def test_a_500_that_sticks_to_its_key_is_looked_for_and_made_anew(world: World) -> None:
    session = world.schedule()
    world.stripe.fail_next("500", method="POST")
    started = world.pay_page(session)
    assert world.attempt_states(session) == [AttemptState.VOID, AttemptState.OPEN]
    assert [page["url"] for page in world.checkouts()] == [started.url]


def test_a_500_after_the_effect_is_found_by_listing_and_adopted(world: World) -> None:
    session = world.schedule()
    world.stripe.fail_next("500_after", method="POST")
    started = world.pay_page(session)
    assert [page["url"] for page in world.checkouts()] == [started.url]
    assert world.attempt_states(session) == [AttemptState.OPEN]


def test_when_listing_breaks_too_nothing_is_decided(world: World) -> None:
    session = world.schedule()
    world.stripe.fail_next("500_after", method="POST")
    world.stripe.fail_next("500", 2, method="GET")
    with pytest.raises(StripeBrokenError):
        world.press_pay(session)
    assert world.attempt_states(session) == [AttemptState.PLANNED]
    assert isinstance(world.press_pay(session), PaymentStarted)
    assert len(world.checkouts()) == 1


@pytest.mark.parametrize(
    ("fault", "states"), [("timeout_before", ["void", "open"]), ("timeout_after", ["expired", "open"])]
)
def test_an_attempt_older_than_its_key_is_looked_for(world: World, fault: str, states: list[str]) -> None:
    """Keys are pruned after 24 h: sent again, it would be a second page."""
    session = world.schedule(starts_in=timedelta(days=3))
    world.stripe.fail_next(fault, 2)
    with pytest.raises(StripeUncertainError):
        world.press_pay(session)
    world.clock.advance(hours=24)
    world.pay_page(session)
    assert world.attempt_states(session) == [AttemptState(state) for state in states]
    assert len(world.open_checkouts()) == 1


def test_an_unknown_attempt_is_found_among_more_than_a_page_of_others(world: World) -> None:
    session = world.schedule()
    world.stripe.fail_next("500_after", method="POST")
    world.stripe.fail_next("timeout_before", 2, method="GET")
    with pytest.raises(StripeUncertainError):
        world.press_pay(session)
    for _ in range(120):
        world.pay_page(world.schedule())
    page = world.checkouts()[0]["url"]
    assert world.pay_page(session).url == page
