"""The Stripe stand-in itself: the API, the payer's and the bank's deeds, webhooks and faults, behind one lock.

One implementation for tests (in process, no sockets) and for the sandbox (behind web.py). All time is the given clock.
"""

import copy
import random
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from sandbox.stripe_standin import accounts, checkout, deeds, disputes, oauth, onboarding, payments, refunds
from sandbox.stripe_standin.answers import Answer
from sandbox.stripe_standin.api import Api, Observer
from sandbox.stripe_standin.consent import Consent, read_consent
from sandbox.stripe_standin.deliveries import Delivery, Mode, WebhookEndpoint
from sandbox.stripe_standin.errors import JsonObject
from sandbox.stripe_standin.faults import Faults
from sandbox.stripe_standin.methods import active as active_methods
from sandbox.stripe_standin.methods import check as check_methods
from sandbox.stripe_standin.methods import set_active as set_active_methods
from sandbox.stripe_standin.payments import Outcome
from sandbox.stripe_standin.world import Books, ControlError, World, copied

Send = Callable[[str, Mapping[str, str], bytes], int]
API_VERSION = "2026-08-26.dahlia"
KINDS = {
    "checkout_sessions": "checkout.session",
    "payment_intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "balance_transactions": "balance_transaction",
    "application_fees": "application_fee",
    "events": "event",
}


