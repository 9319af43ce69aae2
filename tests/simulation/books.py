"""Whether the books are right at rest: the ledger says what Stripe holds, the audit who decided what, each once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from chalicelib.domain.books import LedgerRow
from chalicelib.storage import codec
from tests.simulation.stage import Stage
from tests.simulation.truth import ENDED_DISPUTES, Charged, Truth


@dataclass(frozen=True, slots=True)
class Books:
    """`rows`: of the ledger, by charge. `entries`: of the audit, by session: what, whose, about what; how often."""

    rows: dict[str, LedgerRow]
    entries: Counter[tuple[str, str, int | None, str | None]]


def books_of(stage: Stage) -> Books:
    rows = [codec.ledger_from(text) for text in stage.ledger.texts.values()]
    entries: Counter[tuple[str, str, int | None, str | None]] = Counter()
    for text in stage.audit.texts.values():
        row = codec.audit_from(text)
        entries.update((f"{row.team_id}{row.session_id}", one.what, one.number, one.about) for one in row.entries)
    return Books({row.charge_id: row for row in rows}, entries)


# --- the ledger ---------------------------------------------------------------------------------------------------


def ledger_is_right(stage: Stage, truth: Truth, books: Books) -> None:
    """I3, as an accountant asks it: every charge has its row, and the row's figures are Stripe's."""
    history = truth.participant.history
    if history.overflowed or any(one.key.startswith(("charge:", "look:", "expire:")) for one in history.settled):
        return
    for one in truth.charged:
        row = books.rows.get(one.charge["id"])
        if row is None and stage.is_away(one.account):
            continue
        assert row is not None, f"I3: a charge of {truth.guest} is not in the ledger"
        times = (int(row.paid_at.timestamp()), one.paid_at)
        assert times[0] == times[1], f"I8: the ledger says that {truth.guest} paid at {times[0]}, Stripe {times[1]}"
        assert told_by(row) == taken(one), f"I3: the ledger of {truth.guest} says {told_by(row)}, Stripe {taken(one)}"
        if stage.knows_all(one.account):
            figures, held = (row.refunded, row.charged_back, row.is_disputed), back(one)
            assert figures == held, f"I3: the ledger of {truth.guest} gave back {figures}, Stripe {held}"
            fee, given = row.application_fee_refunded, fee_back(stage, one)
            assert fee == given, f"I3: the ledger of {truth.guest} gave back {fee} of the fee, Stripe {given}"


def told_by(row: LedgerRow) -> tuple[int, str, int]:
    return row.amount, row.currency, row.application_fee


def taken(one: Charged) -> tuple[int, str, int]:
    charge = one.charge
    return one.amount, str(charge["currency"]), int(charge["application_fee_amount"] or 0)


def back(one: Charged) -> tuple[int, int, bool]:
    """Refunded, charged back, and whether the bank is still to decide."""
    return one.back, one.lost, any(dispute["status"] not in ENDED_DISPUTES for dispute in one.disputes)


def fee_back(stage: Stage, one: Charged) -> int:
    """What of the platform's fee Stripe gave back."""
    fee_id = one.charge["application_fee"]
    found = [books.objects[fee_id] for books in stage.stripe.all_books if fee_id in books.objects]
    return sum(int(fee["amount_refunded"]) for fee in found)


# --- the audit ----------------------------------------------------------------------------------------------------


def audit_is_whole(truth: Truth, books: Books) -> None:
    """Everything that is kept as decided or told has its entry, and exactly one."""
    session = truth.session.team_id + truth.session.session_id
    is_more = truth.participant.history.overflowed
    for (what, number, about), due in Counter(due_in_audit(truth)).items():
        times = books.entries[session, what, number, about]
        # What is dropped, since there is no room, is told again when it is kept again.
        assert times == due or (is_more and times > due > 0), (
            f"I3: the audit of {truth.guest} has {what} ({about}) {times} times"
        )
    if truth.participant.history.charged_again is not None:
        # The last time is kept, and the audit has each.
        entry = (session, "charged_again", truth.guest.number, None)
        assert books.entries[entry], f"I3: the audit does not have that {truth.guest} was charged again"


def due_in_audit(truth: Truth) -> list[tuple[str, int | None, str | None]]:
    """What must be in it of this guest, and of their session."""
    session, participant, history = truth.session, truth.participant, truth.participant.history
    number = truth.guest.number
    found: list[tuple[str, int | None, str | None]] = [("added", number, None)] if participant.planned_id else []
    if session.canceled_at is not None:
        found.append(("canceled", None, None))
    if participant.deleted_at is not None:
        found.append(("removed", number, None))
    if history.waiver is not None:
        found.append(("waived", number, None))
    found += [("refund_decided", number, one.decision_id) for one in history.decisions]
    settled = {True: "settled_by_hand", False: "settled_as_kept"}
    found += [(settled[one.is_given], number, one.key) for one in dict.fromkeys(history.settled)]
    found += [("charged", number, one.charge.charge_id) for one in history.payments if one.charge]
    found += [("paid", number, one.payment_intent_id) for one in history.payments if one.paid]
    found += [(f"refund_{one.status.value}", number, one.refund_id) for one in history.refunds]
    found += [(f"dispute_{one.status.value}", number, one.dispute_id) for one in history.disputes]
    return found


# --- the platform's fee -------------------------------------------------------------------------------------------


def fees_go_back(stage: Stage) -> None:
    """A refund gives the platform's fee back where there was one, and does not ask for it where there was none."""
    accounts = {one.account_id: one.objects for one in stage.stripe.all_books}
    for asked in stage.notes.asked:
        if asked.method == "POST" and asked.path == "/v1/refunds":
            fields = dict(pair.split("=", 1) for pair in asked.form.split("&"))
            objects = accounts[asked.stripe_account or stage.stripe.account_id]
            charge = objects[objects[fields["payment_intent"]]["latest_charge"]]
            gives = fields.get("refund_application_fee") == "true"
            assert gives == bool(charge["application_fee"]), f"I3: fee of {charge['id'][:8]}: given back {gives}"
