"""A platform in one process: clinics with Stripe accounts of their own, and the way events of those come in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from typing_extensions import override

from chalicelib.config import Settings
from chalicelib.domain.accounts import connected
from chalicelib.domain.teams import Team
from chalicelib.flows.accounts import claim
from chalicelib.gateways.stripe_connect import StripeConnect
from tests.support.world import PUBLIC_URL, SECRETS, World, settings_of

CONNECT_WEBHOOK_URL = f"{PUBLIC_URL}/stripe/connect/webhook"
CONNECT_WEBHOOK_SECRET = "whsec_of_connected_accounts"
OAUTH_ID = "ca_ofTheWorld"


def platform_settings(**secrets: Any) -> Settings:
    more = {"stripe_connect_webhook_secrets": [CONNECT_WEBHOOK_SECRET], "stripe_client_id": OAUTH_ID, **secrets}
    return settings_of({**SECRETS, **{name: value for name, value in more.items() if value}}, ANTEROOM_CONNECT="on")


class Platform(World):
    """`team` has an account of its own, `account`; the other team is on the deployment's."""

    def __init__(self, settings: Settings | None = None, seed: int = 1) -> None:
        super().__init__(settings or platform_settings(), seed)
        self.stripe._world.application_id = OAUTH_ID
        self.stripe.add_webhook_endpoint(CONNECT_WEBHOOK_URL, CONNECT_WEBHOOK_SECRET, connect=True)
        self.team = self.connect(self.team)
        self.account = str(self.team.accounts[0].stripe_account_id)

    def connect(self, team: Team, account: str | None = None) -> Team:
        """The team with one more account of its own, and none of the deployment's."""
        own = tuple(one for one in team.accounts if one.stripe_account_id is not None)
        changed = self._with(account or self.stripe.create_account(), replace(team, accounts=own))
        self.context.teams.save(team, changed)
        return changed

    def connect_beside(self, team: Team) -> Team:
        """The team with an account of its own beside the deployment's, which stays the default."""
        changed = self._with(self.stripe.create_account(), team)
        self.context.teams.save(team, changed)
        return changed

    def _with(self, account: str, team: Team) -> Team:
        claim(self.ctx, account, team.team_id)
        seen = StripeConnect(self.context.stripe).account(account, self.ctx.deadline)
        return connected(team, seen, self.clock())

    def newest(self, team: Team | None = None) -> Team:
        """As it is stored now."""
        return self.teams.get((team or self.team).team_id)

    @override
    def webhook_secrets(self, url: str) -> tuple[str, ...]:
        settings = self.context.settings
        return settings.connect_webhook_secrets if url == CONNECT_WEBHOOK_URL else super().webhook_secrets(url)

    def books_of(self, account: str) -> Mapping[str, Any]:
        """All that Stripe holds for a connected account, by kind."""
        found: Mapping[str, Any] = next(
            one for one in self.stripe.snapshot()["accounts"] if one["account"]["id"] == account
        )
        return found
