"""The page of a link: what each door says and offers, and what no page ever holds."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from html.parser import HTMLParser

import pytest

from chalicelib.domain.admission import Door
from chalicelib.domain.facts import AttemptState, PaymentHistory, Waiver
from chalicelib.domain.sessions import Participant
from chalicelib.domain.teams import Team
from chalicelib.flows.open_link import OpenedLink
from chalicelib.http.pages.render import render_link
from chalicelib.http.pages.view import link_view
from tests.http.opened_links import (
    BEFORE,
    CANCELED_AT,
    DEBTOR,
    DOORS,
    END,
    FREE,
    GUEST,
    HOST,
    OTHER_GUEST,
    PAID_AT,
    PAYER,
    SESSION,
    START,
    TEAM,
    URLS,
    attempt,
    opened,
    payment,
)

EVERY_DOOR = pytest.mark.parametrize("link", DOORS.values(), ids=list(DOORS))
CLOSED = {"removed", "canceled", "ended"}

HEADLINES = {
    "removed": "This link is no longer in use",
    "canceled": "This consultation was cancelled",
    "ended": "This consultation has ended",
    "cannot_charge": "You can’t pay just now",
    "offer_refused": "You can’t pay just now",
    "pay": "Pay for your consultation",
    "processing": "Your payment is on its way",
    "refunded": "Please contact the clinic",
    "early": "You are all set",
    "join": "Your consultation is open",
}


class Page(HTMLParser):
    """The page as a list of tags with attributes, and its visible text on one line."""

    def __init__(self, link: OpenedLink) -> None:
        super().__init__()
        self.html = render_link(link_view(link, URLS))
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


# --- each door -------------------------------------------------------------------------------------------------------


def test_there_is_a_page_for_every_door() -> None:
    assert {link.admission.door for link in DOORS.values()} == set(Door)
    assert all(link.admission.door.value == name for name, link in DOORS.items())


@pytest.mark.parametrize("name", list(DOORS))
def test_each_door_has_its_headline_as_the_only_h1(name: str) -> None:
    page = Page(DOORS[name])
    assert f"<h1>{HEADLINES[name]}</h1>" in page.html
    assert len(page.all("h1")) == 1


@pytest.mark.parametrize(
    ("name", "actions"),
    [
        ("pay", [("post", "/live/session/tok/checkout", "_top")]),
        ("join", [("post", "/live/session/tok/join", "_top")]),
        *((name, []) for name in DOORS if name not in {"pay", "join"}),
    ],
)
def test_only_an_open_offer_can_be_pressed(name: str, actions: list[tuple[str, str, str]]) -> None:
    forms = Page(DOORS[name]).all("form")
    assert [(form["method"], form["action"], form["target"]) for form in forms] == actions


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("removed", "You are not part of this consultation any more. If you did not expect this, please contact the"),
        ("canceled", "It will not take place. If you would like another time, please contact the clinic."),
        ("ended", "This link is closed. If you need anything else, please contact the clinic."),
        ("cannot_charge", "The clinic can’t take payments just now. You have not been charged."),
        ("offer_refused", "The clinic has been told."),
        ("pay", "Once you have paid, this same link lets you in when it starts."),
        ("pay", "Pay 80.00 AUD"),
        (
            "processing",
            "Your bank is still working on it. This page updates by itself, and you don’t need to pay again.",
        ),
        ("refunded", "Your payment went back to you, so this link can’t let you in."),
        ("early", "Your payment of 80.00 AUD has arrived. Come back to this link when it is time."),
        ("early", "Fee 80.00 AUD Thirty minutes Payment Paid"),
        ("join", "You can go in now."),
        ("join", "Join the consultation"),
    ],
)
def test_each_door_says_why_and_what_next(name: str, sentence: str) -> None:
    assert sentence in Page(DOORS[name]).text


def test_whose_bank_may_answer_only_after_the_start_reads_that_the_clinic_can_let_them_in() -> None:
    late = replace(DEBTOR, history=PaymentHistory(attempts=(attempt(AttemptState.PROCESSING),)))
    page = Page(opened(late))
    assert "Your payment is on its way" in page.text
    assert "Your bank is still working on it, and may answer too late for your consultation." in page.text
    assert "The clinic can let you in all the same: please contact them. You don’t need to pay again." in page.text


def test_an_open_page_notices_that_the_bank_is_late() -> None:
    in_time, late = (link_view(opened(DEBTOR, now), URLS) for now in (START - timedelta(seconds=1), START))
    assert (in_time.door, in_time.refresh_for) == (late.door, late.refresh_for)
    assert in_time.state != late.state


def test_in_the_window_paying_leads_straight_in() -> None:
    assert "Once you have paid, you can go straight in." in Page(opened(now=START)).text


def test_with_a_lead_the_page_says_from_when_and_that_the_start_is_later() -> None:
    team = replace(TEAM, guest_lead=timedelta(minutes=10))
    early, inside = Page(opened(PAYER, team=team)), Page(opened(PAYER, START - timedelta(minutes=10), team=team))
    assert "You can go in from Tuesday 8 January 2030, 21:50 UTC" in early.text
    assert "You can go in already." in inside.text


@pytest.mark.parametrize(
    "reader",
    [FREE, replace(GUEST, history=PaymentHistory(waiver=Waiver(PAID_AT, "desk", "paid in cash")))],
    ids=["free", "waived"],
)
def test_who_owes_nothing_is_told_so_and_not_why(reader: Participant) -> None:
    page = Page(opened(reader))
    assert "There is nothing to pay." in page.text
    assert "cash" not in page.html


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (BEFORE, "You are all set Come back to this link when it is time to start."),
        (START, "You can go in now."),
        (END, "This consultation has ended Its links are closed."),
    ],
)
def test_a_host_is_spoken_to_as_a_host(now: datetime, sentence: str) -> None:
    page = Page(opened(HOST, now))
    assert sentence in page.text
    assert "contact the clinic" not in page.text


@pytest.mark.parametrize("team", [TEAM, replace(TEAM, suspended=True)], ids=["can charge", "cannot charge"])
def test_strange_money_is_never_called_not_charged(team: Team) -> None:
    page = Page(opened(replace(GUEST, history=PaymentHistory(payments=(payment(9),))), team=team))
    assert "Please don’t pay again." in page.text
    assert "not been charged" not in page.text


# --- who -------------------------------------------------------------------------------------------------------------


def test_a_guest_sees_the_clinic_the_host_and_themselves_but_no_other_guest() -> None:
    text = Page(DOORS["pay"]).text
    assert text.count("Harbour Street Clinic") == 2  # the title and the page
    assert "With Dr Amina Okafor You are Margaret Ellison" in text
    assert "Somebody Else" not in text


def test_a_host_sees_everybody_who_is_still_invited_and_no_fee() -> None:
    gone = replace(OTHER_GUEST, deleted_at=CANCELED_AT)
    everybody = Page(opened(HOST))
    some = Page(opened(HOST, session=replace(SESSION, participants=(HOST, GUEST, gone))))
    assert "With Margaret Ellison Somebody Else You are Dr Amina Okafor, host" in everybody.text
    assert "Somebody Else" not in some.text
    assert "AUD" not in everybody.text


@pytest.mark.parametrize(("reader", "who"), [(GUEST, "You are a guest"), (HOST, "You are the host")])
def test_who_has_no_name_is_told_their_part(reader: Participant, who: str) -> None:
    assert who in Page(opened(replace(reader, display_name=None))).text


@pytest.mark.parametrize("name", sorted(CLOSED))
def test_a_closed_door_names_the_clinic_and_the_time_and_nobody_else(name: str) -> None:
    page = Page(DOORS[name])
    assert "Harbour Street Clinic" in page.text
    assert "Tuesday 8 January 2030 22:00 to 22:30 UTC" in page.text
    for told in ("Margaret", "Amina", "Follow-up", "Thirty minutes"):
        assert told not in page.html


# --- when ------------------------------------------------------------------------------------------------------------


def test_times_are_given_to_the_script_and_labelled_utc_without_it() -> None:
    page = Page(DOORS["early"])
    assert [time["datetime"] for time in page.all("time")] == [
        "2030-01-08T22:00:00.000Z",
        "2030-01-08T22:00:00.000Z",
        "2030-01-08T22:30:00.000Z",
    ]
    assert "Tuesday 8 January 2030 22:00 to 22:30 UTC Times are in UTC" in page.text


def test_an_end_on_another_day_says_which() -> None:
    page = Page(opened(session=replace(SESSION, end_time=START + timedelta(hours=3))))
    assert "22:00 to Wednesday 9 January 2030, 01:00 UTC" in page.text


@pytest.mark.parametrize(
    ("name", "turns_at"),
    [
        ("early", "2030-01-08T22:00:00.000Z"),
        *((name, "2030-01-08T22:30:00.000Z") for name in ("pay", "processing", "refunded", "join")),
        *((name, None) for name in sorted(CLOSED)),
    ],
)
def test_the_script_learns_the_servers_now_and_when_the_state_turns(name: str, turns_at: str | None) -> None:
    (body,) = Page(DOORS[name]).all("body")
    assert body["data-self-url"] == "/live/session/tok"
    assert body["data-now"] == link_view(DOORS[name], URLS).now.iso
    assert body.get("data-turns-at") == turns_at


@pytest.mark.parametrize(
    ("link", "seconds"),
    [
        (DOORS["processing"], 15),
        (DOORS["cannot_charge"], 60),
        (DOORS["offer_refused"], 60),
        (opened(PAYER, START - timedelta(minutes=30)), 1801),
        (opened(PAYER, START - timedelta(minutes=30, seconds=1)), None),
        (DOORS["pay"], None),
        (DOORS["join"], None),
        (DOORS["ended"], None),
    ],
)
def test_what_changes_by_itself_is_asked_again_also_without_a_script(link: OpenedLink, seconds: int | None) -> None:
    page = Page(link)
    refreshes = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "refresh"]
    assert refreshes == ([f"{seconds}; url=/live/session/tok"] if seconds else [])
    assert page.html.count('<noscript><meta http-equiv="refresh"') == len(refreshes)


def test_two_pages_compare_equal_only_if_they_say_the_same() -> None:
    one = link_view(opened(PAYER), URLS).state
    assert link_view(opened(PAYER, BEFORE + timedelta(minutes=1)), URLS).state == one
    moved = replace(SESSION, end_time=END + timedelta(minutes=5))
    dearer = replace(GUEST, fee=replace(GUEST.fee, amount=9000)) if GUEST.fee else GUEST
    others = (opened(), opened(PAYER, START), opened(PAYER, session=moved), opened(dearer), opened(FREE))
    states = [link_view(link, URLS).state for link in others]
    assert len({one, *states}) == 6


@pytest.mark.parametrize("link", [DOORS["pay"], DOORS["processing"], DOORS["early"]])
def test_a_date_to_come_can_be_kept_in_a_calendar(link: OpenedLink) -> None:
    assert "/live/session/tok/calendar.ics" in [address["href"] for address in Page(link).all("a")]


@pytest.mark.parametrize("link", [DOORS["join"], DOORS["canceled"], opened(now=START)])
def test_a_date_that_has_come_or_will_not_come_cannot(link: OpenedLink) -> None:
    assert "calendar.ics" not in Page(link).html


# --- what no page holds ----------------------------------------------------------------------------------------------


@EVERY_DOOR
def test_no_page_shows_a_token_an_address_or_what_is_the_clinics_own(link: OpenedLink) -> None:
    page = Page(link)
    for hidden in ("margaret@mail.example", "amina@clinic.example", "+61 400", "opaque", "cs_1", "pi_1", "attempt-1"):
        assert hidden not in page.html
    assert "tok" not in page.text.split()
    assert SESSION.session_id not in page.html


@EVERY_DOOR
def test_no_page_holds_inline_script_or_style_or_loads_from_elsewhere(link: OpenedLink) -> None:
    page = Page(link)
    loaded = [tag.get("src") or tag.get("href") for kind in ("script", "link", "img") for tag in page.all(kind)]
    assert len(page.all("script")) == 1
    assert all(
        address and re.fullmatch(r"/live/static/[a-z]+\.[0-9a-f]{8}\.(css|js|svg)", address) for address in loaded
    )
    assert page.all("style") == []
    for _, attributes in page.tags:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]


@EVERY_DOOR
def test_every_page_is_english_with_one_main_and_no_word_about_health(link: OpenedLink) -> None:
    page = Page(link)
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("main")) == 1
    assert not re.search(r"health|patient|medic|treat|therap|symptom|diagnos|illness", page.text, re.IGNORECASE)


HOSTILE = "<script>alert(1)</script>\u202e\u2066\n\x00\"'&<b>"


def test_hostile_names_are_escaped_isolated_and_lose_what_reorders_text() -> None:
    fee = replace(GUEST.fee, description=HOSTILE) if GUEST.fee else None
    reader = replace(GUEST, display_name=HOSTILE, fee=fee)
    host = replace(HOST, display_name=HOSTILE)
    session = replace(SESSION, name=HOSTILE, participants=(host, reader))
    page = Page(opened(reader, team=replace(TEAM, name=HOSTILE), session=session))
    shown = "<bdi>&lt;script&gt;alert(1)&lt;/script&gt; &#34;&#39;&amp;&lt;b&gt;</bdi>"
    assert page.html.count(shown) == 5  # clinic, session, host, reader, fee
    assert len(page.all("script")) == 1
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00]", page.html)


def test_a_name_in_another_script_stays_as_it_is() -> None:
    assert "<bdi>مارغريت</bdi>" in Page(opened(replace(GUEST, display_name="مارغريت"))).html


@pytest.mark.parametrize("name", ["", "  ", "\u200b\u202e", "\u0301"])
def test_a_name_that_shows_nothing_is_no_name(name: str) -> None:
    page = Page(opened(replace(GUEST, display_name=name), team=replace(TEAM, name=name)))
    assert "You are a guest" in page.text
    assert "<bdi>The clinic</bdi>" in page.html


# --- pictures and receipts -------------------------------------------------------------------------------------------


def test_a_picture_over_https_is_shown_and_its_origin_named_for_the_headers() -> None:
    host = replace(HOST, picture="https://Photos.clinic.example:8443/a.png?x=1")
    session = replace(SESSION, picture="https://cdn.example/logo.png", participants=(host, GUEST))
    view = link_view(opened(session=session), URLS)
    assert view.picture_origins == {"https://photos.clinic.example:8443", "https://cdn.example"}
    assert 'src="https://cdn.example/logo.png" alt=""' in render_link(view)


@pytest.mark.parametrize(
    "picture",
    [
        None,
        "",
        "false",
        "http://cdn.example/logo.png",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "https://user:word@cdn.example/logo.png",
        "https://cdn.example;script-src/*",
        "https://cdn.example/a b.png",
        "https://cdn.example/\nlogo.png",
        "https://[cdn/logo.png",
        "https://*/logo.png",
    ],
)
def test_any_other_picture_is_not_shown(picture: str | None) -> None:
    view = link_view(opened(session=replace(SESSION, picture=picture)), URLS)
    assert view.picture_origins == frozenset()
    assert "<img" not in render_link(view)


def test_the_receipt_is_offered_where_a_payment_counts() -> None:
    assert "https://pay.stripe.com/receipts/1" in [link["href"] for link in Page(DOORS["early"]).all("a")]
    assert "https://pay.stripe.com" not in Page(DOORS["pay"]).html
