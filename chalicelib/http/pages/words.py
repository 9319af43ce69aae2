"""What a page says about the door: a headline and one or two sentences for each. Decides nothing, and names nobody.

Plain, calm and short, without a word about health: the page may be read over somebody's shoulder.
Names are never part of a sentence, so that text from elsewhere cannot change what a sentence says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from chalicelib.domain.admission import Door
from chalicelib.domain.debits import may_settle_late
from chalicelib.domain.money import display
from chalicelib.domain.obligations import has_strange_payment
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.reach import out_of_reach
from chalicelib.domain.refunds import is_on_its_way
from chalicelib.flows.open_link import OpenedLink


class Tone(StrEnum):
    """How the page looks, beside what it says; each has an icon."""

    PAY = "pay"
    WAIT = "wait"
    READY = "ready"
    OPEN = "open"
    CLOSED = "closed"
    ATTENTION = "attention"


@dataclass(frozen=True, slots=True)
class Words:
    tone: Tone
    headline: str
    sentences: tuple[str, ...]


def words_of(link: OpenedLink) -> Words:
    """What to say to this person now."""
    door = link.admission.door
    match door:
        case Door.REMOVED:
            return _removed()
        case Door.CANCELED:
            return _canceled()
        case Door.ENDED:
            return _ended(link)
        case Door.CANNOT_CHARGE | Door.OFFER_REFUSED:
            return _barred(link)
        case Door.PAY:
            return _pay(link)
        case Door.PROCESSING:
            return _in_progress(link)
        case Door.REFUNDED:
            return _refunded(link)
        case Door.EARLY:
            return _early(link)
        case Door.JOIN:
            return _join(link)
        case _:
            assert_never(door)


def _removed() -> Words:
    return Words(
        Tone.CLOSED,
        "This link is no longer in use",
        ("You are not part of this consultation any more. If you did not expect this, please contact the clinic.",),
    )


def _canceled() -> Words:
    return Words(
        Tone.CLOSED,
        "This consultation was cancelled",
        ("It will not take place. If you would like another time, please contact the clinic.",),
    )


def _ended(link: OpenedLink) -> Words:
    if link.participant.is_host:
        return Words(Tone.CLOSED, "This consultation has ended", ("Its links are closed.",))
    return Words(
        Tone.CLOSED,
        "This consultation has ended",
        ("This link is closed. If you need anything else, please contact the clinic.",),
    )


def _barred(link: OpenedLink) -> Words:
    """Nothing can be offered. Money that came in a strange shape goes first: it must not be called "not charged"."""
    if has_strange_payment(link.participant.history):
        return Words(
            Tone.ATTENTION,
            "The clinic needs to look at your payment",
            ("Your payment did not arrive as expected. The clinic has been told.", "Please don’t pay again."),
        )
    if any(out_of_reach(link.participant.history)):
        return Words(
            Tone.ATTENTION,
            "The clinic needs to look at your payment",
            ("We can’t see just now whether you have paid. The clinic has been told.", "Please don’t pay again."),
        )
    if link.admission.door is Door.CANNOT_CHARGE:
        why, then = "The clinic can’t take payments just now.", "Please contact the clinic, or try again later."
    else:
        why, then = "Something went wrong on our side.", "The clinic has been told. If it is soon, please contact them."
    if not link.participant.history.payments:
        why = f"{why} You have not been charged."
    return Words(Tone.ATTENTION, "You can’t pay just now", (why, then))


def _pay(link: OpenedLink) -> Words:
    if link.now < link.admission.opens_at:
        then = "Once you have paid, this same link lets you in when it starts."
    else:
        then = "Once you have paid, you can go straight in."
    return Words(Tone.PAY, "Pay for your consultation", (then,))


def _in_progress(link: OpenedLink) -> Words:
    headline = "Your payment is on its way"
    if may_settle_late(link.session, link.participant, link.now):
        return Words(
            Tone.WAIT,
            headline,
            (
                "Your bank is still working on it, and may answer too late for your consultation.",
                "The clinic can let you in all the same: please contact them. You don’t need to pay again.",
            ),
        )
    return Words(
        Tone.WAIT,
        headline,
        ("Your bank is still working on it. This page updates by itself, and you don’t need to pay again.",),
    )


def _refunded(link: OpenedLink) -> Words:
    """That it went back is said once it did, and who can let them pay again (`by_hand.charge_again`)."""
    counted = link.standing.counted
    is_coming = counted is not None and is_on_its_way(link.participant.history, counted)
    went = "is on its way back to you" if is_coming else "went back to you"
    return Words(
        Tone.ATTENTION,
        "Please contact the clinic",
        (
            f"Your payment {went}, so this link can’t let you in.",
            "The clinic named at the top of this page can let you pay again: please ask them.",
        ),
    )


def _early(link: OpenedLink) -> Words:
    if link.participant.is_host:
        return Words(Tone.READY, "You are all set", ("Come back to this link when it is time to start.",))
    return Words(Tone.READY, "You are all set", (f"{_nothing_left(link)} Come back to this link when it is time.",))


def _nothing_left(link: OpenedLink) -> str:
    """That they owe nothing, said for each way of owing nothing."""
    status, fee = link.standing.status, link.participant.fee
    if status is PaymentStatus.WAIVED or fee is None:
        return "There is nothing to pay."
    return f"Your payment of {display(fee.money)} has arrived."


def _join(link: OpenedLink) -> Words:
    starts = "You can go in now." if link.now >= link.session.start_time else "You can go in already."
    return Words(
        Tone.OPEN,
        "Your consultation is open",
        (f"{starts} Your browser may ask to use your camera and microphone: please allow it.",),
    )
