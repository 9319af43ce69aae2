"""The contract of Checkout Sessions, through Stripe's own library."""

from typing import Any

import pytest
import stripe

from tests.standin.shop import NOON_TIMESTAMP, Clock, Shop, item

pytestmark = pytest.mark.usefixtures("clock")


def refused(shop: Shop, **changes: Any) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.offer(**changes)
    return caught.value


def test_a_new_session_is_open_unpaid_and_has_no_payment_intent_yet(shop: Shop) -> None:
    session = shop.offer()
    assert session["object"] == "checkout.session"
    assert (session["status"], session["payment_status"]) == ("open", "unpaid")
    assert session["payment_intent"] is None
    assert session["url"] == f"https://pay.example/c/pay/{session['id']}"
    assert (session["amount_total"], session["currency"]) == (8000, "aud")
    assert session["client_reference_id"] == "attempt-1"
    assert session["metadata"] == {"session": "s1"}
    assert session["livemode"] is False


def test_the_id_of_a_test_mode_session_says_so(shop: Shop) -> None:
    assert str(shop.offer()["id"]).startswith("cs_test_")


def test_the_typed_service_of_the_library_reads_a_session(client: stripe.StripeClient, shop: Shop) -> None:
    session = client.v1.checkout.sessions.retrieve(shop.offer()["id"])
    assert session.status == "open"
    assert session.amount_total == 8000


def test_the_total_is_the_sum_of_all_items_and_quantities(shop: Shop) -> None:
    assert shop.offer(line_items=[item(8000), item(500, quantity=3)])["amount_total"] == 9500


@pytest.mark.parametrize(
    ("missing", "param"),
    [("success_url", "success_url"), ("mode", "mode"), ("line_items", "line_items")],
)
def test_a_missing_parameter_is_named(shop: Shop, missing: str, param: str) -> None:
    error = refused(shop, **{missing: None})
    assert (error.http_status, error.code, error.param) == (400, "parameter_missing", param)
    assert error.user_message == f"Missing required param: {param}."


def test_a_missing_parameter_inside_an_item_is_named_with_its_path(shop: Shop) -> None:
    error = refused(shop, line_items=[{"quantity": 1, "price_data": {"currency": "aud", "unit_amount": 8000}}])
    assert error.param == "line_items[0][price_data][product_data]"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"colour": "red"}, "colour"),
        ({"line_items": [item(colour="red")]}, "line_items[0][colour]"),
        ({"payment_intent_data": {"colour": "red"}}, "payment_intent_data[colour]"),
        ({"adaptive_pricing": {"colour": "red"}}, "adaptive_pricing[colour]"),
    ],
)
def test_an_unknown_parameter_is_refused_at_any_depth(shop: Shop, changes: dict[str, Any], param: str) -> None:
    error = refused(shop, **changes)
    assert (error.code, error.param) == ("parameter_unknown", param)
    assert error.user_message == f"Received unknown parameter: {param}"


@pytest.mark.parametrize(
    ("changes", "param", "message"),
    [
        ({"mode": "gift"}, "mode", "Invalid mode: must be one of payment, setup, or subscription"),
        ({"expires_at": "soon"}, "expires_at", "Invalid integer: soon"),
        ({"line_items": [item(80.5)]}, "line_items[0][price_data][unit_amount]", "Invalid integer: 80.5"),
        ({"line_items": [item(-1)]}, "line_items[0][price_data][unit_amount]", "This value must be greater than or"),
        (
            {"line_items": [item(quantity=0)]},
            "line_items[0][quantity]",
            "This value must be greater than or equal to 1",
        ),
        ({"line_items": "one"}, "line_items", "Invalid array"),
        ({"metadata": "one"}, "metadata", "Invalid object"),
        ({"adaptive_pricing": {"enabled": "maybe"}}, "adaptive_pricing[enabled]", "Invalid boolean: maybe"),
        ({"success_url": "clinic"}, "success_url", "Not a valid URL"),
        ({"customer_email": "clinic"}, "customer_email", "Invalid email address: clinic"),
        ({"client_reference_id": ""}, "client_reference_id", "You passed an empty string for 'client_reference_id'."),
        ({"client_reference_id": "x" * 201}, "client_reference_id", "Invalid string: xxxxxxxxxx...xxxxxx; must be at"),
        (
            {"payment_method_types": ["cash"]},
            "payment_method_types[0]",
            "Invalid payment_method_types[0]: must be one of",
        ),
    ],
)
def test_a_malformed_parameter_is_refused(shop: Shop, changes: dict[str, Any], param: str, message: str) -> None:
    error = refused(shop, **changes)
    assert error.param == param
    assert str(error.user_message).startswith(message)


def test_a_reference_of_200_characters_is_taken(shop: Shop) -> None:
    assert shop.offer(client_reference_id="x" * 200)["client_reference_id"] == "x" * 200


