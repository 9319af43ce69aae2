"""What needs a person: listed, retried, settled; each a fact with who and why, in the audit, too."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.by_hand import RefundWish
from chalicelib.domain.edits import SessionEdit
from chalicelib.domain.facts import ActFailed
from chalicelib.domain.sessions import Session, saw
from chalicelib.domain.troubles import OFFER_KEY
from chalicelib.flows.refund import refund
from tests.ops.desk import Desk
from tests.support.editing import update
from tests.support.world import OTHER_TEAM_ID, TEAM_ID, World

UNKNOWN = "0197b3c4-d5e6-7788-99aa-bbccddeeff02"


@pytest.fixture
def failed(world: World) -> Session:
    """Paid after the end, and the bank sent the refund back."""
    session = world.schedule(lasts=timedelta(minutes=20))
    page = world.pay_page(session)
    world.clock.advance(minutes=25)
    world.stripe.set_refunds_pending(pending=True)
    world.stripe.pay(page.url.rpartition("/")[2])
    world.deliver()
    world.sweep()
    world.stripe.fail_refund(world.refunds()[0]["id"])
    world.deliver()
    return session


def test_nothing_is_told_where_nothing_needs_a_person(desk: Desk, world: World) -> None:
    world.schedule()
    assert desk.run("stuck", "list", TEAM_ID) == 0
    assert desk.printed == "Nothing needs a person.\n"


def test_that_nothing_can_be_paid_is_listed_until_the_session_is_over(desk: Desk, world: World) -> None:
    refused = ActFailed(OFFER_KEY, world.clock(), "Stripe refuses.", 0.0)
    session = world.change(world.schedule(), lambda newest: saw(newest, 2, refused))
    assert desk.run("stuck", "list", TEAM_ID) == 0
    assert desk.printed == f"{session.participant_id(2)}  offer  Stripe refuses.\n"
    world.clock.set(session.end_time)
    assert desk.run("stuck", "list", TEAM_ID) == 0
    assert desk.printed == "Nothing needs a person.\n"
    argv = ("stuck", "settle", TEAM_ID, session.participant_id(2), "offer", "--why", "nobody came")
    assert desk.run(*argv) == 1
    assert "nothing of that key needs a person" in desk.complained


def test_a_debit_that_may_answer_too_late_is_listed_until_somebody_has_seen_to_it(desk: Desk, world: World) -> None:
    world.change_team(delayed_methods=("au_becs_debit",))
    session = world.schedule(starts_in=timedelta(days=14))
    world.pay(session, "au_becs_debit")
    world.deliver()
    assert desk.run("stuck", "list", TEAM_ID) == 0
    assert desk.printed == "Nothing needs a person.\n"
    tomorrow = session.start_time - timedelta(days=13)
    update(world, session, SessionEdit(start_time=tomorrow, end_time=tomorrow + timedelta(minutes=30)))
    assert desk.run("stuck", "list", TEAM_ID) == 0
    guest, key, sentence = desk.printed.split(maxsplit=2)
    [attempt] = world.participant(session).history.attempts
    assert (guest, key) == (session.participant_id(2), f"debit:{attempt.attempt_id}:2026-03-03T12:00Z")
    assert sentence.startswith("A bank debit is under way, and the bank may answer too late for the session")
    argv = (TEAM_ID, session.participant_id(2), key, "--why", "we called them")
    assert desk.run("stuck", "retry", *argv) == 1
    assert "there is nothing to try again" in desk.complained
    assert desk.run("stuck", "settle", *argv) == 0, desk.complained
    assert desk.printed.endswith("Nothing needs a person.\n")


def test_a_failed_refund_is_listed_for_its_clinic_alone(desk: Desk, world: World, failed: Session) -> None:
    key = f"refund:{world.refunds()[0]['id']}"
    assert desk.run("stuck", "list", TEAM_ID) == 0
    sentence = "The refund of 80.00 AUD failed at the bank; give the money back another way."
    assert desk.printed == f"{failed.participant_id(2)}  {key}  {sentence}\n"
    assert desk.run("stuck", "list", OTHER_TEAM_ID) == 0
    assert desk.printed == "Nothing needs a person.\n"


def test_a_session_that_cannot_be_read_is_listed_too(desk: Desk, world: World) -> None:
    session = world.schedule()
    world.sessions.unreadable(session.team_id, session.session_id)
    assert desk.run("stuck", "list", TEAM_ID) == 0
    assert desk.printed.startswith(f"{session.session_id}  -  It is kept and cannot be read")


def test_what_is_settled_as_kept_is_told_so_and_may_be_asked_for_again(
    desk: Desk, world: World, failed: Session
) -> None:
    key = f"refund:{world.refunds()[0]['id']}"
    argv = ("stuck", "settle", TEAM_ID, failed.participant_id(2), key, "--why", "they agreed", "--not-given")
    assert desk.run(*argv) == 0, desk.complained
    assert "80.00 AUD counts as kept." in desk.printed
    assert desk.run("participant", "show", TEAM_ID, failed.participant_id(2)) == 0
    assert len(desk.lines_with("settled as kept")) == 1


def test_a_retry_makes_another_refund_at_once_and_the_audit_says_who_and_why(
    desk: Desk, world: World, failed: Session
) -> None:
    key = f"refund:{world.refunds()[0]['id']}"
    argv = ("stuck", "retry", TEAM_ID, failed.participant_id(2), key, "--why", "new card", "--by", "ada")
    assert desk.run(*argv) == 0, desk.complained
    assert desk.printed.endswith("Nothing needs a person.\n")
    assert [one["status"] for one in world.refunds()] == ["failed", "pending"]
    entries = [
        entry
        for row in world.audit.between(TEAM_ID, failed.created_at, world.clock() + timedelta(days=1))
        for entry in row.entries
        if entry.who == "operator:ada"
    ]
    assert [(one.what, one.why) for one in entries] == [("refund_decided", "new card"), ("retried_by_hand", "new card")]
    assert desk.run(*argv) == 1
    assert "nothing of that key needs a person" in desk.complained


def test_what_is_settled_is_owed_no_more_and_shows_in_the_timeline(desk: Desk, world: World, failed: Session) -> None:
    key = f"refund:{world.refunds()[0]['id']}"
    argv = ("stuck", "settle", TEAM_ID, failed.participant_id(2), key, "--why", "paid in cash", "--by", "ada")
    assert desk.run(*argv) == 0, desk.complained
    assert world.attention(failed) is None
    assert desk.run("participant", "show", TEAM_ID, failed.participant_id(2)) == 0
    [line] = desk.lines_with("settled by hand")
    assert "by operator:ada: paid in cash" in line
    assert len(world.refunds()) == 1


def test_what_is_in_trouble_at_stripe_is_retried_as_soon_as_somebody_says_so(desk: Desk, world: World) -> None:
    session = world.schedule(lasts=timedelta(minutes=20))
    page = world.pay_page(session)
    world.clock.advance(minutes=25)
    world.stripe.pay(page.url.rpartition("/")[2])
    world.deliver()
    world.stripe.fail_next("timeout_before", 100, path_prefix="/v1/refunds")
    for _ in range(3):
        world.clock.advance(minutes=10)
        world.sweep()
    world.stripe.clear_faults()
    assert desk.run("stuck", "list", TEAM_ID) == 0
    key = desk.printed.split()[1]
    assert desk.run("stuck", "retry", TEAM_ID, session.participant_id(2), key, "--why", "Stripe is back") == 0
    assert [one["amount"] for one in world.refunds()] == [8000]
    assert desk.run("stuck", "list", TEAM_ID) == 0
    assert desk.printed == "Nothing needs a person.\n"


@pytest.mark.parametrize("act", ["retry", "settle"])
def test_a_wrong_key_and_another_clinics_participant_are_refused(desk: Desk, failed: Session, act: str) -> None:
    why = ("--why", "because")
    assert desk.run("stuck", act, TEAM_ID, failed.participant_id(2), "refund:re_1", *why) == 1
    assert "what does: refund:re_" in desk.complained
    assert desk.run("stuck", act, OTHER_TEAM_ID, failed.participant_id(2), "refund:re_1", *why) == 1
    assert "is it of this team" in desk.complained
    assert desk.run("stuck", act, TEAM_ID, UNKNOWN, "refund:re_1", *why) == 1


@pytest.mark.parametrize("more", [(), ("--why", "x", "--by", " "), ("--why", "x", "--by", "a\nb")])
def test_who_and_why_are_asked_for(desk: Desk, failed: Session, more: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit):
        desk.run("stuck", "settle", TEAM_ID, failed.participant_id(2), "refund:re_1", *more)


def test_a_reason_of_nothing_is_refused_in_a_sentence(desk: Desk, world: World, failed: Session) -> None:
    key = f"refund:{world.refunds()[0]['id']}"
    assert desk.run("stuck", "settle", TEAM_ID, failed.participant_id(2), key, "--why", " ") == 1
    assert desk.complained == "--why: say why\n"


# --- refused, and held --------------------------------------------------------------------------------------------


@pytest.fixture
def refused(world: World) -> Session:
    """The clinic asks for a refund, and the balance of its Stripe account is empty."""
    session = world.schedule(starts_in=timedelta(days=1))
    world.pay(session)
    world.deliver()
    world.stripe.set_balance(None, enough=False)
    refund(world.ctx, TEAM_ID, session.participant_id(2), RefundWish())
    return session


def test_a_refused_refund_is_listed_at_once_and_made_by_the_retry_after_a_top_up(
    desk: Desk, world: World, refused: Session
) -> None:
    [trouble] = world.participant(refused).history.troubles
    assert desk.run("stuck", "list", TEAM_ID) == 0
    assert "the clinic adds funds to its balance in Stripe" in desk.printed
    assert desk.run("session", "show", TEAM_ID, refused.session_id) == 0
    [row] = desk.lines_with("failed 1 x")
    assert "the clinic adds funds to its balance in Stripe" in row
    argv = ("stuck", "retry", TEAM_ID, refused.participant_id(2), trouble.key, "--why", "topped up")
    assert desk.run(*argv) == 0, desk.complained
    assert world.refunds() == [], "it was not"
    world.stripe.set_balance(None, enough=True)
    assert desk.run(*argv) == 0, desk.complained
    assert [one["amount"] for one in world.refunds()] == [8000]
    assert "Nothing needs a person." in desk.printed


@pytest.mark.parametrize(
    ("held_for", "said", "shown"),
    [
        ("insufficient_funds", "is held: the clinic adds funds", "pending (insufficient_funds) since 2026"),
        ("requires_action", "waits for the payer", "pending (waits for the payer) since 2026"),
        ("processing", "", "pending (processing) since 2026"),
    ],
)
def test_a_refund_that_is_held_is_listed_and_shown(
    desk: Desk, world: World, held_for: str, said: str, shown: str
) -> None:
    session = world.schedule(starts_in=timedelta(days=1))
    world.pay(session)
    world.deliver()
    world.stripe.set_refunds_pending(pending=True, reason=held_for)
    refund(world.ctx, TEAM_ID, session.participant_id(2), RefundWish())
    key = f"pending:{world.refunds()[0]['id']}"
    assert desk.run("stuck", "list", TEAM_ID) == 0
    assert (key in desk.printed, said in desk.printed) == (bool(said), True)
    assert desk.run("session", "show", TEAM_ID, session.session_id) == 0
    assert desk.lines_with(shown)


def test_that_a_refund_is_held_is_settled_by_its_key_and_is_not_tried_again(desk: Desk, world: World) -> None:
    session = world.schedule(starts_in=timedelta(days=1))
    world.pay(session)
    world.deliver()
    world.stripe.set_refunds_pending(pending=True, reason="requires_action")
    refund(world.ctx, TEAM_ID, session.participant_id(2), RefundWish())
    about = (TEAM_ID, session.participant_id(2), f"pending:{world.refunds()[0]['id']}", "--why", "they were rung up")
    assert desk.run("stuck", "retry", *about) != 0
    assert "nothing to try again" in desk.complained
    assert desk.run("stuck", "settle", *about) == 0, desk.complained
    assert "Nothing needs a person." in desk.printed
    assert [one["amount"] for one in world.refunds()] == [8000]
