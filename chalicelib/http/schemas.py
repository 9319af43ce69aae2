"""The shapes of requests and answers: they validate, and they describe (msgspec writes their JSON Schema).

How a body is read as one of them is in `shape_reading.py`. Shapes of requests end in `In`, of answers in `Out`.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType, field


class FeeIn(Struct, forbid_unknown_fields=True):
    """What a guest owes: `amount` in the currency's minor unit (8000 is 80.00 AUD, and 8000 JPY)."""

    amount: int
    currency: str
    description: str | None = None
    payee: str | None = None


class ParticipantIn(Struct, forbid_unknown_fields=True):
    """A person in a session. Unknown fields are refused: a misspelt `fee` must not become a free consultation."""

    role: str | None = None
    display_name: str | None = None
    picture: str | bool | None = None
    state: str | None = None
    email: str | None = None
    phone: str | None = None
    fee: FeeIn | None = None


class SessionIn(Struct):
    """A session to schedule. Unknown fields are ignored, since existing clients send some."""

    start_time: str
    end_time: str
    session_name: str | None = None
    picture: str | bool | None = None
    feature_flags: list[str] | None = None
    participants: list[ParticipantIn] | None = None


class SessionEditIn(Struct):
    """What to change of a session: what is absent stays, and so does a time or list that is null.

    What GET returned may be sent back whole: fields that are not here are ignored, `participants` among them, who have
    addresses of their own.
    """

    start_time: str | None = None
    end_time: str | None = None
    session_name: str | None = None
    picture: str | bool | None = None
    feature_flags: list[str] | None = None
    actual_end_time: str | None = None


class ParticipantEditIn(ParticipantIn, forbid_unknown_fields=True):
    """What to change of a participant: what is absent stays, and so does a role or fee that is null.

    What GET returned may be sent back whole: its read-only fields are ignored. Unknown ones are refused.
    """

    participant_id: Any = UNSET
    session_id: Any = UNSET
    client_id: Any = UNSET
    entry_url: Any = UNSET
    created: Any = UNSET
    deleted_at: Any = UNSET
    payment: Any = UNSET


class RefundIn(Struct, forbid_unknown_fields=True):
    """What to give back; without an amount, all that is left. Unknown fields are refused, since it is about money."""

    amount: int | None = None
    reason: str | None = None
    charge: str | None = None


class ChargeAgainIn(Struct, forbid_unknown_fields=True):
    """Why somebody is asked to pay once more."""

    reason: str


class WaiveIn(Struct, forbid_unknown_fields=True):
    """Why somebody comes in without paying."""

    reason: str


class TokenIn(Struct):
    """A token request (RFC 6749), as a form or as JSON."""

    grant_type: str
    refresh_token: str | UnsetType = UNSET
    scope: str | UnsetType = UNSET


class FeeOut(Struct):
    amount: int
    currency: str
    description: str | None
    payee: str | None


class RefundOut(Struct):
    """Money on its way back. `refund_id` null: no refund at Stripe, or not yet. The last two: while it is pending."""

    refund_id: str | None
    amount: int
    status: str
    reason: str | None
    pending_reason: str | UnsetType | None = UNSET
    pending_since: str | UnsetType | None = UNSET


class ChargeOut(Struct):
    """One charge, and what became of it. `goes_back`: why it is given back by rule; null: it is not."""

    charge_id: str
    amount: int
    currency: str
    paid_at: str
    goes_back: str | None
    dispute: str | None
    refunds: list[RefundOut]


class PaymentOut(Struct):
    """Where the money stands. `attention` says in a sentence what needs a person; `charges` has every one there was.

    `may_settle_late`: a bank debit is under way, and the bank may answer only after the session's start.
    """

    status: str
    amount_paid: int
    amount_refunded: int
    currency: str | None
    paid_at: str | None
    receipt_url: str | None
    attention: str | None
    charges: list[ChargeOut]
    may_settle_late: bool


class ParticipantOut(Struct):
    participant_id: str
    session_id: str
    client_id: str
    display_name: str | None
    role: str
    picture: str | None
    state: str | None
    email: str | None
    phone: str | None
    entry_url: str | None
    created: str
    deleted_at: str | None
    fee: FeeOut | None
    payment: PaymentOut


class SessionOut(Struct):
    """Every field is always there, null where empty."""

    session_id: str
    team_id: str
    client_id: str
    session_name: str | None
    start_time: str
    end_time: str
    picture: str | None
    feature_flags: list[str]
    canceled_at: str | None
    canceled_time: str | None
    actual_end_time: str | None
    participants: list[ParticipantOut]


