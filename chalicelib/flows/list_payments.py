"""List a team's payments as the ledger has them, a page at a time, by the time they were paid; changes nothing.

The ledger's key begins with that time, so a page is one query of as many rows as it shows and one more, which tells
whether there are more. A row says what is known of its charge when it is read: refunds and disputes of later days too.
A payment that Stripe tells late has its place by the time it was paid, which a list that is being followed may have
passed already.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.books import LedgerRow
from chalicelib.flows.context import Context
from chalicelib.flows.payment_cursor import PaymentQuery
from chalicelib.storage.stores import LedgerPlace


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """`next`: the place that the page which follows begins behind; None on the last."""

    rows: tuple[LedgerRow, ...]
    next: LedgerPlace | None


def list_payments(ctx: Context, team_id: str, query: PaymentQuery) -> PaymentPage:
    """One page. Raises StoreUnavailableError, UnreadableError: a row is never left out."""
    found = tuple(ctx.ledger.between(team_id, query.start, query.end, query.place, query.limit + 1))
    rows = found[: query.limit]
    return PaymentPage(rows, _place_of(rows[-1]) if len(found) > query.limit else None)


def _place_of(row: LedgerRow) -> LedgerPlace:
    return LedgerPlace(row.paid_at, row.charge_id)
