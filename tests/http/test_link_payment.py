"""Paying from a link and coming back from Checkout: where browsers are sent, who gets the link again, and who never."""

from __future__ import annotations

import pytest

from chalicelib.domain import sessions
from chalicelib.domain.admission import Door
from tests.http.doors import DOORS, FORGED, POLICY_WITHOUT_ROOM, Visitor, cookie_of, is_kept_secret, paid, unpaid
from tests.support.clinic import fingerprint
from tests.support.edge import Edge
from tests.support.world import World, settings_of

# --- paying -------------------------------------------------------------------------------------------------------


def test_paying_leads_to_stripe_and_gives_the_browser_a_cookie_for_the_way_back(edge: Edge) -> None:
    visitor = unpaid(edge)
    reply = visitor.pay()
    assert (reply.status, reply.body) == (303, "")
    is_kept_secret(reply, POLICY_WITHOUT_ROOM)
    assert reply.headers["location"] == f"https://pay.example/c/pay/{visitor.checkout_session_id()}"
    [attempt] = edge.world.participant(visitor.session).history.attempts
    assert reply.headers["set-cookie"] == (
        f"anteroom-{attempt.attempt_id}={visitor.token}; Max-Age=90000; Path=/paid/; HttpOnly; SameSite=Lax; Secure"
    )


def test_paying_as_json_answers_the_address_and_sets_the_cookie_too(edge: Edge) -> None:
    visitor = unpaid(edge)
    reply = visitor.pay("application/json")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json() == {"url": f"https://pay.example/c/pay/{visitor.checkout_session_id()}"}
    assert reply.headers["set-cookie"].startswith("anteroom-")
    is_kept_secret(reply, POLICY_WITHOUT_ROOM)


def test_pressing_pay_twice_leads_to_the_same_page(edge: Edge) -> None:
    visitor = unpaid(edge)
    first, second = visitor.pay(), visitor.pay()
    assert first.headers["location"] == second.headers["location"]
    assert first.headers["set-cookie"] == second.headers["set-cookie"]
    assert len(edge.world.participant(visitor.session).history.attempts) == 1


def test_the_cookie_is_secure_on_https_only() -> None:
    edge = Edge(World(settings_of(ANTEROOM_PUBLIC_URL="http://127.0.0.1:8000")))
    cookie = unpaid(edge).pay().headers["set-cookie"]
    assert cookie.endswith("; Path=/paid/; HttpOnly; SameSite=Lax")


@pytest.mark.parametrize("door", [door for door in DOORS if door is not Door.PAY])
def test_where_nothing_is_to_pay_a_browser_goes_back_to_the_page_and_a_script_gets_409(edge: Edge, door: Door) -> None:
    visitor = DOORS[door](edge)
    before = fingerprint(edge.world)
    problem, reply = visitor.pay("application/json"), visitor.pay()
    assert (problem.status, problem.json()["detail"]) == (
        409,
        f"there is nothing to pay now: the state is {door.value}",
    )
    assert (reply.status, reply.headers["location"]) == (303, visitor.path)
    for answer in (problem, reply):
        assert "set-cookie" not in answer.headers
        is_kept_secret(answer, POLICY_WITHOUT_ROOM)
    assert fingerprint(edge.world) == before


@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "429"])
def test_when_stripe_does_not_answer_it_is_503_and_the_next_try_goes_on(edge: Edge, fault: str) -> None:
    visitor = unpaid(edge)
    edge.world.stripe.fail_next(fault, 100)
    page, problem = visitor.pay(), visitor.pay("application/json")
    for answer in (page, problem):
        assert (answer.status, answer.headers["retry-after"]) == (503, "3")
        assert "set-cookie" not in answer.headers
        is_kept_secret(answer, POLICY_WITHOUT_ROOM)
    assert "You won’t be charged twice." in page.body
    assert f'href="{visitor.path}"' in page.body
    edge.world.stripe.clear_faults()
    assert visitor.pay().status == 303
    assert len(edge.world.participant(visitor.session).history.attempts) == 1


# --- coming back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pays", [True, False])
def test_the_browser_that_started_paying_comes_back_to_its_link(edge: Edge, pays: bool) -> None:  # noqa: FBT001
    visitor = unpaid(edge)
    cookie = cookie_of(visitor.pay())
    if pays:
        edge.world.stripe.pay(visitor.checkout_session_id())
    reply = edge.get(visitor.return_path(), Cookie=cookie)
    assert (reply.status, reply.headers["location"]) == (303, visitor.path)
    is_kept_secret(reply, POLICY_WITHOUT_ROOM)
    assert visitor.open("application/json").json()["status"] == ("join" if pays else "pay")


