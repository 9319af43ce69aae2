"""Products with a bug planted in each, for what holds of a platform: accounts that come and go, plans that change.

As in `planted.py`, a bug is planted where the product is put together: another gateway, another door for webhooks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from typing_extensions import override

from chalicelib.domain.accounts import disconnected
from chalicelib.domain.books import AuditRow
from chalicelib.domain.facts import Attempt, AttemptState, CheckoutSeen, Seen
from chalicelib.domain.offers import share_of
from chalicelib.domain.sessions import Fee
from chalicelib.domain.teams import PayeeAccount, Team
from chalicelib.flows.change_team import change_team
from chalicelib.flows.context import Context
from chalicelib.gateways.deadline import Deadline
from chalicelib.gateways.stripe_api import AccountGoneError, StripeApi
from chalicelib.gateways.stripe_events import DEAUTHORIZED
from sandbox.stripe_standin.errors import JsonObject
from tests.simulation.lean_stores import LeanTeams
from tests.simulation.planted import WithApi, WithDoor
from tests.simulation.stage import CONNECTED, STRANGER, Stage
from tests.support.world import no_sleep

Newest = Callable[[str], Team]


# --- at Stripe's door ---------------------------------------------------------------------------------------------


class TakesGoneForExpiredApi(StripeApi):
    """I2: an offer on an account that is gone is taken for expired, and another is asked for beside it."""

    @override
    def look_at_checkout(self, attempt: Attempt, deadline: Deadline) -> list[Seen]:
        try:
            return super().look_at_checkout(attempt, deadline)
        except AccountGoneError:
            return [_as_expired(attempt)]


def _as_expired(attempt: Attempt) -> CheckoutSeen:
    return CheckoutSeen(
        attempt_id=attempt.attempt_id,
        checkout_session_id=attempt.checkout_session_id or "",
        stripe_account_id=attempt.stripe_account_id,
        livemode=attempt.livemode,
        state=AttemptState.EXPIRED,
        amount=attempt.amount,
        currency=attempt.currency,
        expires_at=attempt.expires_at,
        url=None,
        payment_intent_id=None,
    )


class TakesGoneForExpired(WithApi):
    api = TakesGoneForExpiredApi


class AsksThePresentAccountApi(StripeApi):
    """I6: the clinic's present account is asked about an offer that was made on another."""

    newest: Newest

    @override
    def look_at_checkout(self, attempt: Attempt, deadline: Deadline) -> list[Seen]:
        return super().look_at_checkout(self._on_the_present(attempt), deadline)

    @override
    def expire_checkout(self, attempt: Attempt, deadline: Deadline) -> list[Seen]:
        return super().expire_checkout(self._on_the_present(attempt), deadline)

    def _on_the_present(self, attempt: Attempt) -> Attempt:
        if attempt.stripe_account_id is None:
            return attempt
        account = self.newest("h").payee(None)
        return replace(attempt, stripe_account_id=account.stripe_account_id) if account else attempt


class AsksThePresentAccount(WithApi):
    @override
    def _context(self, settings: Any) -> Context:
        made = super()._context(settings)
        api = AsksThePresentAccountApi(made.stripe._client, no_sleep)
        api.newest = self.team_at
        return replace(made, stripe=api)


class TodaysFeeApi(StripeApi):
    """The platform's fee is that of the plan of today, whenever the offer was planned."""

    fee_of: Callable[[Attempt], int]

    @override
    def create_checkout(self, attempt: Attempt, deadline: Deadline) -> CheckoutSeen:
        return super().create_checkout(replace(attempt, application_fee=self.fee_of(attempt)), deadline)


class TodaysFee(WithApi):
    @override
    def _context(self, settings: Any) -> Context:
        made = super()._context(settings)
        api = TodaysFeeApi(made.stripe._client, no_sleep)
        api.fee_of = self._fee_of
        return replace(made, stripe=api)

    def _fee_of(self, attempt: Attempt) -> int:
        team = self.team_at("r" if attempt.stripe_account_id is None else "h")
        fee = Fee(attempt.amount, attempt.currency, payee=attempt.stripe_account_id)
        return share_of(fee, team, self.context.settings.basis_points(team))


# --- in the store of teams --------------------------------------------------------------------------------------


class ComesBackAsNew(LeanTeams):
    """I3: an account that comes back owes nothing, as if nothing could have happened on it meanwhile."""

    @override
    def _put(self, before: Team | None, after: Team, audit: AuditRow | None = None) -> None:
        accounts = (
            tuple(_as_new(before.account(one.stripe_account_id), one) for one in after.accounts) if before else ()
        )
        super()._put(before, replace(after, accounts=accounts or after.accounts), audit)


def _as_new(known: PayeeAccount | None, account: PayeeAccount) -> PayeeAccount:
    is_back = known is not None and known.connected_at != account.connected_at
    return replace(account, reconciled_until=account.connected_at) if is_back else account


class ForgetsAbsences(Stage):
    make_teams = ComesBackAsNew


# --- at the door of webhooks --------------------------------------------------------------------------------------


class SaysGoodbyeToAll(WithDoor):
    """I6: one account's goodbye ends the connection of every team."""

    @override
    def _read(self, event: JsonObject) -> JsonObject | None:
        if event["type"] == DEAUTHORIZED:
            for team in self.teams.all():
                change_team(self.ctx, team.team_id, self._without_accounts)
        return event

    def _without_accounts(self, team: Team) -> Team:
        for account in team.accounts:
            team = disconnected(team, account.stripe_account_id, self.clock())
        return team


class TakesGoodbyesForNew(WithDoor):
    """I4: a goodbye that comes late ends the newer connection, since it is as old as its webhook."""

    @override
    def _read(self, event: JsonObject) -> JsonObject | None:
        return event | {"created": int(self.now().timestamp())} if event["type"] == DEAUTHORIZED else event


class BelievesStrangers(WithDoor):
    """I6: what an account tells that is no team's is believed of one that is."""

    @override
    def _read(self, event: JsonObject) -> JsonObject | None:
        return event | {"account": CONNECTED} if event.get("account") == STRANGER else event


class TellsTheCode(WithDoor):
    """I9: who failed to connect is told with what."""

    @override
    def receive(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        for code in self.recorder.codes:
            self.recorder.failed(ValueError(f"not taken: {code}"))
        return super().receive(url, headers, body)


PLANTED_ON_THE_PLATFORM: tuple[tuple[str, type[Stage], int], ...] = (
    ("I2", TakesGoneForExpired, 1000),
    ("I3", ForgetsAbsences, 400),
    ("I4", TakesGoodbyesForNew, 100),
    ("I6", AsksThePresentAccount, 600),
    ("I6", BelievesStrangers, 400),
    ("I6", SaysGoodbyeToAll, 100),
    ("I9", TellsTheCode, 100),
    ("the platform's fee", TodaysFee, 400),
)
"""Which invariant finds each, within how many histories."""
