"""What a page is made of: everything a template shows, decided beforehand, so that templates only place it.

`link_view`, `return_view` and the error views are the only ways from the flows' answers to a page. Text from elsewhere
comes out of here on one line and without reordering characters; the templates escape and isolate it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from chalicelib.domain.admission import CLOSED, Door, closes_at
from chalicelib.domain.debits import may_settle_late
from chalicelib.domain.money import display
from chalicelib.domain.refunds import is_on_its_way
from chalicelib.domain.sessions import Participant
from chalicelib.flows.open_link import OpenedLink
from chalicelib.http.pages.money_notes import money_notes, payment_line
from chalicelib.http.pages.origins import find_https_origin
from chalicelib.http.pages.plain_text import plain
from chalicelib.http.pages.words import Tone, words_of

PROCESSING_REFRESH: Final = timedelta(seconds=15)
BARRED_REFRESH: Final = timedelta(seconds=60)
NEAR_START: Final = timedelta(minutes=30)
"""How long before the door opens a browser without scripts is told to come back by itself."""

_NO_NAME: Final = "The clinic"
_WITH_CALENDAR: Final = frozenset({Door.PAY, Door.PROCESSING, Door.EARLY})


@dataclass(frozen=True, slots=True)
class PageUrls:
    """Addresses for the page, absolute paths or URLs, since the product may live below a prefix.

    `static_base` is the folder of the static files.
    """

    self_url: str
    checkout_url: str
    join_url: str
    calendar_url: str
    static_base: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A time for `<time datetime>`, and its text in UTC for browsers that can't say it in the reader's zone."""

    iso: str
    date: str
    time: str


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    picture: str | None


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose link this is."""

    name: str | None
    is_host: bool


@dataclass(frozen=True, slots=True)
class LinkView:
    """The page of a link. At a closed door nobody is named: a dead link tells no more than it must.

    `refresh_for`: after how many seconds to ask again. `turns_at`: the moment at which the state changes by itself.
    `state` is equal for two pages that say the same. `picture_origins` belong into the page's headers.
    """

    door: Door
    state: str
    tone: Tone
    headline: str
    sentences: tuple[str, ...]
    notes: tuple[str, ...]
    clinic: str
    session_name: str | None
    picture: str | None
    you: Reader | None
    others: tuple[Person, ...]
    start: Moment
    end: Moment
    now: Moment
    opens_at: Moment
    turns_at: Moment | None
    fee: str | None
    fee_description: str | None
    payment: str | None
    receipt_url: str | None
    can_pay: bool
    can_join: bool
    can_keep_date: bool
    refresh_for: int | None
    urls: PageUrls

    @property
    def opens_before(self) -> bool:
        """Whether the door opens at another time than the start, and it matters still."""
        return self.door is Door.EARLY and self.opens_at != self.start

    @property
    def picture_origins(self) -> frozenset[str]:
        pictures = (self.picture, *(person.picture for person in self.others))
        return frozenset(found for url in pictures if (found := find_https_origin(url)))


def link_view(link: OpenedLink, urls: PageUrls) -> LinkView:
    """Everything the page of this link shows."""
    session, participant, door = link.session, link.participant, link.admission.door
    words, closed = words_of(link), door in CLOSED
    fee = participant.fee if not closed else None
    return LinkView(
        door=door,
        state=_state(link),
        tone=words.tone,
        headline=words.headline,
        sentences=words.sentences,
        notes=money_notes(link),
        clinic=clinic_name(link.team.name),
        session_name=None if closed else plain(session.name),
        picture=None if closed else _picture(session.picture),
        you=None if closed else Reader(plain(participant.display_name), participant.is_host),
        others=() if closed else _others(link),
        start=_moment(session.start_time),
        end=_end(session.start_time, session.end_time),
        now=_moment(link.now),
        opens_at=_moment(link.admission.opens_at),
        turns_at=_turns_at(link),
        fee=display(fee.money) if fee else None,
        fee_description=plain(fee.description) if fee else None,
        payment=payment_line(link.standing.status, comes_back=_comes_back(link)) if fee else None,
        receipt_url=_receipt(link),
        can_pay=link.admission.may_pay,
        can_join=link.admission.may_join,
        can_keep_date=door in _WITH_CALENDAR and link.now < session.start_time,
        refresh_for=_refresh_for(link),
        urls=urls,
    )


def clinic_name(name: str) -> str:
    """The clinic's name as pages and calendars show it."""
    return plain(name) or _NO_NAME


def _state(link: OpenedLink) -> str:
    """What an open page compares itself with when it asks again; opaque to it."""
    session, fee = link.session, link.participant.fee
    parts = [link.admission.door, link.standing.status, str(link.standing.amount_refunded)]
    parts += ["late"] if may_settle_late(session, link.participant, link.now) else []
    parts += [_iso(session.start_time), _iso(session.end_time), display(fee.money) if fee else "free"]
    return " ".join(parts)


def _others(link: OpenedLink) -> tuple[Person, ...]:
    """A guest sees the hosts, who see everybody: guests of one session are not told of each other."""
    return tuple(
        Person(name, _picture(other.picture))
        for other in link.session.participants
        if other.number != link.participant.number and _is_shown(other, link.participant)
        if (name := plain(other.display_name))
    )


def _is_shown(other: Participant, reader: Participant) -> bool:
    return other.deleted_at is None and (other.is_host or reader.is_host)


def _picture(url: str | None) -> str | None:
    return url if find_https_origin(url) else None


def _receipt(link: OpenedLink) -> str | None:
    """Stripe's own receipt; the address is opened, never loaded."""
    charge = link.standing.counted.charge if link.standing.counted else None
    url = charge.receipt_url if charge else None
    return url if find_https_origin(url) else None


def _turns_at(link: OpenedLink) -> Moment | None:
    if link.admission.door in CLOSED:
        return None
    return _moment(link.admission.opens_at if link.admission.door is Door.EARLY else closes_at(link.session))


def _refresh_for(link: OpenedLink) -> int | None:
    door, wait = link.admission.door, link.admission.opens_at - link.now
    if door is Door.PROCESSING:
        return int(PROCESSING_REFRESH.total_seconds())
    if door in {Door.CANNOT_CHARGE, Door.OFFER_REFUSED}:
        return int(BARRED_REFRESH.total_seconds())
    if door is Door.EARLY and wait <= NEAR_START:
        return int(wait.total_seconds()) + 1
    return None


def _end(start: datetime, end: datetime) -> Moment:
    """The end with its day only where that is another than the start's."""
    moment = _moment(end)
    same_day = start.astimezone(UTC).date() == end.astimezone(UTC).date()
    return moment if same_day else Moment(moment.iso, moment.date, f"{moment.date}, {moment.time}")


def _moment(at: datetime) -> Moment:
    utc = at.astimezone(UTC)
    return Moment(_iso(utc), f"{utc:%A} {utc.day} {utc:%B %Y}", f"{utc:%H:%M}")


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _comes_back(link: OpenedLink) -> bool:
    counted = link.standing.counted
    return counted is not None and is_on_its_way(link.participant.history, counted)
