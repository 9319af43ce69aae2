"""What the reference says beside the shapes: a description and an example for every field, named once for all shapes.

`FIELDS` holds fragments of JSON Schema by name of field: `SessionIn.start_time` before `In.start_time` before
`start_time`. Examples of whole shapes are put together from these, so that they agree with each other. Limits come from
the domain. Nothing here validates a request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.domain.admission import Door
from chalicelib.domain.by_hand import MAX_REASON
from chalicelib.domain.facts import DisputeStatus, PendingReason, RefundReason, RefundStatus
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import (
    MAX_DESCRIPTION,
    MAX_FEATURE_FLAGS,
    MAX_NAME,
    MAX_PARTICIPANTS,
    MAX_PICTURE,
    MAX_STATE,
    Role,
)
from chalicelib.domain.teams import Plan
from chalicelib.flows.connect import How
from chalicelib.http.shape_charges import DECIDED, GIVEN, LET_BE, REQUIRES_ACTION

SESSION_ID: Final = "0197b3c4-d5e6-7788-99aa-bbccddeeff00"
HOST_ID: Final = "0197b3c4-d5e6-7788-99aa-bbccddeeff01"
GUEST_ID: Final = "0197b3c4-d5e6-7788-99aa-bbccddeeff02"
CLIENT_ID: Final = "9f86d081884c7d659a2feaa0"
EXAMPLE_DAY: Final = "2026-06-08"
"""The day of all example times. The page of the reference puts a day to come in its place."""

_LINK: Final = "https://anteroom.example/session/AQGQpaAAAEAAgAAAAAAAwRwBl7PE1eZ3iJmqu8zd7v8AAgAAcmRlYWRiZWVm"
_AUTHORIZE: Final = "https://connect.stripe.com/oauth/authorize?response_type=code&client_id=ca_1A2b3C&state=eyJ"
_RECEIPT: Final = "https://pay.stripe.com/receipts/payment/CAcaFwoVYWNjdF8x"


def _field(description: str, example: Any = None, **schema: Any) -> dict[str, Any]:  # noqa: ANN401 (any JSON)
    return {"description": description, "examples": [example], **schema}


def _moment(description: str, example: str | None = None) -> dict[str, Any]:
    return _field(f"{description} RFC 1123 or ISO 8601, as the request's own times are.", example)


FIELDS: Final[Mapping[str, Mapping[str, Any]]] = {
    # --- sessions
    "session_id": _field("The session. Ids are UUIDs and sort by creation.", SESSION_ID, format="uuid"),
    "team_id": _field("The clinic.", "0190a5a0-0000-4000-8000-00000000c11c", format="uuid"),
    "client_id": _field("The API client that made it.", CLIENT_ID),
    "session_name": _field(f"Shown to everybody in the session; up to {MAX_NAME} characters.", "Initial consultation"),
    "In.start_time": _field(
        "With its zone: `2026-07-01T13:30:00Z` or `Wed, 01 Jul 2026 13:30:00 GMT`. At most 18 months ahead.",
        f"{EXAMPLE_DAY}T13:30:00Z",
    ),
    "In.end_time": _field(
        "When it ends, with its zone: after the start by 24 hours at most, and still to come.",
        f"{EXAMPLE_DAY}T14:00:00Z",
    ),
    "start_time": _moment("When it starts.", f"{EXAMPLE_DAY}T13:30:00.000Z"),
    "end_time": _moment("When it ends. From then on its links are dead.", f"{EXAMPLE_DAY}T14:00:00.000Z"),
    "picture": _field(f"Pages show it if it is an https address; any text up to {MAX_PICTURE} characters is kept."),
    "In.picture": _field(
        f"Up to {MAX_PICTURE} characters; pages show it if it is an https address. `false`, `null`, empty: none."
    ),
    "feature_flags": _field(f"Kept and returned as they are; up to {MAX_FEATURE_FLAGS}.", []),
    "canceled_at": _moment("When the session was cancelled; `null` while it stands."),
    "canceled_time": _moment("The same as `canceled_at`, under its older name."),
    "actual_end_time": _moment("When the call really ended; `null` until a client or the room reports it."),
    "participants": _field(f"Who takes part; up to {MAX_PARTICIPANTS}. Those removed are left out."),
    "In.participants": _field(f"Who takes part, each with a link of their own; up to {MAX_PARTICIPANTS}."),
    "content": _field("The sessions of this page."),
    "page": _field("The number of this page, from 0.", 0),
    "page_size": _field("How many sessions a page has at most.", 200),
    "more": _field("Whether there are more.", False),  # noqa: FBT003 (an example)
    "next": _field("Send it as `cursor` for the next page, which costs the same wherever it is. `null` on the last."),
    "ok": _field("Always `true`.", True),  # noqa: FBT003 (an example)
    "actual_start_time": _moment("When the first participant entered; `null` until somebody does."),
    "In.actual_end_time": _field("When the call really ended, for the clinic to report."),
    "SummaryOut.participants": _field("Everybody who was ever part of it, those removed too."),
    "AttendeeOut.entries": _field("When they entered, every time, in order.", [f"{EXAMPLE_DAY}T13:29:41.000Z"]),
    "LinkOut.start_time": _field("When the session starts.", f"{EXAMPLE_DAY}T13:30:00.000Z", format="date-time"),
    "LinkOut.end_time": _field(
        "When it ends, and this link with it.", f"{EXAMPLE_DAY}T14:00:00.000Z", format="date-time"
    ),
    # --- participants
    "participant_id": _field("The participant.", GUEST_ID, format="uuid"),
    "display_name": _field(f"Shown to the others in the session; up to {MAX_NAME} characters.", "Alex Moor"),
    "role": _field(
        "`HOST` is the clinician. `GUEST` is the client, who may owe a fee. `PARTICIPANT` is a guest in every rule.",
        "GUEST",
        enum=[one.value for one in Role],
    ),
    "In.role": _field("`HOST`, `GUEST` or `PARTICIPANT`, in any letter case. Without one: `GUEST`.", "GUEST"),
    "state": _field(f"Yours to use: opaque here, kept and returned; up to {MAX_STATE} characters.", "booking-4711"),
    "email": _field("Kept and returned; nothing is sent to it.", "alex@example.org"),
    "phone": _field("Kept and returned; nothing is sent to it.", "+61 491 570 156"),
    "entry_url": _field(
        "The participant's own link. It is a key: whoever holds it comes in as them. `null` once none opens.",
        _LINK,
        format="uri",
    ),
    "created": _moment("When they were added.", "2026-06-01T09:00:00.000Z"),
    "deleted_at": _moment("When they were removed; `null` while they take part."),
    "fee": _field("What they owe; `null`: nothing. Guests only."),
    "In.fee": _field(
        "What a guest owes before they may enter. In a change, absent or `null` leaves it: to let in free, waive."
    ),
    "payment": _field("Where the money stands."),
    # --- money
    "amount": _field("In the currency's minor unit, a whole number: `8000` is 80.00 AUD, and 8000 JPY.", 8000),
    "currency": _field("ISO 4217, lower case.", "aud"),
    "description": _field(f"Shown to who pays it; up to {MAX_DESCRIPTION} characters.", "Consultation, 30 minutes"),
    "payee": _field("One of the team's connected Stripe accounts; `null`: its default."),
    "In.payee": _field(
        "One of the team's connected Stripe accounts. Absent, `null` or empty: its default; in a change, as it was."
    ),
    "PaymentOut.status": _field(
        "`not_required`: nothing is owed. `processing`: the bank is moving it. `disputed`: the payer contests it, or "
        "their bank asks about it.",
        "unpaid",
        enum=[one.value for one in PaymentStatus],
    ),
    "amount_paid": _field("What was paid, in the minor unit.", 0),
    "amount_refunded": _field("What of it was given back, in the minor unit.", 0),
    "PaymentOut.currency": _field("What was paid in, or is owed in; `null` without a fee.", "aud"),
    "paid_at": _moment("When it was paid, by Stripe's clock."),
    "ChargeOut.paid_at": _moment("When it was paid, by Stripe's clock.", f"{EXAMPLE_DAY}T13:12:05.000Z"),
    "receipt_url": _field("Stripe's receipt.", None, format="uri"),
    "attention": _field(
        "`null`, or what needs a person of the clinic, or is not known yet since the Stripe account was away."
    ),
    "charges": _field(
        "Every charge there was for this fee, and others that were asked back, the first paid first.", []
    ),
    "may_settle_late": _field(
        (
            "Whether a bank debit is under way and the bank may answer only after the session's start, since the "
            "session was moved, or the bank is late. Then the fee can be waived; what arrives goes back."
        ),
        False,  # noqa: FBT003 (an example)
    ),
    "charge_id": _field("Stripe's id of the charge.", "ch_3Q2w3e4r5t6y7u8i0"),
    "goes_back": _field(
        "Why it is given back in full by rule; `null`: it is not.",
        None,
        enum=[None, *(one.value for one in RefundReason)],
    ),
    "dispute": _field(
        "`open`, `won` or `lost`: the payer contests it with their bank; `null`: they do not.",
        None,
        enum=[None, *(one.value for one in DisputeStatus)],
    ),
    "refunds": _field("What of it was given back, is on its way, or failed to arrive.", []),
    "refund_id": _field("Stripe's id of the refund; `null`: there is none, or not yet.", "re_3Q2w3e4r5t6y7u8i0"),
    "RefundOut.status": _field(
        (
            "`decided`: not made at Stripe yet. `pending`: on its way. `requires_action`: it waits for the payer, whom "
            "Stripe asked where to send it. `failed`, `canceled`: it did not arrive. "
            "`given_by_hand`: a person gave it back another way. `not_given`: as a person said, it need not go back."
        ),
        "succeeded",
        enum=[DECIDED, GIVEN, LET_BE, REQUIRES_ACTION, *(one.value for one in RefundStatus)],
    ),
    "RefundOut.reason": _field(
        "`requested` by the clinic, or the rule it follows from; `null`: made in Stripe's dashboard.",
        "requested",
        enum=[None, *(one.value for one in RefundReason)],
    ),
    "pending_reason": _field(
        (
            "Only of a refund that is pending, why: `processing`; `insufficient_funds`: add funds to the balance of "
            "the Stripe account; `charge_pending`: the payment is not settled yet; `null`: Stripe does not say."
        ),
        "processing",
        enum=[None, *(one.value for one in PendingReason)],
    ),
    "pending_since": _moment("Only of a refund that is pending: since when; `null`: not known."),
    "RefundIn.amount": _field(
        "In the currency's minor unit; needs an `Idempotency-Key`. Absent or `null`: all that is left.", 3000
    ),
    "RefundIn.reason": _field(f"For the clinic's own records; up to {MAX_REASON} characters. Stripe is not told."),
    "RefundIn.charge": _field(
        "The `charge_id` of which, also of one that is not what was asked for; absent, `null` or empty: the one that "
        "pays the fee."
    ),
    "ChargeAgainIn.reason": _field(
        f"For the clinic's own records; up to {MAX_REASON} characters.", "Refunded in error"
    ),
    "WaiveIn.reason": _field(f"For the clinic's own records; up to {MAX_REASON} characters.", "Paid at the desk"),
    # --- payments
    "PaymentListOut.content": _field("The payments of this page, the first paid first."),
    "from": _field(
        "The first moment whose payments these are.",
        f"{EXAMPLE_DAY}T00:00:00.000Z",
    ),
    "to": _field("The moment before which they were paid.", f"{EXAMPLE_DAY}T23:59:59.000Z"),
    "PaymentRowOut.paid_at": _moment("When it was paid, by Stripe's clock.", f"{EXAMPLE_DAY}T13:12:05.000Z"),
    "PaymentRowOut.client_id": _field("The API client that scheduled the session.", CLIENT_ID),
    "payment_intent_id": _field("Stripe's id of the payment that the charge is of.", "pi_3Q2w3e4r5t6y7u8i0"),
    "attempt_id": _field(
        "The offer to pay that it was paid for: `client_reference_id` of its Checkout Session at Stripe.",
        "0197b3c4-e5f6-4788-99aa-bbccddeeff00",
        format="uuid",
    ),
    "amount_decimal": _field("The amount in major units, as text with the currency's decimals.", "80.00"),
    "PaymentRowOut.platform_fee": _field(
        "What the deployment was to keep, when it was paid. What it gave back of that is `platform_fee_refunded`.", 120
    ),
    "platform_fee_decimal": _field("The platform's fee in major units.", "1.20"),
    "platform_fee_refunded": _field(
        "What of the platform's fee went back with refunds made here, in proportion, in the minor unit: computed, "
        "half a unit rounded up. A refund made in Stripe's dashboard gives nothing of it back. `null`: the payment was "
        "written down before this was kept.",
        45,
    ),
    "platform_fee_refunded_decimal": _field("What of the platform's fee went back, in major units.", "0.45"),
    "refunded": _field("What went back or is on its way, in the minor unit.", 3000),
    "refunded_decimal": _field("What went back or is on its way, in major units.", "30.00"),
    "charged_back": _field("What the bank took in a dispute that was lost: the part disputed, in the minor unit.", 0),
    "charged_back_decimal": _field("What the payer's bank took, in major units.", "0.00"),
    "is_disputed": _field("Whether the payer contests it, or their bank asks about it, and has not decided.", False),  # noqa: FBT003 (an example)
    "is_accepted": _field("Whether it is money for an offer of ours, as that was made.", True),  # noqa: FBT003 (an example)
    # --- quotes
    "minimum": _field("The least that can be charged in this currency.", 100),
    "StripeAccountOut.platform_fee": _field(
        "`taken`, or `not_possible`: Stripe lets no platform fee cross this border, or refused it.", "taken"
    ),
    "platform_fee_note": _field(
        "`null`, or a sentence that says why the platform takes no fee, and what follows.", None
    ),
    "platform_fee": _field("What the deployment keeps.", 120),
    "net": _field("What the clinic receives, before Stripe's own fee.", 7880),
    # --- the team
    "TeamOut.name": _field("The clinic's name, as clients see it.", "Bay Road Clinic"),
    "subdomain": _field(
        "The clinic's own name in addresses, no other clinic's; `null` only if it could not be given yet.", "bay-road"
    ),
    "plan": _field("What the clinic has bought.", "standard", enum=[one.value for one in Plan]),
    "scheduling": _field("Whether it may schedule sessions just now.", True),  # noqa: FBT003 (an example)
    "suspended": _field("Whether the clinic is suspended.", False),  # noqa: FBT003 (an example)
    "settings": _field("What the clinic has chosen."),
    "default_currency": _field("The currency of its Stripe account.", "aud"),
    "currencies": _field("What it takes fees in.", ["aud"]),
    "host_lead_minutes": _field("How many minutes before the start a host may enter.", 15),
    "guest_lead_minutes": _field("How many minutes before the start a guest may enter.", 0),
    "delayed_methods": _field("Ways of paying that take days, where the clinic allows them.", []),
    "allowed_origins": _field("Web sites whose pages may call this API (CORS).", ["https://bayroad.example"]),
    "frame_ancestors": _field("Web sites that may show a client's link in a frame.", []),
    "stripe": _field("The clinic at Stripe."),
    "accounts": _field("Its Stripe accounts."),
    "account_id": _field("Stripe's id of it; `null`: the deployment's own account.", "acct_1Q2w3e4r5t6y7u8i"),
    "charges_enabled": _field("Whether a fee can be paid to it just now.", True),  # noqa: FBT003 (an example)
    "connected": _field("Whether it is connected now.", True),  # noqa: FBT003 (an example)
    "details_submitted": _field("Whether Stripe has the details it asks for.", True),  # noqa: FBT003 (an example)
    "disabled_reason": _field("Stripe's code for why it cannot take payments; `null`: it can.", None),
    "country": _field("Where it was opened, ISO 3166-1 alpha-2.", "AU"),
    "StripeAccountOut.default_currency": _field("The currency that it settles in.", "aud"),
    "connected_at": _field("Since when.", f"{EXAMPLE_DAY}T09:00:00.000Z", format="date-time"),
    "disconnected_at": _field("Since when it is connected no more; `null` while it is.", None, format="date-time"),
    "refused_methods": _field(
        "Ways of paying that Stripe did not take on it; left out until it calls them active.", []
    ),
    "StripeAccountOut.attention": _field(
        "`null`, or what to see to: why nobody can be asked to pay on it, which way of paying is left out, or that it "
        "was away, and not all that happened meanwhile is known yet."
    ),
    "ConnectIn.account": _field(
        (
            "`existing`: one that the clinic has at Stripe. `new`: one that is made for it. Absent or `null`: "
            "`existing`, where the platform has set that up."
        ),
        "existing",
        enum=[None, *(one.value for one in How)],
    ),
    "ConnectOut.url": _field("For the clinic's staff, in a browser.", _AUTHORIZE, format="uri"),
    "is_default": _field("Whether fees without a `payee` go to it.", True),  # noqa: FBT003 (an example)
    # --- links
    "LinkOut.status": _field(
        "What the client finds: `pay`, `processing` (the bank), `early`, `join`, or why not.",
        "pay",
        enum=[one.value for one in Door],
    ),
    "now": _field("The server's clock, to count down with.", f"{EXAMPLE_DAY}T13:00:00.000Z", format="date-time"),
    "opens_at": _field(
        "The first moment at which this participant may enter, if they otherwise may.",
        f"{EXAMPLE_DAY}T13:30:00.000Z",
        format="date-time",
    ),
    "clinic": _field("The clinic's name.", "Bay Road Clinic"),
    "can_pay": _field("Whether there is something to pay, now.", True),  # noqa: FBT003 (an example)
    "can_join": _field("Whether they may enter, now.", False),  # noqa: FBT003 (an example)
    "url": _field("Go there.", "https://checkout.stripe.com/c/pay/cs_test_a1b2c3", format="uri"),
    "ReturnedOut.status": _field(
        "`paid`, `processing` (the bank), `open` (not paid yet), or how the attempt ended.", "paid"
    ),
    "settled": _field("What became of the event.", "kept"),
    # --- tokens
    "grant_type": _field("`client_credentials`, or `refresh_token`.", "client_credentials"),
    "In.refresh_token": _field("With `grant_type=refresh_token`: the refresh token."),
    "access_token": _field(
        "A JWT. Send it as `Authorization: Bearer …`.", "eyJhbGciOiJIUzI1NiIsImtpZCI6IjEifQ.e30.c2ln"
    ),
    "refresh_token": _field(
        "Lives as long as the client's secret, and may be used again and again.", "AQJ9.cmVmcmVzaA"
    ),
    "expires_in": _field("Seconds until the access token ends.", 3600),
    "token_type": _field("Always `Bearer`.", "Bearer"),
    "In.scope": _field("Ignored: a client has one scope."),
    "scope": _field("What the token is for.", "sessions"),
    # --- what GET returned and PUT takes back
    **{
        f"ParticipantEditIn.{name}": _field("Read-only: ignored, so that what GET returned may be sent back whole.")
        for name in ("participant_id", "session_id", "client_id", "entry_url", "created", "deleted_at", "payment")
    },
    # --- errors
    "type": _field("Always `about:blank`: the status says what kind it is.", "about:blank"),
    "title": _field("The status in words.", "Unprocessable Content"),
    "ProblemDetail.status": _field("The HTTP status.", 422),
    "detail": _field("What went wrong and what to do, in a sentence.", "some fields cannot be used as they are"),
    "ProblemDetail.error": _field("The same sentence where older clients look for it."),
    "request_id": _field("Quote it when you ask for help: the log has it too.", "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"),
    "errors": _field("Every field at fault, all at once."),
    "field": _field("The path of the field.", "participants[0].fee.amount"),
    "FieldProblem.message": _field(
        "What is wrong with it, the limit and the value sent.",
        "the fee is 0.50 AUD; the least that can be charged is 1.00 AUD",
    ),
    "ErrorMessage.message": _field("The detail once more.", "some fields cannot be used as they are"),
    "TokenError.error": _field("A code of RFC 6749, section 5.2.", "invalid_client"),
    "error_description": _field("What went wrong and what to do.", "the client id or the secret is wrong"),
    # --- about
    "HealthOut.status": _field("Always `ok`, when there is an answer at all.", "ok"),
    "stage": _field("The deployment's name.", "production"),
}

LISTED: Final[Mapping[str, tuple[Mapping[str, Any], ...]]] = {
    "ParticipantIn": (
        {"role": "HOST", "display_name": "Dr Lee", "state": None, "email": None, "phone": None, "fee": None},
        {},
    ),
    "ParticipantOut": (
        {
            "participant_id": HOST_ID,
            "role": "HOST",
            "display_name": "Dr Lee",
            "state": None,
            "email": None,
            "phone": None,
            "fee": None,
            "entry_url": _LINK.replace("AAgAAcm", "AAQAAZm"),
            "payment": {
                "status": "not_required",
                "amount_paid": 0,
                "amount_refunded": 0,
                "currency": None,
                "paid_at": None,
                "receipt_url": None,
                "attention": None,
                "platform_fee": "taken",
                "platform_fee_note": None,
                "charges": [],
                "may_settle_late": False,
            },
        },
        {},
    ),
}
"""What a list of these holds as an example, each beside the one example of its shape. None in a request: left out."""

WHOLE: Final[Mapping[str, Any]] = {}
"""Examples of shapes whose fields' own examples would not make sense together."""

