"""What becomes of clinics' Stripe accounts and plans: accounts leave, come back and are restricted, plans change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from typing_extensions import override

from chalicelib.domain.books import api_client, operator
from chalicelib.domain.teams import Plan, Team
from chalicelib.flows.change_team import change_team
from chalicelib.flows.connect import How, StateUsedError, finish_connecting, start_connecting
from chalicelib.flows.context import REQUEST_SECONDS
from chalicelib.flows.disconnect import MoneyHeldError, disconnect
from chalicelib.flows.nightly import NIGHTLY_SECONDS, reconcile_nightly
from sandbox.stripe_standin.errors import JsonObject
from tests.simulation.deeds import NOTHING
from tests.simulation.stage import API_CLIENT, CONNECTED, SECOND, STRANGER, Stage
from tests.simulation.truth import truths

Touched = frozenset[tuple[str, str]] | None

OWN = "own"
"""The deployment's Stripe account, whose id differs from history to history."""

NAMES = {
    OWN: "the deployment's own account",
    CONNECTED: "the account of Hill Street",
    SECOND: "the second account of Hill Street",
}
CLINICS = {"r": "Riverside", "h": "Hill Street"}
ON_STRIPES_PAGE = timedelta(minutes=1)
"""How long it takes to agree, at least; what Stripe says of times is in whole seconds."""

LONG = timedelta(days=7)
"""Longer than the night looks back by itself."""

CLINIC, OPERATOR = api_client(API_CLIENT), operator("pat")


class OfNoSession:
    """Changes no session."""

    __slots__ = ()

    def touches(self, stage: Stage) -> Touched:
        return frozenset()


# --- accounts leave -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TakeAway(OfNoSession):
    """In the owner's dashboard: the product hears of it by one last event, or not at all."""

    account: str

    @override
    def __str__(self) -> str:
        return f"the owner of {NAMES[self.account]} removes the platform at Stripe"

    def do(self, stage: Stage) -> str:
        if not stage.books_named(self.account).authorized:
            return NOTHING
        with _leaving(stage, self.account):
            stage.stripe.deauthorize(self.account)
        return "done"


@dataclass(frozen=True, slots=True)
class Disconnect:
    account: str
    force: bool

    @override
    def __str__(self) -> str:
        return f"the clinic disconnects {NAMES[self.account]}{' by force' if self.force else ''}"

    def touches(self, stage: Stage) -> Touched:
        """Offers are closed first."""
        return frozenset(key for place, key in stage.sessions_at.items() if place.startswith("h"))

    def teams(self, stage: Stage) -> frozenset[str]:
        return frozenset({stage.other_team.team_id})

    def do(self, stage: Stage) -> str:
        ctx, team_id = stage.ctx.acting_for(CLINIC), stage.other_team.team_id
        try:
            with _leaving(stage, self.account):
                disconnect(ctx, team_id, self.account, force=self.force)
        except MoneyHeldError:
            stage.reach("disconnect refused, since money is on it")
            raise
        assert not stage.team_at("h").has_account(self.account), "the clinic was told that it is disconnected"
        assert not stage.books_named(self.account).authorized, "the clinic was told that its access is given back"
        if self.force:
            stage.reach("disconnected by force")
        return "done"


@contextmanager
def _leaving(stage: Stage, account: str) -> Iterator[None]:
    """Notes what was on it, also where the process dies of it."""
    books = stage.books_named(account)
    was_here = books.authorized
    try:
        yield
    finally:
        if was_here and not books.authorized:
            stage.notes.missed.add(account)
            stage.notes.left_at[account] = stage.now()
            stage.notes.barred.add(account)
            _note_left(stage, account)


def _note_left(stage: Stage, account: str) -> None:
    for truth in truths(stage):
        pages = [one for one in truth.checkouts if stage.account_of(one["id"]) == account]
        charged = [one for one in truth.charged if one.account == account]
        checks = {
            "an open page": any(one["status"] == "open" for one in pages),
            "a bank at work": any(one["payment_intent"] in truth.processing for one in pages),
            "a payment": any(one.held > 0 for one in charged),
            "a refund owed": any(truth.goes_back(one) and one.held > 0 for one in charged),
            "a dispute open": any(one.is_disputed for one in charged),
        }
        for state in (one for one, is_so in checks.items() if is_so):
            stage.reach(f"an account left with {state}")


