"""The return page: records what Stripe says of this very attempt, and nothing else; never makes or changes an offer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.admission import Door
from chalicelib.domain.facts import AttemptState
from chalicelib.domain.links import InvalidLinkError, ReturnClaims, mint_return
from chalicelib.domain.sessions import Fee, Session
from chalicelib.flows.come_back import come_back
from tests.support.edge import Edge
from tests.support.invariants import FEE, settled_in_the_end
from tests.support.seam import NOTHING_SPENT, Spent
from tests.support.world import World, checkout_id, guest, host


def _door(world: World, session: Session, number: int = 2) -> Door:
    return world.open(session, number).admission.door


@pytest.fixture(autouse=True)
def no_webhooks(world: World) -> None:
    world.stripe.set_webhooks("drop")


def test_who_paid_and_comes_back_is_in_without_any_webhook(world: World) -> None:
    session = world.schedule()
    started = world.pay_page(session)
    world.stripe.pay(checkout_id(started.url))
    back = world.come_back(started)
    assert back.attempt is not None
    assert (back.attempt.state, _door(world, session)) == (AttemptState.PAID, Door.JOIN)
    settled_in_the_end(world, session, owed=FEE)


def test_who_comes_back_without_paying_finds_the_same_offer(world: World) -> None:
    """laravel/docs#9334 and calcom/cal.diy#22126: marked as paid from the success address, without a look."""
    session = world.schedule()
    started = world.pay_page(session)
    before = world.session(session)
    back = world.come_back(started)
    assert back.attempt is not None
    assert back.attempt.state is AttemptState.OPEN
    assert world.session(session) == before
    assert _door(world, session) is Door.PAY


def test_coming_back_from_a_declined_card_lets_nobody_in(world: World) -> None:
    session = world.schedule()
    started = world.pay_page(session)
    world.stripe.pay(checkout_id(started.url), "4000000000000002")
    world.come_back(started)
    assert _door(world, session) is Door.PAY


def test_coming_back_with_a_debit_is_processing(world: World) -> None:
    world.change_team(delayed_methods=("au_becs_debit",))
    session = world.schedule(starts_in=timedelta(days=14))
    started = world.pay_page(session)
    world.stripe.pay(checkout_id(started.url), "au_becs_debit")
    world.come_back(started)
    assert _door(world, session) is Door.PROCESSING


def test_coming_back_twice_changes_nothing_more(world: World) -> None:
    session = world.schedule()
    started = world.pay_page(session)
    world.stripe.pay(checkout_id(started.url))
    world.come_back(started)
    before = world.session(session)
    with world.seam.counted() as spent:
        world.come_back(started)
        assert spent() == Spent(reads=2)
    assert world.session(session) == before


@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "500", "429"])
def test_when_stripe_does_not_answer_what_is_known_is_the_answer(world: World, fault: str) -> None:
    session = world.schedule()
    started = world.pay_page(session)
    world.stripe.pay(checkout_id(started.url))
    world.stripe.fail_next(fault, 2)
    back = world.come_back(started)
    assert back.attempt is not None
    assert back.attempt.state is AttemptState.OPEN
    world.stripe.clear_faults()
    world.come_back(started)
    assert _door(world, session) is Door.JOIN


def test_every_guests_way_back_speaks_of_their_own_attempt_only(world: World) -> None:
    """All sessions x all ways back: only the one that was paid opens, and only its own door."""
    fees = [guest(Fee(FEE, "aud"), name) for name in ("Ann", "Ben")]
    sessions = [world.schedule(host(), *fees) for _ in range(2)]
    places = [(session, number) for session in sessions for number in (2, 3)]
    started = {(session.session_id, number): world.pay_page(session, number) for session, number in places}
    world.stripe.pay(checkout_id(started[sessions[0].session_id, 2].url))
    for one in started.values():
        world.come_back(one)
    doors = [_door(world, session, number) for session, number in places]
    assert doors == [Door.JOIN, Door.PAY, Door.PAY, Door.PAY]


def test_forged_and_foreign_ways_back_are_refused(world: World) -> None:
    session = world.schedule()
    started = world.pay_page(session)
    genuine = world.return_token(started)
    forged = [genuine[:-1] + ("A" if genuine[-1] != "A" else "B"), world.token(session), "A" * 87, ""]
    for token in forged:
        with world.seam.counted() as spent:
            with pytest.raises(InvalidLinkError):
                come_back(world.ctx, token)
            assert spent() == NOTHING_SPENT


def test_the_way_back_of_an_attempt_that_was_dropped_says_nothing_of_another(world: World) -> None:
    session = world.schedule()
    world.pay(session)
    claims = ReturnClaims(session.team_id, session.session_id, 2, "99999999-9999-4999-8999-999999999999")
    keys = world.context.settings.link_keys
    back = come_back(world.ctx, mint_return(keys, claims, keys.current))
    assert back.attempt is None
    assert _door(world, session) is Door.PAY


def test_coming_back_never_makes_or_closes_an_offer(world: World) -> None:
    """Whatever has become of the attempt, its page included; only looks are made."""
    session = world.schedule(starts_in=timedelta(days=3))
    first = world.pay_page(session)
    for hours in (0, 23, 25, 47):
        world.clock.set(session.created_at + timedelta(hours=hours))
        made = len(world.checkouts())
        mark = len(world.seam.done)
        world.come_back(first)
        asked = {io.name.split()[0] for io in world.seam.done[mark:] if io.kind == "stripe"}
        assert asked <= {"GET"}
        assert len(world.checkouts()) == made


def test_the_browser_that_started_paying_is_sent_to_its_link_and_any_other_is_not(world: World) -> None:
    edge, session = Edge(world), world.schedule()
    link = f"/session/{world.token(session)}"
    started = edge.post(f"{link}/checkout")
    cookie = started.headers["set-cookie"].partition(";")[0]
    attempt = world.participant(session).history.attempts[-1]
    back = str(world.checkouts()[0]["success_url"])
    assert attempt.attempt_id in cookie
    assert edge.get(back, Cookie=cookie).headers["location"] == link
    stranger = edge.get(back)
    assert stranger.status == 200
    assert world.token(session) not in stranger.body + str(stranger.headers)
    other = world.token(world.schedule())
    assert edge.get(back, Cookie=f"{cookie.partition('=')[0]}={other}").status == 200