PATH_PARAMETERS: Final[Mapping[str, str]] = {
    "session_id": "The session's id.",
    "participant_id": "The participant's id.",
    "token": "The token of a client's link: the last part of `entry_url`.",
    "return_token": "The token that Stripe sends the client back with.",
    "name": "The file's name, as the pages have it.",
}

TAGS: Final[Mapping[str, str]] = {
    "Authentication": "A client's id and secret become an access token, which every other call takes.",
    "Sessions": "A session is a consultation: its time, its participants, and a link for each of them.",
    "Participants": "The people in a session. A guest may owe a fee; their link asks for it before it lets them in.",
    "Money": "What was paid, and what the clinic decides about it: to give it back, or to let in without it.",
    "Team": "The clinic itself.",
    "Accounts": "The clinic's own Stripe account: where it is connected, and whether it can take payments.",
    "Connecting": "Where Stripe sends the clinic's staff back to. Browsers get pages, as for links.",
    "Fees": "What a fee would come to.",
    "Links": "What a client's link does. Browsers get pages; with `Accept: application/json` the same is told as data.",
    "Stripe": "For Stripe, which tells the deployment what happened to the money.",
    "About": "This reference, and whether the deployment is up.",
}

WITH_PAGES: Final = frozenset({"Links", "Connecting"})
"""Tags of what browsers open: errors are pages there, unless data is asked for."""

