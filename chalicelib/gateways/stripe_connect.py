"""Stripe Connect: how clinics' accounts come to the platform and leave it, and what Stripe says of each.

An account that a clinic has already is reached by OAuth (https://docs.stripe.com/connect/oauth-standard-accounts); for
one that it has not, Stripe recommends that the platform creates it and its owner fills it in on Stripe's own pages
(https://docs.stripe.com/connect/standard-accounts). Nothing here is kept: no token of OAuth is needed, since calls name
the account. Errors are those of `stripe_api.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from chalicelib.domain.accounts import AccountSeen
from chalicelib.gateways import stripe_objects as objects
from chalicelib.gateways.deadline import Deadline
from chalicelib.gateways.stripe_api import StripeApi, StripeRefusedError

SCOPE = "read_write"
_NOT_CONNECTED = "invalid_client"
"""Also of an account that Stripe does not know: https://docs.stripe.com/connect/oauth-reference#post-deauthorize-errors."""

_FULL_DASHBOARD = {
    "fees": {"payer": "account"},
    "losses": {"payments": "stripe"},
    "requirement_collection": "stripe",
    "stripe_dashboard": {"type": "full"},
}
"""The account pays Stripe's fees, and Stripe deals with its owner: https://docs.stripe.com/connect/direct-charges."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What an owner let us do, in the mode of the key that the code was exchanged with."""

    account_id: str
    livemode: bool
    scope: str


@dataclass(frozen=True, slots=True)
class OAuthSettings:
    """Where owners are asked, and the platform's id there."""

    host: str
    client_id: str

    def authorize_url(self, state: str, redirect_uri: str) -> str:
        """Where the owner of an account lets the platform in: https://docs.stripe.com/connect/oauth-reference."""
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "scope": SCOPE,
            "redirect_uri": redirect_uri,
            "state": state,
        }
        return f"{self.host}/oauth/authorize?{urlencode(query)}"


class StripeConnect:
    """One platform's access to the accounts of others."""

    def __init__(self, api: StripeApi) -> None:
        self._api = api

    def exchange(self, code: str, deadline: Deadline) -> Granted:
        """Take what an owner granted; a code is good once, for five minutes. Never asked twice by itself."""
        asked = {"grant_type": "authorization_code", "code": code}
        answer = self._api.call("post", "/oauth/token", None, deadline, asked, base="connect", repeats=False)
        return Granted(
            account_id=objects.text(answer, "stripe_user_id"),
            livemode=objects.flag(answer, "livemode"),
            scope=objects.text(answer, "scope"),
        )

    def deauthorize(self, client_id: str, account_id: str, deadline: Deadline) -> None:
        """Give the access back; again is silent."""
        asked = {"client_id": client_id, "stripe_user_id": account_id}
        try:
            self._api.call("post", "/oauth/deauthorize", None, deadline, asked, base="connect")
        except StripeRefusedError as error:
            if error.code != _NOT_CONNECTED:
                raise

    def account(self, account_id: str | None, deadline: Deadline) -> AccountSeen:
        """What Stripe says of it now; None is the deployment's own. Raises AccountGoneError."""
        path = "/v1/account" if account_id is None else f"/v1/accounts/{account_id}"
        return objects.account_seen(self._api.call("get", path, None, deadline, {}), account_id)

    def create_account(self, team_id: str, key: str, deadline: Deadline) -> AccountSeen:
        """A new account for its owner to fill in; under one key it is made once."""
        asked = {"controller": _FULL_DASHBOARD, "metadata": {objects.TEAM: team_id}}
        answer = self._api.call("post", "/v1/accounts", None, deadline, asked, idempotency_key=key)
        return objects.account_seen(answer, objects.text(answer, "id"))

    def onboarding_url(self, account_id: str, *, return_url: str, refresh_url: str, deadline: Deadline) -> str:
        """Stripe's own page for the owner, good once, for a few minutes (https://docs.stripe.com/api/account_links)."""
        asked = {
            "account": account_id,
            "type": "account_onboarding",
            "return_url": return_url,
            "refresh_url": refresh_url,
        }
        return objects.text(self._api.call("post", "/v1/account_links", None, deadline, asked), "url")