@pytest.mark.parametrize(
    "metadata",
    [{f"k{number}": "v" for number in range(51)}, {"k" * 41: "v"}, {"k": "v" * 501}],
    ids=["51 keys", "key of 41", "value of 501"],
)
def test_metadata_beyond_its_limits_is_refused(shop: Shop, metadata: dict[str, str]) -> None:
    assert str(refused(shop, metadata=metadata).param).startswith("metadata")


def test_metadata_at_its_limits_is_kept(shop: Shop) -> None:
    metadata = {f"{number:040}": "v" * 500 for number in range(50)}
    assert shop.offer(metadata=metadata)["metadata"] == metadata


@pytest.mark.controls  # to the second
@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        (1799, "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."),
        (86401, "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."),
    ],
)
def test_a_life_outside_30_minutes_to_24_hours_is_refused(shop: Shop, seconds: int, message: str) -> None:
    error = refused(shop, expires_at=NOON_TIMESTAMP + seconds)
    assert (error.param, error.user_message) == ("expires_at", message)


@pytest.mark.parametrize("minutes", [20, 25 * 60])
def test_a_life_far_outside_30_minutes_to_24_hours_is_refused(shop: Shop, minutes: int) -> None:
    assert refused(shop, expires_at=NOON_TIMESTAMP + minutes * 60).param == "expires_at"


@pytest.mark.parametrize("minutes", [60, 23 * 60])
def test_a_life_well_within_is_taken(shop: Shop, minutes: int) -> None:
    assert shop.offer(expires_at=NOON_TIMESTAMP + minutes * 60)["expires_at"] == NOON_TIMESTAMP + minutes * 60


@pytest.mark.controls  # to the second
@pytest.mark.parametrize("seconds", [1800, 86400])
def test_a_life_of_30_minutes_or_24_hours_is_taken(shop: Shop, seconds: int) -> None:
    assert shop.offer(expires_at=NOON_TIMESTAMP + seconds)["expires_at"] == NOON_TIMESTAMP + seconds


@pytest.mark.controls  # to the second
def test_a_session_lives_24_hours_unless_told(shop: Shop) -> None:
    assert shop.offer()["expires_at"] == NOON_TIMESTAMP + 86400


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "aud", "amount_too_small"),
        (0, "aud", "amount_too_small"),
        (49, "jpy", "amount_too_small"),
        (100_000_000, "aud", "amount_too_large"),
        (1_000_000_000_000, "idr", "amount_too_large"),
        (8001, "kwd", "parameter_invalid_integer"),
        (8050, "isk", "parameter_invalid_integer"),
    ],
)
def test_an_amount_that_the_currency_does_not_allow_is_refused(
    shop: Shop, amount: int, currency: str, code: str
) -> None:
    assert refused(shop, line_items=[item(amount, currency)]).code == code


@pytest.mark.parametrize(
    ("amount", "currency"),
    [(50, "aud"), (50, "jpy"), (99_999_999, "aud"), (999_999_999_999, "idr"), (8000, "kwd"), (8000, "isk"), (1, "mnt")],
)
def test_an_amount_at_the_edge_of_what_the_currency_allows_is_taken(shop: Shop, amount: int, currency: str) -> None:
    assert shop.offer(line_items=[item(amount, currency)])["amount_total"] == amount


def test_a_charge_too_small_is_named_with_the_minimum(shop: Shop) -> None:
    message = refused(shop, line_items=[item(49)]).user_message
    assert message == "The Checkout Session's total amount due must add up to at least A$0.50 aud"


def test_an_unknown_currency_is_refused(shop: Shop) -> None:
    error = refused(shop, line_items=[item(currency="xyz")])
    assert error.param == "line_items[0][price_data][currency]"
    assert str(error.user_message).startswith(
        "Invalid currency: xyz. Stripe currently supports these currencies: aed, "
    )


def test_two_currencies_in_one_session_are_refused(shop: Shop) -> None:
    assert refused(shop, line_items=[item(), item(currency="usd")]).param == "line_items[1][price_data][currency]"


def test_a_bank_debit_takes_only_its_own_currency(shop: Shop) -> None:
    assert refused(shop, line_items=[item(currency="usd")], payment_method_types=["au_becs_debit"]).param == (
        "payment_method_types"
    )


def test_an_application_fee_without_connect_is_refused(shop: Shop) -> None:
    error = refused(shop, payment_intent_data={"application_fee_amount": 120})
    assert str(error.user_message).startswith("Can only apply an application_fee_amount when the PaymentIntent is")


def test_a_parameter_that_is_not_simulated_is_refused_and_never_ignored(shop: Shop) -> None:
    error = refused(shop, allow_promotion_codes=True)
    assert error.param == "allow_promotion_codes"
    assert "does not simulate" in str(error.user_message)