def test_other_cookies_of_the_same_site_do_not_hide_ours(edge: Edge) -> None:
    """The standard library's reader gives up at a name it finds odd, and the payer would be shown to the door."""
    visitor = unpaid(edge)
    cookie = cookie_of(visitor.pay())
    for others in ('prefs={"a": 1, "b": [2]}', "a/b=1", "utm[source]=x", "=x", "x", "\u00e9=\u00e9", ";;"):
        for header in (f"{others}; {cookie}", f"{cookie}; {others}", f"{others};{cookie};{others}"):
            assert edge.get(visitor.return_path(), Cookie=header).status == 303


def strangers_cookies(edge: Edge, visitor: Visitor) -> dict[str, str]:
    """What a browser may hold that did not start this payment."""
    world = edge.world
    name = cookie_of(visitor.pay()).partition("=")[0]
    neighbour = unpaid(edge)
    theirs = cookie_of(neighbour.pay())
    host_link = world.token(visitor.session, 1)
    return {
        "no cookie": "",
        "an empty one": f"{name}=",
        "a neighbour's": theirs,
        "a neighbour's link under this name": f"{name}={neighbour.token}",
        "the host's link": f"{name}={host_link}",
        "a forged link": f"{name}={FORGED}",
        "the return token itself": f"{name}={visitor.return_path().rpartition('/')[2]}",
        "this link under another name": f"anteroom-x={visitor.token}",
        "this link under a neighbour's name": f"{theirs.partition('=')[0]}={visitor.token}",
        "strange text": f"{name}=\u00e9\x00; =; ;",
    }


def test_whoever_did_not_start_the_payment_learns_what_stripe_says_and_never_the_link(edge: Edge) -> None:
    visitor = unpaid(edge)
    cookies = strangers_cookies(edge, visitor)
    before = fingerprint(edge.world)
    for what, cookie in cookies.items():
        reply = edge.get(visitor.return_path(), **({"Cookie": cookie} if cookie else {}))
        assert (reply.status, reply.headers.get("location")) == (200, None), what
        assert "Not paid yet" in reply.body
        assert "Open your link again" in reply.body
        assert visitor.token not in reply.body + str(reply.headers)
        assert "/session/" not in reply.body
        is_kept_secret(reply, POLICY_WITHOUT_ROOM)
    assert fingerprint(edge.world) == before
    edge.world.stripe.pay(visitor.checkout_session_id())
    for cookie in cookies.values():
        reply = edge.get(visitor.return_path(), **({"Cookie": cookie} if cookie else {}))
        assert reply.status == 200
        assert "Payment received" in reply.body
        assert visitor.token not in reply.body + str(reply.headers)


def test_a_revoked_links_cookie_leads_nowhere(edge: Edge) -> None:
    visitor = unpaid(edge)
    cookie = cookie_of(visitor.pay())
    world = edge.world
    world.sessions.save(sessions.revoke_link(world.session(visitor.session), 2, key_id=2))
    reply = edge.get(visitor.return_path(), Cookie=cookie)
    assert (reply.status, reply.headers.get("location")) == (200, None)


def test_coming_back_as_a_script_tells_the_state_of_the_attempt(edge: Edge) -> None:
    visitor = unpaid(edge)
    visitor.pay()
    reply = edge.get(visitor.return_path(), Accept="application/json")
    assert (reply.status, reply.headers["content-type"], reply.json()) == (200, "application/json", {"status": "open"})
    edge.world.stripe.pay(visitor.checkout_session_id())
    assert edge.get(visitor.return_path(), Accept="application/json").json() == {"status": "paid"}


def test_a_return_token_that_is_none_is_404_and_changes_nothing(edge: Edge) -> None:
    visitor, neighbour = unpaid(edge), paid(edge)
    cookie = cookie_of(visitor.pay())
    token = visitor.return_path().rpartition("/")[2]
    before = fingerprint(edge.world)
    flipped = token[:60] + ("A" if token[60] != "A" else "B") + token[61:]
    checkouts = (visitor.checkout_session_id(), neighbour.checkout_session_id())
    for forged in (flipped, token[:-1], visitor.token, FORGED, "x", "{CHECKOUT_SESSION_ID}", *checkouts):
        reply = edge.get(f"/paid/{forged}", Cookie=cookie)
        assert reply.status == 404
        is_kept_secret(reply, POLICY_WITHOUT_ROOM)
    assert fingerprint(edge.world) == before


def test_a_paid_neighbours_return_token_pays_for_nobody_else(edge: Edge) -> None:
    visitor, neighbour = unpaid(edge), paid(edge)
    cookie = cookie_of(visitor.pay())
    reply = edge.get(neighbour.return_path(), Cookie=cookie)
    assert reply.status == 200
    assert visitor.open("application/json").json()["status"] == "pay"


def test_coming_back_while_stripe_is_silent_says_what_is_known(edge: Edge) -> None:
    visitor = unpaid(edge)
    cookie = cookie_of(visitor.pay())
    edge.world.stripe.pay(visitor.checkout_session_id())
    edge.world.stripe.fail_next("timeout_before", 100)
    assert edge.get(visitor.return_path()).status == 200
    assert edge.get(visitor.return_path(), Cookie=cookie).headers["location"] == visitor.path
