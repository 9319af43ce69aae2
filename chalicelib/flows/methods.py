"""Leave out of a team's offers the ways of paying that Stripe did not take on one of its accounts."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from chalicelib.domain.accounts import methods_refused
from chalicelib.domain.books import STRIPE
from chalicelib.domain.team_audit import OWN_ACCOUNT
from chalicelib.domain.teams import Team
from chalicelib.flows.change_team import change_team
from chalicelib.flows.context import Context

log = logging.getLogger("anteroom.methods")


def leave_out(ctx: Context, team: Team, account_id: str | None, methods: Iterable[str]) -> Team:
    """The newest team, which offers these no more on that account. Not written where somebody else was told before.

    Raises NotFoundError, ContendedError, StoreError.
    """
    now, refused = ctx.clock(), tuple(methods)
    fields = {"team_id": team.team_id, "account": account_id or OWN_ACCOUNT, "methods": ", ".join(refused)}
    # The metric and its alarm are made of this line.
    log.warning("methods_refused", extra=fields)
    return change_team(ctx.acting_for(STRIPE), team.team_id, lambda one: methods_refused(one, account_id, refused, now))