class SessionListOut(Struct):
    """A page of sessions. `next`: the cursor of the page that follows; null on the last one, where `more` is false."""

    content: list[SessionOut]
    page: int
    page_size: int
    more: bool
    next: str | None


class AttendeeOut(Struct):
    """A participant, and when they entered, the first time first."""

    participant_id: str
    display_name: str | None
    role: str
    deleted_at: str | None
    entries: list[str]


class SummaryOut(Struct):
    """What became of a session: when it was to be, and who entered when.

    `actual_start_time`: when the first one entered; `actual_end_time`: as reported. Both null until there is one.
    """

    session_id: str
    session_name: str | None
    start_time: str
    end_time: str
    canceled_at: str | None
    actual_start_time: str | None
    actual_end_time: str | None
    participants: list[AttendeeOut]


class RemovedOut(Struct):
    """It is cancelled, or they are removed."""

    ok: bool


class TeamSettingsOut(Struct):
    """`*_lead_minutes`: how long before the start each side may enter."""

    default_currency: str
    currencies: list[str]
    host_lead_minutes: int
    guest_lead_minutes: int
    delayed_methods: list[str]
    allowed_origins: list[str]
    frame_ancestors: list[str]


class StripeAccountOut(Struct):
    """`account_id` null: the deployment's own account. `attention`: what the clinic should see to, and why.

    `disabled_reason` is Stripe's code for why it does not let the account charge. `refused_methods`: ways of paying
    that Stripe did not take on it, so that they are left out. `platform_fee` is `taken`, or `not_possible` where Stripe
    takes none; `platform_fee_note` says why then, and what that means.
    """

    account_id: str | None
    is_default: bool
    connected: bool
    charges_enabled: bool
    details_submitted: bool
    disabled_reason: str | None
    country: str | None
    default_currency: str | None
    connected_at: str | None
    disconnected_at: str | None
    refused_methods: list[str]
    attention: str | None
    platform_fee: str
    platform_fee_note: str | None


class StripeAccountsOut(Struct):
    """Those connected, and those that were; the oldest first."""

    accounts: list[StripeAccountOut]


class ConnectIn(Struct, forbid_unknown_fields=True):
    """Which account: `existing`, one that the clinic has at Stripe; `new`, one that is made for it."""

    account: str | None = None


class ConnectOut(Struct):
    """Where the clinic's staff go, in a browser."""

    url: str


class StripeStatusOut(Struct):
    """`charges_enabled`: whether a fee of the default account can be paid just now."""

    charges_enabled: bool
    accounts: list[StripeAccountOut]


class TeamOut(Struct):
    """The clinic. `scheduling`: whether it may schedule sessions just now."""

    team_id: str
    name: str
    subdomain: str | None
    plan: str
    scheduling: bool
    suspended: bool
    settings: TeamSettingsOut
    stripe: StripeStatusOut


class QuoteOut(Struct):
    """What a fee would come to, in the currency's minor unit; `net` is before Stripe's own fee.

    `platform_fee_note`: why the platform takes no share although it would; null where it does, or would not.
    """

    amount: int
    currency: str
    minimum: int
    platform_fee: int
    net: int
    platform_fee_note: str | None = None


class PaymentRowOut(Struct):
    """One charge, by the ledger. Its fields are the columns of the CSV, in this order; new ones come at the end.

    `*_decimal`: the same amount in major units; null in a currency that is not known here.
    """

    paid_at: str
    session_id: str
    participant_id: str
    client_id: str
    charge_id: str
    payment_intent_id: str
    account_id: str | None
    attempt_id: str
    currency: str
    amount: int
    amount_decimal: str | None
    platform_fee: int
    platform_fee_decimal: str | None
    refunded: int
    refunded_decimal: str | None
    charged_back: int
    charged_back_decimal: str | None
    is_disputed: bool
    is_accepted: bool
    platform_fee_refunded: int | None
    platform_fee_refunded_decimal: str | None


class PaymentListOut(Struct):
    """A page of payments. `next`: the cursor of the page that follows; null on the last one, where `more` is false."""

    content: list[PaymentRowOut]
    more: bool
    next: str | None
    from_: str = field(name="from")
    to: str


class TokenOut(Struct):
    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str
    scope: str


class LinkOut(Struct):
    """What a client's link finds now; times in ISO 8601, UTC."""

    status: str
    now: str
    start_time: str
    end_time: str
    opens_at: str
    clinic: str
    session_name: str | None
    role: str
    fee: FeeOut | None
    payment: PaymentOut
    can_pay: bool
    can_join: bool