# --- accounts come back -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Connect(OfNoSession):
    """By OAuth, through the product: to Stripe's page, and back. `reloads`: the page that says so is loaded again."""

    account: str
    reloads: bool = False

    @override
    def __str__(self) -> str:
        return f"the clinic connects {NAMES[self.account]}{', and reloads the page' if self.reloads else ''}"

    def teams(self, stage: Stage) -> frozenset[str]:
        return frozenset({stage.other_team.team_id})

    def do(self, stage: Stage) -> str:
        before = stage.team_at("h")
        query = self._agreed(stage)
        finish_connecting(stage.ctx, query)
        if self.reloads:
            self._reload(stage, query)
        known = before.account(self.account)
        self._note_absence(stage)
        if known is not None and not known.is_connected:
            stage.reach("connected again under the same id")
        if known is None:
            stage.reach("connected again under another id")
        return "done"

    def _note_absence(self, stage: Stage) -> None:
        left_at = stage.notes.left_at.pop(self.account, None)
        if left_at is not None and stage.now() - left_at >= LONG:
            stage.reach("an account away for a week")

    def _agreed(self, stage: Stage) -> dict[str, str]:
        """What the owner comes back with."""
        url = start_connecting(stage.ctx, stage.team_at("h"), API_CLIENT, How.EXISTING)
        (state,) = parse_qs(urlsplit(url).query)["state"]
        stage.clock.now += ON_STRIPES_PAGE
        code = stage.stripe.grant(self.account)
        stage.recorder.tokens.add(state)
        stage.recorder.codes.add(code)
        return {"state": state, "code": code}

    def _reload(self, stage: Stage, query: dict[str, str]) -> None:
        try:
            finish_connecting(stage.ctx, query)
        except StateUsedError as error:
            stage.recorder.failed(error)
            return
        message = "I5: a state of OAuth was good twice"
        raise AssertionError(message)


# --- what Stripe says of accounts ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Restrict(OfNoSession):
    account: str
    enabled: bool = False

    @override
    def __str__(self) -> str:
        return f"Stripe {'lets' if self.enabled else 'no longer lets'} {NAMES[self.account]} charge"

    def do(self, stage: Stage) -> str:
        account = stage.stripe.account_id if self.account == OWN else self.account
        books = stage.books_named(account)
        if books.account["charges_enabled"] == self.enabled:
            return NOTHING
        stage.stripe.set_charges_enabled(account, enabled=self.enabled)
        stage.notes.barred.add(account)
        if not self.enabled and any(one["status"] == "open" for one in books.of_kind("checkout.session")):
            stage.reach("restricted while a page was open")
        return "done"


@dataclass(frozen=True, slots=True)
class StrangerActs(OfNoSession):
    """An account that let the platform in by itself, and is no team's: its events come to the same endpoint."""

    leaves: bool

    @override
    def __str__(self) -> str:
        return f"an account that is no team's {'leaves the platform' if self.leaves else 'changes'}"

    def do(self, stage: Stage) -> str:
        books = stage.stripe.world.books.get(STRANGER)
        if books is None:
            stage.stripe.create_account("Stranger", account_id=STRANGER)
        elif not books.authorized:
            stage.stripe.authorize(STRANGER)
        books = stage.books_named(STRANGER)
        if self.leaves:
            stage.stripe.deauthorize(STRANGER)
        else:
            stage.stripe.set_charges_enabled(STRANGER, enabled=not books.account["charges_enabled"])
        return "done"


@dataclass(frozen=True, slots=True)
class NightComes:
    """The nightly reconciliation: what Stripe says of accounts, and the lists of the last three days."""

    @override
    def __str__(self) -> str:
        return "the night's reconciliation runs"

    def touches(self, stage: Stage) -> Touched:
        return None

    def teams(self, stage: Stage) -> frozenset[str]:
        return frozenset({stage.team.team_id, stage.other_team.team_id})

    def do(self, stage: Stage) -> str:
        night = reconcile_nightly(stage.context.within(NIGHTLY_SECONDS))
        return f"{night.accounts} accounts, {night.found} found, {night.failed} failed"


# --- plans --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfTeam(OfNoSession):
    """`team`: the letter of its places."""

    team: str
    reached: ClassVar[str] = "the plan changed while a page was open"

    def teams(self, stage: Stage) -> frozenset[str]:
        return frozenset({stage.team_at(self.team).team_id})

    def changed(self, team: Team) -> Team:
        raise NotImplementedError

    def do(self, stage: Stage) -> str:
        before = stage.team_at(self.team)
        change_team(stage.elsewhere.within(REQUEST_SECONDS).acting_for(OPERATOR), before.team_id, self.changed)
        if stage.team_at(self.team) == before:
            return NOTHING
        if any(one["status"] == "open" for one in self._pages(stage)):
            stage.reach(self.reached)
        return "done"

    def _pages(self, stage: Stage) -> list[JsonObject]:
        guests = [guest for guest, _, _ in stage.guests() if guest.place.startswith(self.team)]
        return [page for guest in guests for page in stage.checkouts_of(guest)]


@dataclass(frozen=True, slots=True)
class ChangePlan(OfTeam):
    plan: Plan

    @override
    def __str__(self) -> str:
        return f"an operator puts {CLINICS[self.team]} on the plan {self.plan}"

    @override
    def changed(self, team: Team) -> Team:
        return replace(team, plan=self.plan)


@dataclass(frozen=True, slots=True)
class AgreeOnRate(OfTeam):
    """None: the plan's rate again."""

    basis_points: int | None

    @override
    def __str__(self) -> str:
        return f"an operator agrees with {CLINICS[self.team]} on {self.basis_points} basis points"

    @override
    def changed(self, team: Team) -> Team:
        return replace(team, fee_basis_points=self.basis_points)


@dataclass(frozen=True, slots=True)
class Suspend(OfTeam):
    suspended: bool
    reached: ClassVar[str] = "suspended while a page was open"

    @override
    def __str__(self) -> str:
        return f"an operator {'suspends' if self.suspended else 'resumes'} {CLINICS[self.team]}"

    @override
    def changed(self, team: Team) -> Team:
        return replace(team, suspended=self.suspended)
