"""A tour of the Stripe stand-in: every endpoint, every event and every kind of error, told to whoever judges them.

A test says what is missing from it, so a new endpoint or event of the stand-in must be visited here.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import stripe
from typing_extensions import override

from sandbox.stripe_standin import Answer, NoAnswer, StripeStandIn
from sandbox.stripe_standin.cards import CARDS
from sandbox.stripe_standin.client import InProcessHTTPClient
from sandbox.stripe_standin.parameter_tables import BANK_DEBITS
from tests.standin.shop import HOMES, Clock, Shop, appointment, client_of, item, options_of

VISA = "4242424242424242"
DECLINED = "4000000000000002"
EVERYTHING: Mapping[str, Any] = {
    "billing_address_collection": "required",
    "customer_creation": "always",
    "customer_email": "ada@example.org",
    "integration_identifier": "anteroom",
    "line_items": [
        item(metadata={"line": "1"}),
        item(100, quantity=2),
    ],
    "locale": "en-GB",
    "phone_number_collection": {"enabled": True},
    "submit_type": "book",
    "ui_mode": "hosted_page",
    "payment_intent_data": {
        "description": "Appointment",
        "metadata": {"session": "s1"},
        "receipt_email": "ada@example.org",
        "statement_descriptor": "HILL STREET",
        "statement_descriptor_suffix": "CLINIC",
        "transfer_group": "group-1",
    },
}
"""Every parameter that the stand-in takes, beside those of a plain appointment."""

EXPANSIONS = {
    "/v1/checkout/sessions": ("payment_intent.latest_charge.balance_transaction", "line_items"),
    "/v1/payment_intents": ("latest_charge.application_fee", "latest_charge.refunds"),
    "/v1/charges": ("payment_intent", "balance_transaction", "application_fee", "refunds"),
    "/v1/refunds": ("charge", "payment_intent", "balance_transaction", "failure_balance_transaction"),
    "/v1/disputes": ("charge", "payment_intent"),
    "/v1/balance_transactions": ("source",),
    "/v1/events": (),
}
"""What can be listed at every account, and expanded in it."""


@dataclass(frozen=True)
class Answered:
    """`status` None: there was no answer."""

    method: str
    path: str
    answer: Answer | None


class WatchedStandIn(StripeStandIn):
    """Keeps what it answered."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, random.Random(1), "https://pay.example", account_name="Hill Street Clinic")
        self.answered: list[Answered] = []

    @override
    def request(self, method: str, path_and_query: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            answer = super().request(method, path_and_query, headers, body)
        except NoAnswer:
            self.answered.append(Answered(method, path_and_query, None))
            raise
        self.answered.append(Answered(method, path_and_query.partition("?")[0], answer))
        return answer


class Tour:
    """One walk past everything, at the deployment's own account and at a connected one."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.standin = WatchedStandIn(self.clock)
        self.standin.add_webhook_endpoint("https://app.example/own", "whsec_own")
        self.standin.add_webhook_endpoint("https://app.example/connect", "whsec_connect", connect=True)
        client = client_of(self.standin)
        self.own = Shop(client)
        self.clinic = Shop(client, self.standin.create_account("Bay Road Clinic"))

    def walk(self) -> None:
        for shop in (self.own, self.clinic):
            self._offers(shop)
            self._debits(shop)
            self._refunds(shop)
            self._disputes(shop)
        self._application_fees()
        self._accounts()
        self._created_account()
        self._endpoints()
        for shop in (self.own, self.clinic):
            self._reads(shop)
        self._platform_reads()
        self._refusals()
        self._faults()
        self._goodbye()

    # --- what happens -----------------------------------------------------------------------------------------------

    def _offers(self, shop: Shop) -> None:
        for card in CARDS:
            offered = shop.offer()
            if CARDS[card].asks:
                self.standin.ask_to_authenticate(offered["id"], card)
                self.standin.pay(offered["id"], card, authenticated=False)
            self.standin.pay(offered["id"], card)
            self.standin.find_checkout(offered["id"])
        full = shop.offer(**EVERYTHING)
        self.standin.pay(full["id"])
        tried = shop.offer()
        self.standin.pay(tried["id"], DECLINED)
        self._expire(shop, tried)
        self._expire(shop, tried)  # is refused
        late = shop.offer()
        self.clock.advance(hours=25)
        assert shop.session(late["id"])["status"] == "expired"
        self.standin.force_pay(late["id"])

    def _expire(self, shop: Shop, offered: Mapping[str, Any]) -> None:
        with suppress(stripe.InvalidRequestError):
            shop.post(f"/v1/checkout/sessions/{offered['id']}/expire", {})

    def _debits(self, shop: Shop) -> None:
        for method, currencies in BANK_DEBITS.items():
            for succeeded in (True, False):
                price = item(currency=currencies[0])
                self.standin.set_country(shop.account, HOMES.get(method, "AU"))
                offered = shop.offer(
                    payment_method_types=["card", "link", method], line_items=[price], **options_of(method)
                )
                paid = self.standin.pay(offered["id"], method)
                shop.session(offered["id"], expand=["payment_intent.latest_charge"])
                self.standin.settle_delayed(paid.payment_intent_id, succeeded=succeeded)
                if succeeded:
                    shop.post("/v1/refunds", {"payment_intent": paid.payment_intent_id})

    def _paid(self, shop: Shop, **changes: Any) -> str:
        """A charge."""
        return self.standin.pay(shop.offer(**changes)["id"]).charge_id

    def _refunds(self, shop: Shop) -> None:
        reasons = {"metadata": {"decision": "1"}, "reason": "requested_by_customer"}
        for deed in (self.standin.settle_refund, self.standin.fail_refund, self.standin.cancel_refund):
            self.standin.set_refunds_pending(pending=True)
            made = shop.post("/v1/refunds", {"charge": self._paid(shop), "amount": 100, **reasons})
            shop.get(f"/v1/refunds/{made['id']}")
            deed(made["id"])
            shop.get(f"/v1/refunds/{made['id']}")
        self.standin.set_refunds_pending(pending=False)
        charge = self._paid(shop)
        self.standin.fail_refund(self.standin.refund_in_dashboard(charge, 50))
        shop.post("/v1/refunds", {"charge": charge, "expand": ["charge.payment_intent"]})

    def _disputes(self, shop: Shop) -> None:
        won = self.standin.dispute(self._paid(shop))
        self.standin.dispute_update(won, "under_review")
        self.standin.dispute_close(won, "won")
        self.standin.dispute_close(self.standin.dispute(self._paid(shop), amount=100, reason="general"), "lost")
        asked = self.standin.dispute(self._paid(shop), inquiry=True)
        self.standin.dispute_update(asked, "warning_under_review")
        self.standin.dispute_close(asked, "warning_closed")
        grown = self.standin.dispute(self._paid(shop), inquiry=True)
        self.standin.dispute_update(grown, "needs_response")

    def _application_fees(self) -> None:
        fee = {"application_fee_amount": 120}
        for amount in (1000, None):
            asked = {
                "charge": self._paid(self.clinic, payment_intent_data=fee),
                "refund_application_fee": True,
                "amount": amount,
            }
            made = {name: value for name, value in asked.items() if value is not None}
            self.clinic.post("/v1/refunds", {**made, "expand": ["charge.application_fee"]})

    def _accounts(self) -> None:
        for account, shop in ((self.standin.account_id, self.own), (str(self.clinic.account), self.clinic)):
            for enabled in (False, True):
                self.standin.set_charges_enabled(account, enabled=enabled)
                self.own.get(f"/v1/accounts/{account}")
                shop.get("/v1/account")
                if not enabled:
                    self._refused(shop, "/v1/checkout/sessions", appointment())

    def _created_account(self) -> None:
        """From nothing to able to charge; connected by the platform, and disconnected by it."""
        controller = {"fees": {"payer": "account"}, "stripe_dashboard": {"type": "full"}}
        profile = {"business_profile": {"name": "Lake Clinic"}, "email": "ada@example.org", "metadata": {"team": "t1"}}
        account = self.own.post("/v1/accounts", {"controller": controller, "country": "NZ", **profile})["id"]
        page = {"refresh_url": "https://app.example/again", "return_url": "https://app.example/back"}
        asked = {"account": account, "type": "account_onboarding", **page}
        self.own.post("/v1/account_links", asked)
        for wrong in ({"account": "acct_none"}, {"account": self.standin.account_id}, {"type": "account_update"}):
            self._refused(self.own, "/v1/account_links", {**asked, **wrong})
        self._refused(self.clinic, "/v1/account_links", asked)
        self._refused(self.own, "/v1/accounts", {"controller": controller, "country": "nowhere"})
        self.standin.finish_onboarding(account)
        self.own.get(f"/v1/accounts/{account}")
        self.own.client.oauth.deauthorize({"client_id": self.standin.client_id, "stripe_user_id": account})
        self.own.client.oauth.token({"grant_type": "authorization_code", "code": self.standin.grant(account)})
        self.own.get(f"/v1/accounts/{account}")

    def _endpoints(self) -> None:
        path = "/v1/webhook_endpoints"
        asked = {"url": "https://app.example/third", "enabled_events": ["account.updated"]}
        more = {"connect": True, "description": "Anteroom", "metadata": {"by": "ops"}}
        made = [self.own.post(path, form)["id"] for form in (asked, {**asked, **more})]
        self.own.post(f"{path}/{made[0]}", {"disabled": True, "metadata": {"by": "ops"}})
        self.own.get(f"{path}/{made[1]}")
        self.own.get(path, limit=3, starting_after=made[1])
        self._missing(f"{path}/unknown")
        self._refused(self.own, path, {**asked, "enabled_events": ["nonsense"]})
        self._refused(self.clinic, path, asked)

    def _goodbye(self) -> None:
        account = str(self.clinic.account)
        self.standin.deauthorize(account)
        with suppress(stripe.PermissionError):
            self.clinic.get("/v1/refunds")
        self.standin.authorize(account)

    # --- what is read -----------------------------------------------------------------------------------------------

    def _reads(self, shop: Shop) -> None:
        for path, expand in EXPANSIONS.items():
            listed = self._all(shop, path)
            for one in listed[:20]:
                shop.get(f"{path}/{one['id']}")
                for name in expand:
                    shop.get(f"{path}/{one['id']}", expand=[name])
            self._some(shop, path, listed, expand)
        for offered in self._all(shop, "/v1/checkout/sessions")[:5]:
            shop.get(f"/v1/checkout/sessions/{offered['id']}/line_items", limit=1)

    def _all(self, shop: Shop, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            after = {"starting_after": found[-1]["id"]} if found else {}
            page = shop.get(path, limit=100, **after)
            found += page["data"]
            if not page["has_more"]:
                return found

    def _some(self, shop: Shop, path: str, listed: list[dict[str, Any]], expand: tuple[str, ...]) -> None:
        """Pages with every way to narrow them that all lists share."""
        shop.get(path, limit=3, ending_before=listed[-1]["id"], created={"gte": listed[-1]["created"]})
        shop.get(path, limit=10, expand=[f"data.{name}" for name in expand if name.count(".") < 3])

    def _platform_reads(self) -> None:
        fees = self._all(self.own, "/v1/application_fees")
        for fee in fees:
            self.own.get(f"/v1/application_fees/{fee['id']}", expand=["balance_transaction"])

    # --- what is refused --------------------------------------------------------------------------------------------

    def _refusals(self) -> None:
        for path in EXPANSIONS:
            self._missing(f"{path}/unknown")
        for offer in (
            appointment(mode="subscription"),
            appointment(nonsense="1"),
            appointment(line_items=[item(1)]),
            appointment(line_items=[item(currency="xxx")]),
            appointment(success_url="nowhere"),
            appointment(expires_at=1),
            appointment(payment_method_types=["sepa_debit"]),
            appointment(payment_intent_data={"application_fee_amount": 1}),
        ):
            self._refused(self.own, "/v1/checkout/sessions", offer)
        charge = self._paid(self.own)
        for refund in ({}, {"charge": charge, "amount": 9000}, {"charge": charge, "refund_application_fee": True}):
            self._refused(self.own, "/v1/refunds", refund)
        self.own.offer(key="key-1")
        self._refused(self.own, "/v1/checkout/sessions", appointment(client_reference_id="another"), "key-1")
        stranger = stripe.StripeClient(
            "sk_test_stranger_of_this_deployment", http_client=InProcessHTTPClient(self.standin)
        )
        with suppress(stripe.AuthenticationError):
            Shop(stranger).get("/v1/refunds")

    def _refused(self, shop: Shop, path: str, form: Mapping[str, Any], key: str | None = None) -> None:
        try:
            shop.post(path, form, key)
        except stripe.StripeError:
            return
        message = f"{path} took what Stripe refuses: {form}"
        raise AssertionError(message)

    def _missing(self, path: str) -> None:
        with suppress(stripe.InvalidRequestError):
            self.own.get(path)

    def _faults(self) -> None:
        for kind in ("500", "500_after", "429", "timeout_before", "timeout_after"):
            self.standin.fail_next(kind)
            with suppress(stripe.StripeError):
                self.own.offer(key=f"key-{kind}")