def test_an_unknown_session_is_a_404(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.session("cs_test_none")
    assert (caught.value.http_status, caught.value.code, caught.value.param) == (404, "resource_missing", "session")
    assert caught.value.user_message == "No such checkout.session: 'cs_test_none'"


def test_expiring_an_open_session_closes_it(shop: Shop) -> None:
    session = shop.offer()
    expired = shop.post(f"/v1/checkout/sessions/{session['id']}/expire", {})
    assert (expired["status"], expired["payment_status"], expired["url"]) == ("expired", "unpaid", None)


def test_expiring_twice_is_refused_in_stripes_words(shop: Shop) -> None:
    path = f"/v1/checkout/sessions/{shop.offer()['id']}/expire"
    shop.post(path, {})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.post(path, {})
    assert caught.value.http_status == 400
    assert caught.value.user_message == (
        'Only Checkout Sessions with a status in ["open"] can be expired. '
        "This Checkout Session has a status of `expired`."
    )


@pytest.mark.controls
def test_a_session_expires_by_the_clock_at_its_very_second(shop: Shop, clock: Clock) -> None:
    session = shop.offer(expires_at=NOON_TIMESTAMP + 1800)
    clock.advance(seconds=1799)
    assert shop.session(session["id"])["status"] == "open"
    clock.advance(seconds=1)
    assert shop.session(session["id"])["status"] == "expired"


def test_line_items_come_when_they_are_asked_for(shop: Shop) -> None:
    session = shop.offer()
    assert "line_items" not in session
    items = shop.session(session["id"], expand=["line_items"])["line_items"]["data"]
    assert [(one["description"], one["amount_total"]) for one in items] == [
        ("Appointment with Hill Street Clinic", 8000)
    ]
    assert shop.get(f"/v1/checkout/sessions/{session['id']}/line_items")["data"][0]["quantity"] == 1


def test_what_cannot_be_expanded_is_refused(shop: Shop) -> None:
    session = shop.offer()
    with pytest.raises(stripe.InvalidRequestError, match="This property cannot be expanded"):
        shop.session(session["id"], expand=["metadata"])


@pytest.mark.controls  # an account with nothing else on it
def test_a_list_is_newest_first_and_pages_by_cursor(shop: Shop) -> None:
    ids = [shop.offer()["id"] for _ in range(5)]
    first = shop.get("/v1/checkout/sessions", limit=2)
    assert [one["id"] for one in first["data"]] == [ids[4], ids[3]]
    assert (first["object"], first["has_more"], first["url"]) == ("list", True, "/v1/checkout/sessions")
    second = shop.get("/v1/checkout/sessions", limit=3, starting_after=ids[3])
    assert [one["id"] for one in second["data"]] == [ids[2], ids[1], ids[0]]
    assert second["has_more"] is False
    back = shop.get("/v1/checkout/sessions", limit=1, ending_before=ids[2])
    assert ([one["id"] for one in back["data"]], back["has_more"]) == ([ids[3]], True)


@pytest.mark.controls  # an account with nothing else on it
def test_the_library_pages_through_a_list_by_itself(client: stripe.StripeClient, shop: Shop) -> None:
    ids = {shop.offer()["id"] for _ in range(5)}
    found = client.v1.checkout.sessions.list({"limit": 2}).auto_paging_iter()
    assert {session.id for session in found} == ids


@pytest.mark.controls
@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ({"gte": NOON_TIMESTAMP + 60}, 1),
        ({"gt": NOON_TIMESTAMP + 60}, 0),
        ({"lt": NOON_TIMESTAMP + 60}, 1),
        ({"gte": NOON_TIMESTAMP, "lte": NOON_TIMESTAMP + 60}, 2),
        (NOON_TIMESTAMP, 1),
    ],
)
def test_a_list_is_cut_by_time_of_creation(shop: Shop, clock: Clock, created: object, expected: int) -> None:
    shop.offer()
    clock.advance(seconds=60)
    shop.offer()
    assert len(shop.get("/v1/checkout/sessions", created=created)["data"]) == expected


@pytest.mark.parametrize("limit", [0, 101])
def test_a_page_holds_1_to_100(shop: Shop, limit: int) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.get("/v1/checkout/sessions", limit=limit)
    assert caught.value.param == "limit"


def test_a_cursor_that_does_not_exist_is_a_404(shop: Shop) -> None:
    shop.offer()
    with pytest.raises(stripe.InvalidRequestError, match=r"No such checkout\.session: 'cs_test_none'"):
        shop.get("/v1/checkout/sessions", starting_after="cs_test_none")


def test_a_filter_that_lists_do_not_know_is_refused(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Received unknown parameter: metadata"):
        shop.get("/v1/checkout/sessions", metadata={"session": "s1"})


def test_an_unknown_path_is_a_404_that_says_so(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=r"Unrecognized request URL \(GET: /v1/checkout/session\)"):
        shop.get("/v1/checkout/session")