GUIDE: Final[tuple[tuple[str, str], ...]] = (
    (
        "Getting a token",
        (
            "Send your client id and secret with HTTP Basic to `POST /v1/auth/token`, and the access token it "
            "answers with every other call as `Authorization: Bearer …`. It lives for an hour. A refresh token "
            "lives as long as the secret does."
        ),
    ),
    (
        "Times and money",
        (
            "Times go in as RFC 1123 (`Wed, 01 Jul 2026 13:30:00 GMT`) or ISO 8601 with a zone "
            "(`2026-07-01T13:30:00Z`), and come out as the request wrote them, in UTC. Amounts are whole numbers "
            "in the currency's minor unit: 8000 is 80.00 AUD."
        ),
    ),
    (
        "Errors",
        (
            "Every error is a problem detail (RFC 9457) with a sentence in `detail` that says what to do. A 422 "
            "names every field at fault, all at once. After a 429 or 503, wait as long as `Retry-After` says, "
            "then repeat the request."
        ),
    ),
    (
        "Repeating safely",
        (
            "Send an `Idempotency-Key` of your choice with a POST, and the same again when you repeat it: "
            "whatever happened to the first, it is done once. The same answer comes back for 24 hours, marked "
            "`Idempotent-Replayed: true`. A key whose request made nothing is free for a corrected body; one "
            "that made something is refused for another body (422)."
        ),
    ),
    (
        "Changing",
        (
            "A PUT changes what it names and leaves the rest. To be sure that nobody changed it in between, send "
            "the `ETag` you read as `If-Match`: 412 says that somebody did."
        ),
    ),
    (
        "Growing",
        (
            "Answers may gain fields; ignore those you don't know. Unknown fields of a session are ignored too; "
            "about people and money they are refused, since a misspelt `fee` must not become a free consultation. "
            "`Prefer: handling=strict` refuses them everywhere."
        ),
    ),
)
"""Chapters that stand before the reference: title and text."""