class StripeStandIn:
    """Stripe, as far as Anteroom uses it. Controls raise ControlError for ids, cards or states that make no sense."""

    def __init__(  # noqa: PLR0913 - each is a fact of the deployment's Stripe account, or the caller's time and chance
        self,
        clock: Callable[[], datetime],
        entropy: random.Random,
        public_url: str,
        *,
        livemode: bool = False,
        secret_key: str = "sk_test_standin",
        account_id: str | None = None,
        account_name: str = "Standin Clinic",
        currency: str = "aud",
        api_version: str = API_VERSION,
    ) -> None:
        self._lock = threading.RLock()
        self._world = World(clock, entropy, public_url=public_url, livemode=livemode, api_version=api_version)
        own = accounts.open_account(
            self._world, account_id=account_id, name=account_name, currency=currency, is_platform=True
        )
        self.account_id = own.account_id
        self.secret_key = secret_key
        self._faults = Faults()
        self._api = Api(self._world, secret_key, self._faults, self._lock)

    # --- the API --------------------------------------------------------------------------------------------------

    def request(self, method: str, path_and_query: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer an API request: form-encoded in, Stripe's JSON out. Raises NoAnswer under a timeout fault."""
        return self._api.request(method, path_and_query, headers, body)

    @property
    def on_request(self) -> Observer:
        """Called with method and path of every API request, outside the lock and while its idempotency key is held."""
        return self._api.on_request

    @on_request.setter
    def on_request(self, observer: Observer) -> None:
        self._api.on_request = observer

    @property
    def client_id(self) -> str:
        """The platform's Connect application (`ca_…`), for `/oauth/authorize` and `/oauth/deauthorize`."""
        return self._world.application_id

    # --- the payer ------------------------------------------------------------------------------------------------

    def pay(self, checkout_session_id: str, card: str = "4242424242424242", *, authenticated: bool = True) -> Outcome:
        """Pay an open Checkout Session with a test card's number, or a bank debit's name (`au_becs_debit`, …).

        4000000000000002 is declined and the session stays open. `authenticated`: what the payer answers where the card
        asks for 3-D Secure. Raises CheckoutClosedError, UnknownCardError.
        """
        with self._caught_up():
            books, session = self._world.locate("checkout.session", checkout_session_id)
            return payments.pay(self._world, books, session, card, authenticated=authenticated)

    def ask_to_authenticate(self, checkout_session_id: str, card: str) -> None:
        """Let the bank ask for 3-D Secure; `pay` goes on. Raises CheckoutClosedError, UnknownCardError."""
        with self._caught_up():
            books, session = self._world.locate("checkout.session", checkout_session_id)
            payments.ask_to_authenticate(self._world, books, session, card)

    def force_pay(self, checkout_session_id: str, card: str = "4242424242424242") -> Outcome:
        """Break Stripe's promise: pay a Checkout Session although it has expired."""
        with self._caught_up():
            books, session = self._world.locate("checkout.session", checkout_session_id)
            return payments.pay(self._world, books, session, card, force=True)

    def find_checkout(self, checkout_session_id: str) -> tuple[JsonObject, list[JsonObject], str] | None:
        """Give a Checkout Session, its line items and the account's name, for a page to show; None when unknown."""
        with self._caught_up():
            for books, session in self._world.everywhere("checkout.session"):
                if session["id"] == checkout_session_id:
                    items = books.orders[checkout_session_id].line_items
                    return copied(session), copied(items), accounts.name_of(books)
            return None

    def find_charge(self, charge_id: str) -> JsonObject | None:
        """Give a charge of any account, for a receipt to show; None when unknown."""
        with self._lock:
            found = (charge for _, charge in self._world.everywhere("charge") if charge["id"] == charge_id)
            return copied(next(found, None))

    # --- the bank and the dashboard -----------------------------------------------------------------------------------

    def settle_delayed(self, payment_intent_id: str, *, succeeded: bool) -> None:
        """Let a bank debit that is processing succeed or fail."""
        with self._caught_up():
            books, payment_intent = self._world.locate("payment_intent", payment_intent_id)
            payments.settle_delayed(self._world, books, payment_intent, succeeded=succeeded)

    def dispute(
        self, charge_id: str, *, amount: int | None = None, reason: str = "fraudulent", inquiry: bool = False
    ) -> str:
        """Dispute a charge (all that is not refunded, in minor units, unless said); gives the dispute's id."""
        with self._caught_up():
            books, charge = self._world.locate("charge", charge_id)
            made = disputes.start(self._world, books, charge, amount=amount, reason=reason, inquiry=inquiry)
            return str(made["id"])

    def dispute_update(self, dispute_id: str, status: str = "under_review") -> None:
        with self._caught_up():
            books, dispute = self._world.locate("dispute", dispute_id)
            disputes.update(self._world, books, dispute, status)

    def dispute_close(self, dispute_id: str, status: str) -> None:
        """End a dispute: `won`, `lost`, or `warning_closed` for an inquiry."""
        with self._caught_up():
            books, dispute = self._world.locate("dispute", dispute_id)
            disputes.close(self._world, books, dispute, status)

    def refund_in_dashboard(self, charge_id: str, amount: int | None = None) -> str:
        """Refund as a person at Stripe's dashboard would; raises StripeError where Stripe refuses; gives the id."""
        with self._caught_up():
            books, _ = self._world.locate("charge", charge_id)
            asked = {"charge": charge_id, **({} if amount is None else {"amount": amount})}
            return str(refunds.create(self._world, books, asked)["id"])

    def set_refunds_pending(self, *, pending: bool, reason: str = "processing") -> None:
        """Let refunds from now on start as pending (True), or succeed at once (False).

        `reason`: processing, insufficient_funds, charge_pending; or requires_action: it waits for the payer.
        """
        refunds.require_reason(reason)
        with self._lock:
            self._world.refunds_held_for = reason if pending else None

    def do(self, asked: deeds.Asked) -> JsonObject:
        """Do to a payment what a bank, a payer or the clinic's staff would; raises ControlError, StripeError."""
        with self._caught_up():
            return deeds.do(self._world, asked)

    def deeds_of(self, charge_id: str) -> tuple[deeds.PaymentDeed, ...]:
        """Give what can be done to a charge just now; raises ControlError for one that is not there."""
        with self._caught_up():
            return deeds.fitting(self._world, *self._world.locate("charge", charge_id))

    def set_balance(self, account_id: str | None, *, enough: bool) -> None:
        """Let an account's balance (None: the own account's) cover refunds from now on, or none."""
        with self._caught_up():
            empty = self._account(account_id or self.account_id).account_id
            self._world.empty_balances -= {empty}
            if not enough:
                self._world.empty_balances.add(empty)

    def settle_refund(self, refund_id: str) -> None:
        with self._caught_up():
            refunds.settle(self._world, *self._world.locate("refund", refund_id))

    def fail_refund(self, refund_id: str, reason: str = "expired_or_canceled_card") -> None:
        """Let a refund fail, pending or long succeeded."""
        with self._caught_up():
            refunds.fail(self._world, *self._world.locate("refund", refund_id), reason)

    def cancel_refund(self, refund_id: str) -> None:
        with self._caught_up():
            refunds.cancel(self._world, *self._world.locate("refund", refund_id))

    # --- accounts -------------------------------------------------------------------------------------------------

    def create_account(
        self,
        name: str = "Connected Clinic",
        *,
        account_id: str | None = None,
        currency: str = "aud",
        connected: bool = True,
        country: str = accounts.HOME,
    ) -> str:
        """Open a new account that can charge, connected or not yet; gives its id."""
        with self._lock:
            opened = accounts.open_account(
                self._world,
                account_id=account_id,
                name=name,
                currency=currency,
                is_platform=False,
                connected=connected,
                country=country,
            )
            return opened.account_id

    def grant(self, account_id: str) -> str:
        """Press Connect as an account's owner; gives the code for `/oauth/token`, which is good for five minutes."""
        with self._caught_up():
            return oauth.grant(self._world, self._account(account_id))

    def finish_onboarding(self, account_id: str) -> None:
        """Submit all that Stripe asks of an account that the platform created: it can charge from then on."""
        with self._caught_up():
            onboarding.finish(self._world, self._account(account_id))

    def set_charges_enabled(self, account_id: str, *, enabled: bool) -> None:
        with self._caught_up():
            accounts.set_charges_enabled(self._world, self._account(account_id), enabled=enabled)

    def account(self, account_id: str) -> tuple[JsonObject, bool]:
        """Give an account as Stripe shows it, and whether the platform may act on it; raises ControlError."""
        with self._lock:
            books = self._account(account_id)
            return copied(books.account), books.authorized

    def methods(self, account_id: str) -> list[str]:
        """Give the ways of paying that are active at an account."""
        account, _ = self.account(account_id)
        return active_methods(account)

    def has_balance(self, account_id: str) -> bool:
        with self._lock:
            return account_id not in self._world.empty_balances

    def check_account(self, account_id: str, *, country: str | None, methods: Iterable[str] | None) -> None:
        """Raise ControlError for an account that is not there, or could not become so."""
        with self._lock:
            self._account(account_id)
        if country is not None:
            accounts.require_country(country)
        if methods is not None:
            check_methods(methods)

    def set_methods(self, account_id: str | None, methods: Iterable[str]) -> None:
        """Activate exactly these ways of paying at an account ("card" among them); None is the deployment's own."""
        with self._caught_up():
            set_active_methods(self._world, self._account(account_id or self.account_id), methods)

    def set_country(self, account_id: str | None, country: str) -> None:
        """Let an account be of another country (ISO 3166-1 alpha-2); None is the deployment's own."""
        with self._caught_up():
            accounts.set_country(self._world, self._account(account_id or self.account_id), country)

    def refuse_fees(self, account_id: str) -> None:
        """Let the platform get no application fees of an account, whatever its country."""
        with self._lock:
            self._account(account_id).takes_fees = False

    def deauthorize(self, account_id: str) -> None:
        """End our access to a connected account, as its owner can at any time, unless the platform created it."""
        with self._caught_up():
            accounts.deauthorize(self._world, self._account(account_id))

    def authorize(self, account_id: str) -> None:
        with self._caught_up():
            accounts.authorize(self._world, self._account(account_id))

    @property
    def platform_name(self) -> str:
        return accounts.name_of(self._world.platform)

    # --- the hosted pages of accounts --------------------------------------------------------------------------------

    def read_consent(self, query: Mapping[str, str]) -> Consent:
        """Read what an authorize address asks for. Raises UnaskableError, SentBackError."""
        return read_consent(self._world, query)

    def candidates(self) -> list[tuple[str, str, bool]]:
        """Give id, name, and whether it is connected, of each account whose owner could press Connect."""
        with self._lock:
            found = oauth.candidates(self._world)
            return [(one.account_id, accounts.name_of(one), one.authorized) for one in found]

    def open_account_link(self, account_id: str, token: str) -> str:
        """Follow an onboarding link; gives the account's name. Raises UnknownLinkError, LinkClosedError."""
        with self._caught_up():
            return onboarding.open_link(self._world, account_id, token)

    def leave_account_link(self, account_id: str, token: str, *, finished: bool) -> str:
        """Leave the onboarding page; gives where to. Raises UnknownLinkError, LinkClosedError."""
        with self._caught_up():
            return onboarding.leave(self._world, account_id, token, finished=finished)

    # --- limits -------------------------------------------------------------------------------------------------------

    def set_minimum_charge(self, currency: str, amount: int) -> None:
        """Change the smallest charge (minor units), as another settlement currency would."""
        with self._lock:
            self._world.minimum_charges[currency] = amount

    # --- webhooks -------------------------------------------------------------------------------------------------

    def add_webhook_endpoint(
        self, url: str, secret: str, *, connect: bool = False, events: Iterable[str] = ("*",)
    ) -> WebhookEndpoint:
        """Send events there: the own account's, or with `connect` those of all connected accounts."""
        with self._lock:
            return self._world.mailroom.add_endpoint(url, secret, connect=connect, events=events)

    def set_webhooks(self, mode: str, *, delay: float = 0) -> None:
        """Choose what happens to events from now on (see Mode), `delay` seconds late by the clock."""
        if mode not in set(Mode) or delay < 0:
            message = f"{mode!r} with a delay of {delay} s: the modes are {', '.join(Mode)}"
            raise ControlError(message)
        with self._lock:
            self._world.mailroom.mode = Mode(mode)
            self._world.mailroom.delay = timedelta(seconds=delay)

    @property
    def deliveries(self) -> list[Delivery]:
        with self._caught_up():
            return copy.deepcopy(self._world.mailroom.deliveries)

    def pump(self, send: Send) -> int:
        """Send everything that is due by the clock, also what that causes; gives how many were delivered (2xx).

        `send` answers the status; an OSError of it (refused, reset, timed out) counts as no answer. It is called
        outside the lock, so that the receiver can call back.
        """
        delivered = 0
        while (delivery := self._claimed()) is not None:
            status: int | None = None
            with self._lock:
                headers = self._world.mailroom.headers(delivery)
            try:
                status = send(delivery.endpoint.url, headers, delivery.body)
            except OSError:
                status = None
            finally:
                with self._lock:
                    delivered += self._world.mailroom.report(delivery, status)
        return delivered

    def flush(self) -> int:
        """Make held and delayed deliveries due now, for the next `pump`; gives how many."""
        with self._caught_up():
            return self._world.mailroom.release()

    def resend(self, event_id: str) -> None:
        """Deliver an event once more, however old, as a person can at Stripe's dashboard."""
        with self._caught_up():
            books, event = self._world.locate("event", event_id)
            self._world.mailroom.post(event, connect=not books.is_platform)

    # --- faults and state ---------------------------------------------------------------------------------------------

    def fail_next(self, kind: str, times: int = 1, *, method: str | None = None, path_prefix: str = "") -> None:
        """Let the next API requests fail; kinds: timeout_before, timeout_after, 500, 500_after, 429."""
        with self._lock:
            self._faults.add(kind, times, method, path_prefix)

    def clear_faults(self) -> None:
        with self._lock:
            self._faults.clear()

    def snapshot(self) -> JsonObject:
        """Give every object as JSON: accounts each with their objects (oldest first), deliveries, webhook mode."""
        with self._caught_up():
            mailroom = self._world.mailroom
            return {
                "account_id": self.account_id,
                "accounts": [snapshot_of(books) for books in self._world.books.values()],
                "deliveries": [one.as_json() for one in mailroom.deliveries],
                "webhooks": {"mode": mailroom.mode.value, "delay": mailroom.delay.total_seconds()},
            }

    # --- inside ---------------------------------------------------------------------------------------------------

    def _caught_up(self) -> threading.RLock:
        """Give the lock to enter, after letting sessions expire that the clock has passed by."""
        with self._lock:
            checkout.expire_overdue(self._world)
            refunds.mature(self._world)
        return self._lock

    def _account(self, account_id: str) -> Books:
        if account_id not in self._world.books:
            message = f"there is no account {account_id!r} in the Stripe stand-in"
            raise ControlError(message)
        return self._world.books[account_id]

    def _claimed(self) -> Delivery | None:
        with self._caught_up():
            return self._world.mailroom.claim()


def snapshot_of(books: Books) -> JsonObject:
    objects = {name: books.of_kind(kind) for name, kind in KINDS.items()}
    return copied({"account": books.account, "authorized": books.authorized, **objects})
