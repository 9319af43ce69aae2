"""A session and its payments, as the operator reads them; and what the operator does to a link."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.facts import (
    AttemptState,
    ChargedAgain,
    Dispute,
    DisputeStatus,
    Payment,
    PaymentHistory,
    Refund,
    RefundDecision,
    RefundStatus,
    SettledByHand,
    Trouble,
    Waiver,
)
from chalicelib.domain.links import LAST_GENERATION, InvalidLinkError
from chalicelib.domain.sessions import Fee, Session, cancel, remove, with_participant
from chalicelib.flows.join import join
from chalicelib.flows.open_link import open_link
from tests.ops.desk import Desk
from tests.storage.samples import open_attempt, paid_history
from tests.support.world import NOON, OTHER_TEAM_ID, PUBLIC_URL, TEAM_ID, World, checkout_id, guest

UNKNOWN = "0197b3c4-d5e6-7788-99aa-bbccddeeff00"


def keep(world: World, session: Session, history: PaymentHistory) -> Session:
    """Let the guest have this history."""
    return world.sessions.save(with_participant(world.session(session), 2, lambda p: replace(p, history=history)))


def timeline_of(desk: Desk, participant_id: str) -> list[str]:
    """The rows, without the spaces that make columns."""
    assert desk.run("participant", "show", TEAM_ID, participant_id) == 0, desk.complained
    lines = desk.printed.splitlines()
    return [" ".join(line.split()) for line in lines[lines.index("  timeline") + 1 :]]


# --- what happened --------------------------------------------------------------------------------------------------


def test_a_life_of_one_payment_is_told_in_order(desk: Desk, world: World) -> None:
    session = world.schedule()
    world.clock.advance(minutes=1)
    started = world.pay_page(session)
    world.clock.advance(minutes=1)
    world.stripe.pay(checkout_id(started.url))
    world.deliver()
    world.clock.advance(minutes=1)
    join(world.ctx, world.open(session))
    charge = world.charges()[0]
    refund_id = world.stripe.refund_in_dashboard(charge["id"], 2000)
    world.deliver()
    offer, payment_intent_id, checkout = started.attempt_id, charge["payment_intent"], checkout_id(started.url)
    assert timeline_of(desk, session.participant_id(2)) == [
        "2026-03-02T12:00:00Z scheduled by API client client-1",
        (
            f"2026-03-02T12:01:00Z offer {offer} 80.00 AUD, paid, Checkout {checkout}, on our own account (test mode), "
            "expires 2026-03-02T12:36:00Z"
        ),
        (
            f"2026-03-02T12:02:00Z payment {payment_intent_id} 80.00 AUD, counts for the fee, for offer {offer}, "
            f"charge {charge['id']}"
        ),
        f"- refund {refund_id} 20.00 AUD, succeeded, made in Stripe's dashboard, of {payment_intent_id}",
        "2026-03-02T12:03:00Z entered",
    ]
    assert desk.field("stands") == "partially_refunded: 80.00 AUD paid, 20.00 AUD went back"


SETTLED = SettledByHand("payment:pi_9", NOON, "operator", "paid back in cash", is_given=True, amount=0, because=None)


def test_everything_that_is_kept_is_told(desk: Desk, world: World) -> None:
    session = world.schedule()
    paid = paid_history("attempt-1")
    processing = replace(open_attempt("attempt-2", NOON), state=AttemptState.PROCESSING, looked_at=NOON)
    keep(
        world,
        session,
        replace(
            paid,
            attempts=(*paid.attempts, processing),
            closed_attempts=4,
            refunds=(*paid.refunds, Refund("re_other", "pi_other", 100, RefundStatus.PENDING, None)),
            disputes=(
                Dispute("dp_1", "pi_3Q", 8000, DisputeStatus.WON, doubted=True),
                Dispute("dp_2", "pi_other", 100, DisputeStatus.OPEN),
            ),
            decisions=(RefundDecision("decision-1", "pi_3Q", 2000, NOON, "API client client-1", "came late"),),
            waiver=Waiver(NOON, "API client client-1", "insured\x1b"),
            charged_again=ChargedAgain(NOON, "API client client-1", "refunded in error"),
            troubles=(Trouble("refund:auto-ch_3Q", 3, NOON, NOON + timedelta(hours=1), "A refund did not succeed."),),
            settled=(SETTLED, replace(SETTLED, key="refund:re_3Q", amount=1200)),
        ),
    )
    rows = "\n".join(timeline_of(desk, session.participant_id(2)))
    for told in (
        "(and 4 older offers, proven dead at Stripe and dropped)",
        "offer attempt-2 80.00 AUD, processing, application fee 1.20 AUD,",
        "last look 2026-03-02T12:00:00Z",
        "payment pi_3Q 80.00 AUD, goes back (waived), for offer attempt-1, charge ch_3Q, application fee 1.20 AUD",
        "- refund re_3Q 20.00 AUD, succeeded, decision decision-1, of pi_3Q",
        "- refund re_other 100 minor units of a currency not known, pending, made in Stripe's dashboard, of pi_other",
        "- dispute dp_1 80.00 AUD, won, tellings contradict each other, of pi_3Q",
        "- dispute dp_2 100 minor units of a currency not known, open, of pi_other",
        "refund decided decision-1 20.00 AUD of pi_3Q, by API client client-1: came late",
        "waived by API client client-1: insured?",
        "charged again by API client client-1: refunded in error",
        "trouble refund:auto-ch_3Q failed 3 x, next try 2026-03-02T13:00:00Z: A refund did not succeed.",
        "settled by hand payment:pi_9 by operator: paid back in cash",
        "settled by hand refund:re_3Q 12.00 AUD, by operator: paid back in cash",
    ):
        assert told in rows


def test_a_cancellation_and_a_removal_are_told_with_what_becomes_of_the_money(desk: Desk, world: World) -> None:
    session = world.schedule()
    later, latest = NOON + timedelta(minutes=1), NOON + timedelta(minutes=2)
    removed = remove(world.session(session), 2, now=later, keep_payment=True)
    world.sessions.save(cancel(removed, now=latest))
    rows = timeline_of(desk, session.participant_id(2))
    assert rows[1:] == [
        "2026-03-02T12:01:00Z removed the payment is kept",
        "2026-03-02T12:02:00Z cancelled payments go back",
    ]


def test_a_payment_whose_charge_is_not_known_stands_with_its_offer(desk: Desk, world: World) -> None:
    session = world.schedule()
    paid = paid_history("attempt-1")
    keep(world, session, replace(paid, payments=(replace(paid.payments[0], charge=None),), refunds=()))
    assert timeline_of(desk, session.participant_id(2))[-1] == (
        "- payment pi_3Q 80.00 AUD, counts for the fee, for offer attempt-1, its charge is not known yet"
    )


def test_a_payment_that_was_not_asked_for_is_called_out(desk: Desk, world: World) -> None:
    session = world.schedule()
    history = paid_history("attempt-1")
    keep(world, session, replace(history, attempts=(replace(history.attempts[0], amount=9000),)))
    assert any(
        "NOT what was asked for: look at it in Stripe" in row for row in timeline_of(desk, session.participant_id(2))
    )
    assert "payment:pi_3Q  A payment arrived that is not the one that was asked for" in desk.printed


def test_a_payment_that_is_not_proven_is_called_so(desk: Desk, world: World) -> None:
    session = world.schedule()
    history = paid_history("attempt-1")
    unproven = Payment("pi_3Q", "attempt-1", None, None, history.payments[0].charge)
    keep(world, session, replace(history, payments=(unproven, Payment("pi_4", "gone", None)), refunds=()))
    rows = timeline_of(desk, session.participant_id(2))
    assert any("payment pi_3Q 80.00 AUD, not proven paid yet" in row for row in rows)
    assert any("payment pi_4 amount not known, not proven paid yet" in row for row in rows)


# --- how it stands --------------------------------------------------------------------------------------------------


def test_a_session_is_shown_with_all_its_participants(desk: Desk, world: World) -> None:
    session = world.schedule(starts_in=timedelta(hours=1))
    assert desk.run("session", "show", TEAM_ID, session.session_id) == 0
    assert desk.printed.splitlines()[:5] == [
        f"session  {session.session_id}",
        f"team     {TEAM_ID}",
        "window   2026-03-02T13:00:00Z to 2026-03-02T13:30:00Z",
        "state    scheduled, written 1 x, now 2026-03-02T12:00:00Z",
        "next     nothing is left to do",
    ]
    assert desk.lines_with("participant ") == [
        f"participant {session.participant_id(1)}  (HOST 1)",
        f"participant {session.participant_id(2)}  (GUEST 2)",
    ]


def test_a_participants_id_leads_to_the_session(desk: Desk, world: World) -> None:
    session = world.schedule()
    assert desk.run("session", "show", TEAM_ID, session.participant_id(2)) == 0
    assert desk.printed.startswith(f"session  {session.session_id}\n")


@pytest.mark.parametrize(
    ("minutes", "state"), [(-1, "scheduled"), (0, "under way"), (29, "under way"), (30, "over"), (31, "over")]
)
def test_a_session_says_where_in_its_life_it_is(desk: Desk, world: World, minutes: int, state: str) -> None:
    session = world.schedule(starts_in=timedelta(minutes=10))
    world.clock.set(session.start_time + timedelta(minutes=minutes))
    desk.run("session", "show", TEAM_ID, session.session_id)
    assert desk.field("state").startswith(f"{state}, ")


def test_a_cancelled_session_says_so(desk: Desk, world: World) -> None:
    session = world.schedule()
    world.sessions.save(cancel(session, now=NOON))
    desk.run("session", "show", TEAM_ID, session.session_id)
    assert desk.field("state").startswith("cancelled, ")


def test_what_is_owed_is_told_with_its_time(desk: Desk, world: World) -> None:
    session = world.schedule()
    attempt_id = world.pay_page(session).attempt_id
    world.clock.advance(minutes=2)
    desk.run("participant", "show", TEAM_ID, session.participant_id(2))
    assert desk.lines_with(f"ask Stripe about offer {attempt_id}") == [
        f"2026-03-02T12:02:00Z (now)    ask Stripe about offer {attempt_id}"
    ]
    assert desk.lines_with(f"expire offer {attempt_id} at Stripe") == [
        f"2026-03-02T12:30:00Z (later)  expire offer {attempt_id} at Stripe"
    ]
    assert desk.field("fee") == "80.00 AUD"
    assert desk.field("stands") == "unpaid"
    assert desk.field("at door") == "pay (opens 2026-03-02T12:00:00Z)"
    assert desk.field("attention") == "none"


UNDER_DISPUTE = (Dispute("dp_1", "pi_3Q", 8000, DisputeStatus.WON, doubted=True),)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"refunded_hint": 5000}, "list the refunds of pi_3Q"),
        ({"charge": None}, "fetch the charge of pi_3Q"),
        ({}, "refund 60.00 AUD of pi_3Q (waived)"),
        ({"disputes": UNDER_DISPUTE}, "fetch dispute dp_1"),
    ],
)
def test_every_kind_of_obligation_has_its_words(desk: Desk, world: World, changes: dict[str, Any], told: str) -> None:
    session, paid = world.schedule(), paid_history("attempt-1")
    disputes = changes.pop("disputes", ())
    payment = replace(paid.payments[0], **changes)
    keep(world, session, replace(paid, payments=(payment,), disputes=disputes, waiver=Waiver(NOON, "staff", "insured")))
    desk.run("participant", "show", TEAM_ID, session.participant_id(2))
    assert len(desk.lines_with(told)) == 1


def test_names_and_other_personal_texts_are_not_printed(desk: Desk, world: World) -> None:
    session = world.schedule(guest(Fee(8000, "aud"), "Mary Smith"))
    desk.run("session", "show", TEAM_ID, session.session_id)
    assert "Mary" not in desk.printed
    assert "Consultation" not in desk.printed
    assert PUBLIC_URL not in desk.printed


def test_another_teams_session_is_not_found(desk: Desk, world: World) -> None:
    session = world.schedule()
    assert desk.run("session", "show", OTHER_TEAM_ID, session.session_id) == 1
    assert desk.complained == (f"no such session {session.session_id}; is it of this team, and of this deployment?\n")


def test_a_participant_who_is_not_in_the_session_is_not_found(desk: Desk, world: World) -> None:
    session = world.schedule()
    assert desk.run("participant", "show", TEAM_ID, session.participant_id(9)) == 1
    assert desk.complained.startswith(f"no such participant in session {session.session_id}")


def test_a_session_that_cannot_be_decoded_is_named(desk: Desk, world: World) -> None:
    world.sessions.unreadable(TEAM_ID, UNKNOWN)
    assert desk.run("session", "show", TEAM_ID, UNKNOWN) == 1
    assert desk.complained == "a session does not decode: DecodeError\n"


# --- links ----------------------------------------------------------------------------------------------------------


def test_revoking_prints_a_new_link_and_kills_the_old_one(desk: Desk, world: World) -> None:
    session = world.schedule()
    old = world.token(session)
    assert desk.run("link", "revoke", TEAM_ID, session.participant_id(2)) == 0
    url = desk.printed.splitlines()[-1]
    assert url.startswith("https://anteroom.example/session/")
    opened = open_link(world.ctx, url.rpartition("/")[2])
    assert opened.participant.number == 2
    with pytest.raises(InvalidLinkError):
        open_link(world.ctx, old)


def test_revoking_leaves_the_others_links_and_the_payment_alone(desk: Desk, world: World) -> None:
    session = world.schedule()
    hosts = world.token(session, 1)
    world.pay(session)
    world.deliver()
    before = world.participant(session)
    desk.run("link", "revoke", TEAM_ID, session.participant_id(2))
    assert open_link(world.ctx, hosts).participant.number == 1
    assert world.participant(session) == replace(before, generation=1)


def test_a_new_link_is_made_with_the_current_key(desk: Desk, world: World) -> None:
    session = world.schedule()
    world.sessions.save(with_participant(session, 2, lambda p: replace(p, key_id=1)))
    desk.run("link", "revoke", TEAM_ID, session.participant_id(2))
    assert world.participant(session).key_id == 2


@pytest.mark.parametrize("number", [2, 9])
def test_who_is_not_in_the_session_any_more_gets_no_link(desk: Desk, world: World, number: int) -> None:
    session = world.schedule()
    world.sessions.save(remove(session, 2, now=NOON))
    assert desk.run("link", "revoke", TEAM_ID, session.participant_id(number)) == 1
    assert desk.complained.startswith(f"no such participant in session {session.session_id}")
    assert desk.printed == ""


def test_a_link_can_be_revoked_as_often_as_a_token_can_tell(desk: Desk, world: World) -> None:
    session = world.schedule()
    world.sessions.save(with_participant(session, 2, lambda p: replace(p, generation=LAST_GENERATION - 1)))
    assert desk.run("link", "revoke", TEAM_ID, session.participant_id(2)) == 0
    assert desk.run("link", "revoke", TEAM_ID, session.participant_id(2)) == 1
    assert "revoked as often as it can be" in desk.complained
    assert world.participant(session).generation == LAST_GENERATION


# --- the sweep ------------------------------------------------------------------------------------------------------


def test_the_sweep_does_what_is_due_and_says_how_much(desk: Desk, world: World) -> None:
    session = world.schedule()
    world.pay(session)
    world.clock.advance(minutes=2)
    assert desk.run("sweep") == 0
    assert desk.field("sessions taken up") == "1"
    assert desk.field("acts carried out") == "1"
    assert desk.field("failed") == "0"
    desk.run("participant", "show", TEAM_ID, session.participant_id(2))
    assert desk.field("stands") == "paid: 80.00 AUD paid"


def test_the_sweep_with_nothing_due_does_nothing(desk: Desk, world: World) -> None:
    world.schedule()
    desk.run("sweep")
    assert desk.field("sessions taken up") == "0"


def test_the_sweep_says_what_failed(desk: Desk, world: World) -> None:
    world.sessions.unreadable(TEAM_ID, UNKNOWN)
    assert desk.run("sweep") == 0
    assert desk.field("failed") == "1"
    assert "tried again by itself" in desk.printed


def test_a_sweep_that_runs_out_of_time_says_so(desk: Desk, world: World) -> None:
    world.pay(world.schedule())
    world.clock.advance(minutes=2)
    with world.seam.armed(after=lambda _io: world.clock.advance(seconds=45)):
        desk.run("sweep")
    assert desk.field("sessions taken up") == "0"
    assert "run it again" in desk.printed
