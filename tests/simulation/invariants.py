"""The invariants of FAILURES.md, each a function of its own; each raises AssertionError with the guest and the figures.

One more is of the platform alone: its fee of a charge is at the rate that was in force as the offer was planned.

They are judged by what Stripe's stand-in holds and by what people decided. What the product believes is only read where
the invariant itself is about it: who is let in, what is pending, and what a person is told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from chalicelib.domain.admission import Door, admit
from chalicelib.domain.concerns import attention
from chalicelib.domain.obligations import AskAboutRefund, obligations
from chalicelib.domain.payments import standing
from chalicelib.domain.reach import out_of_reach
from chalicelib.domain.sessions import owing
from chalicelib.domain.troubles import OFFER_KEY
from tests.fakes.memory import Kept
from tests.simulation.canaries import CANARY, REMARK, sightings
from tests.simulation.stage import ACCOUNTS, PLACES, Stage
from tests.simulation.truth import OURS, Charged, Truth
from tests.support.platform import CONNECT_WEBHOOK_SECRET
from tests.support.world import ROOM_KEY, STRIPE_KEY, WEBHOOK_SECRET, key_text

Key = tuple[str, str]
SECRETS = (STRIPE_KEY, WEBHOOK_SECRET, CONNECT_WEBHOOK_SECRET, ROOM_KEY, *(key_text(byte) for byte in (1, 2, 3)))
BASIS_POINTS = 10_000


# --- at every moment ----------------------------------------------------------------------------------------------


def i1_admitted_only_if_paid(stage: Stage, truth: Truth) -> None:
    """A guest with a fee is admitted only if the fee is paid (or waived) and not refunded in full, the session is
    neither cancelled nor ended, and `start - lead <= now < end` on the server's clock.
    """
    session, participant, now = truth.session, truth.participant, stage.now()
    team = stage.team_at(truth.guest.place)
    door = admit(session, participant, team, now).door
    if door not in {Door.EARLY, Door.JOIN}:
        return
    assert session.canceled_at is None, f"I1: {truth.guest} enters a cancelled session"
    assert participant.deleted_at is None, f"I1: {truth.guest} enters, and was removed"
    assert now < session.end_time, f"I1: {truth.guest} enters after the end"
    is_early = now < session.start_time - team.guest_lead
    assert is_early == (door is Door.EARLY), f"I1: {truth.guest} finds {door} out of time"
    fee = participant.fee
    if fee is None or participant.history.waiver is not None:
        return
    paid = [one for one in truth.charged if (one.amount, one.charge["currency"]) == (fee.amount, fee.currency)]
    assert paid, f"I1: {truth.guest} enters without a charge of {fee.amount}"
    if not _hears_of_money_later(stage, truth):
        assert any(one.held > 0 for one in paid), f"I1: {truth.guest} enters, and all was given back"


def i1_paid_is_admitted(stage: Stage, truth: Truth) -> None:
    """The other way round: whose payment the product has been told of is admitted, whatever becomes of the clinic's
    account or plan: suspended, restricted, gone; also while a bank asks, and when a part went back or was lost.
    """
    session, participant, history = truth.session, truth.participant, truth.participant.history
    if participant.deleted_at or session.canceled_at or stage.now() >= session.end_time:
        return
    told = {payment.payment_intent_id for payment in history.payments if payment.paid}
    hears = _hears_of_money_later(stage, truth)
    kept = [one for one in truth.charged if not truth.goes_back(one)]
    untouched = [one for one in kept if not (one.refunds or one.disputes) or (one.held > 0 and not hears)]
    is_paid = any(one.charge["payment_intent"] in told for one in untouched)
    is_free = participant.fee is None or history.waiver is not None
    undecided = not (history.decisions or history.settled or truth.guest in stage.notes.promise_broken)
    if is_free or (is_paid and undecided):
        door = admit(session, participant, stage.team_at(truth.guest.place), stage.now()).door
        assert door in {Door.EARLY, Door.JOIN}, f"I1: {truth.guest} has paid, and finds {door}"


def i1_nobody_is_turned_away(stage: Stage, truth: Truth) -> None:
    """Nor is who owes the fee: what went back by a rule that is over is no answer, and an offer is only refused where
    Stripe takes no money at all, never for a way of paying or a share of the platform's that it can be made without.
    """
    participant = truth.participant
    team = stage.team_at(truth.guest.place)
    door = admit(truth.session, participant, team, stage.now()).door
    if truth.forged or truth.guest in stage.notes.promise_broken:
        return
    if door in {Door.OFFER_REFUSED, Door.CANNOT_CHARGE}:
        account = team.payee(None)
        is_gone = account is None or not account.is_connected
        bars = (stage.notes.barred, team.suspended, is_gone, any(out_of_reach(participant.history)))
        assert any(bars), f"I1: {truth.guest} finds {door}, and could pay"
    if door is Door.REFUNDED and not any(one.refund_failed for one in truth.charged):
        asked_back = [one for one in truth.charged if not one.went_back_by_rule or truth.goes_back(one)]
        assert asked_back, f"I1: {truth.guest} finds {door}, though all went back by a rule that is over"


def _hears_of_money_later(stage: Stage, truth: Truth) -> bool:
    """Whether there are webhooks about this guest's refunds or disputes that have not arrived, or never will."""
    charges = {one.charge["id"] for one in truth.charged}
    if any(one.account in stage.notes.missed for one in truth.charged):
        return True
    if stage.notes.knows_all:
        return False
    waiting = {one.event_id for one in stage.undelivered() if not one.event_type.startswith("checkout")}
    waiting |= stage.notes.poisoned
    books = stage.books_at(truth.guest.place)
    return any(
        (thing := books[event_id]["data"]["object"]).get("charge", thing["id"]) in charges
        for event_id in waiting
        if event_id in books
    )


def i2_one_payable(stage: Stage, truth: Truth) -> None:
    """At most one Checkout Session of a participant can be paid at a time. A superseded one is proven expired, or
    proven paid, at Stripe before a new one is offered. (A simulated Stripe may break this promise.)
    """
    if truth.guest in stage.notes.promise_broken:
        return
    payable = [one["id"][:16] for one in truth.payable]
    assert len(payable) <= 1, f"I2: {truth.guest} can pay on {len(payable)} pages at once"


def i3_no_refund_twice(truth: Truth) -> None:
    """No charge is ever refunded twice or beyond its amount: each decision made one refund."""
    for one in truth.charged:
        assert one.back <= one.amount, f"I3: {truth.guest} got {one.back} back of {one.amount}"
        decisions = Counter(refund["metadata"][OURS] for refund in one.refunds if OURS in refund["metadata"])
        twice = [decision for decision, times in decisions.items() if times > 1]
        assert not twice, f"I3: {truth.guest}: one decision made {len(one.refunds)} refunds"


def i7_only_ours_count(stage: Stage, truth: Truth) -> None:
    """A charge counts for a fee only if amount, currency, livemode, Stripe account and Checkout Session are the ones
    this participant's attempt was created with.
    """
    session, participant = truth.session, truth.participant
    counted = standing(owing(session, participant), participant.history).counted
    if counted is not None:
        pages = [one for one in truth.checkouts if one["payment_intent"] == counted.payment_intent_id]
        paid = [(one["client_reference_id"], one["amount_total"], stage.account_of(one["id"])) for one in pages]
        own = stage.stripe.account_id
        known = [
            (one.attempt_id, one.amount, one.stripe_account_id or own)
            for one in participant.history.attempts
            if one.stripe_account_id == counted.stripe_account_id
        ]
        ours = [one for one in paid if one in known]
        assert ours, f"I7: a payment counts for {truth.guest} that was not made for an offer of theirs"


def i6_nothing_crosses(stage: Stage, before: Mapping[Key, Kept], touched: frozenset[Key] | None, asked: int) -> None:
    """Nothing crosses tenants: no read, write, Stripe call or message of one team touches another team or another
    Stripe account. What was not touched is the same to the byte.
    """
    if touched is not None:
        after = stage.sessions._items
        moved = {key for key in after.keys() | before.keys() if after.get(key) is not before.get(key)}
        known = {stage.sessions_at[place] for place in PLACES if place in stage.sessions_at}
        strangers = (moved - touched) & known
        assert not strangers, f"I6: items of {strangers} changed by a deed on {touched}"
    for one in stage.notes.asked[asked:]:
        account = one.stripe_account or stage.stripe.account_id
        owners = _teams_named(stage, account, one.path, one.form)
        assert owners <= {stage.team_of(account)}, f"I6: {one.method} {one.path} on the account {account}"


_OF_PLATFORM = re.compile(r'"platform_country":("[A-Z]{2}"|null),"fee_refused":(true|false)')
"""What the deployment's own account tells, of itself, to every team: with its country, which fees are tried again."""


def teams_kept(stage: Stage) -> dict[str, object]:
    """Teams and whose accounts are, to the byte."""
    teams = {team_id: _OF_PLATFORM.sub("", str(text)) for team_id, text in stage.teams.texts.items()}
    return {**teams, **stage.stripe_accounts._texts}


def i6_no_team_crosses(stage: Stage, before: Mapping[str, object], may: frozenset[str]) -> None:
    """What one account tells, or one clinic does, changes no other team, nor whose an account is."""
    after = teams_kept(stage)
    moved = {key for key in after.keys() | before.keys() if after.get(key) != before.get(key)}
    owners = {key if key in stage.teams.texts else stage.team_of(key) for key in moved}
    assert owners <= may, f"I6: {moved} changed by what is about {set(may) or 'no team'}"


def the_fee_is_that_of_its_time(stage: Stage, truth: Truth) -> None:
    """The platform's fee of each page, and of each charge, is at the rate that was in force as the offer was planned,
    whatever became of plan and agreement since; none on the deployment's own account. The kept offer says the same.
    """
    kept = {one.attempt_id: one.application_fee for one in truth.participant.history.attempts}
    charged = {one.charge["payment_intent"]: one.charge["application_fee_amount"] or 0 for one in truth.charged}
    for page in truth.checkouts:
        account, attempt_id = stage.account_of(page["id"]), page["client_reference_id"]
        rates = stage.notes.rates.get(attempt_id, frozenset()) if account in ACCOUNTS else {0}
        due = {(2 * page["amount_total"] * rate + BASIS_POINTS) // (2 * BASIS_POINTS) for rate in rates}
        due |= {0} if account in stage.notes.feeless else set()
        fee = int(stage.books_named(account).orders[page["id"]].payment_intent.get("application_fee_amount", 0))
        assert fee in due, f"the platform's fee: {fee} is asked of {truth.guest}, due are {due}"
        assert kept.get(attempt_id, fee) == fee, f"the platform's fee: {truth.guest} is kept with another than {fee}"
        taken = charged.get(page["payment_intent"], fee)
        assert taken == fee, f"the platform's fee: {taken} is taken of {truth.guest}, {fee} was asked"


def i12_looking_changes_nothing(stage: Stage, before: Mapping[Key, Kept], asked: int) -> None:
    """GET and HEAD change nothing. (The return page may record what Stripe says; it never makes an offer.)"""
    assert stage.sessions._items == before, "I12: opening a link wrote something"
    assert len(stage.notes.asked) == asked, "I12: opening a link asked Stripe"


def _teams_named(stage: Stage, account: str, path: str, form: str) -> set[str]:
    """Whose things a request to Stripe is about; raises AssertionError for things that its account doesn't hold."""
    books = next(one.objects for one in stage.stripe.all_books if one.account_id == account)
    named = [part for part in path.split("/") if part.startswith(("cs_", "pi_", "dp_", "du_"))]
    named += [pair.partition("=")[2] for pair in form.split("&") if pair.startswith("payment_intent=")]
    pairs = [pair.partition("=") for pair in form.split("&")]
    owners = {value for name, _, value in pairs if name in {"metadata%5Banteroom_team%5D", "metadata[anteroom_team]"}}
    for name in named:
        assert name in books, f"I6: {path} asks the account {account} for what it does not hold"
        thing = books[name]
        if thing["object"] == "dispute":
            thing = books[thing["payment_intent"]]
        is_forged = name in stage.notes.forged or _is_of_forged(stage, books, name)
        if "anteroom_team" in thing["metadata"] and not is_forged:
            owners.add(thing["metadata"]["anteroom_team"])
    return owners


# --- at rest ------------------------------------------------------------------------------------------------------


def i8_late_by_stripes_time(stage: Stage, truth: Truth) -> None:
    """Whether a payment was in time is judged by Stripe's time of payment, never by when its webhook arrived."""
    if truth.guest.place in stage.notes.rescheduled:
        return
    for one in truth.charged:
        late = [refund for refund in one.automatic if refund["metadata"]["anteroom_reason"] == "after_end"]
        in_time = one.paid_at < int(truth.session.end_time.timestamp())
        assert not (late and in_time), f"I8: {truth.guest} paid in time, and it was given back as late"


def i3_kept_is_owed(stage: Stage, truth: Truth) -> None:
    """At rest, captured - refunded - charged back = what this participant owes, or the difference shows as an
    obligation or `needs_attention`.
    """
    told = attention(truth.session, truth.participant, stage.now())
    _unseen_is_told(stage, truth, told)
    for one in truth.charged:
        if seen_to(stage, truth, one) or _is_past_knowing(stage, truth, one):
            continue
        held = held_of(stage, one)
        if truth.goes_back(one) and held > 0:
            assert told, f"I3: {truth.guest} is owed {held} of a charge that goes back, and nobody is told"
        is_known = stage.knows_all(one.account) and not _is_let_be(truth, one)
        if held < 0 and stage.notes.given[one.charge["id"]] and is_known:
            assert told, f"I3: {truth.guest} has {-held} more than a charge back, and nobody is told"
    held_ones = [one for one in truth.candidates if held_of(stage, one) > 0]
    excused = [one for one in held_ones if seen_to(stage, truth, one) or _is_past_knowing(stage, truth, one)]
    if len(held_ones) > 1 and not excused:
        assert told, f"I3: {len(held_ones)} charges of {truth.guest} are kept for one fee, and nobody is told"
    _nothing_given_away(stage, truth, held_ones)


def _is_past_knowing(stage: Stage, truth: Truth, one: Charged) -> bool:
    """Stripe let an offer be paid that it had proven expired, on an account that nobody can see."""
    return truth.guest in stage.notes.promise_broken and stage.is_away(one.account)


def _unseen_is_told(stage: Stage, truth: Truth, told: str | None) -> None:
    """I3, of an account that stays away: what nobody can know shows as attention of the offer that it was made on."""
    if truth.guest in stage.notes.promise_broken:
        return
    known = {payment.payment_intent_id for payment in truth.participant.history.payments if payment.paid}
    for one in truth.charged:
        if one.charge["payment_intent"] not in known and stage.is_away(one.account) and not truth.is_seen_to(one):
            assert told, f"I3: {truth.guest} paid on {one.account}, which nobody can see, and nobody is told"


def held_of(stage: Stage, one: Charged) -> int:
    """What the clinic has of it, less what its people gave back another way."""
    return one.held - stage.notes.given[one.charge["id"]]


def seen_to(stage: Stage, truth: Truth, one: Charged) -> bool:
    """Somebody said that it need not go back, took over what it would be found by, or could not hear of it."""
    return one.charge["id"] in stage.notes.let_be or truth.is_seen_to(one) or unheard(stage, one)


def _is_let_be(truth: Truth, one: Charged) -> bool:
    excess = f"excess:{one.charge['payment_intent']}"
    return any(settled.key == excess for settled in truth.participant.history.settled)


def unheard(stage: Stage, one: Charged) -> bool:
    """The bank sent a refund back or took money days later, and every webhook about it was lost."""
    return not stage.knows_all(one.account) and (one.refund_failed or bool(one.disputes))


def _nothing_given_away(stage: Stage, truth: Truth, held: list[Charged]) -> None:
    """I3, from the clinic's side: the rules never give back the only charge that is owed."""
    if held or truth.guest.place in stage.notes.rescheduled:
        return
    if truth.session.canceled_at == truth.participant.deleted_at is not None:
        # Removed and cancelled in one instant: the money went back for the one, and the other would have kept it.
        return
    automatic = [one for one in truth.candidates if one.automatic]
    if automatic:
        others = [one for one in truth.candidates if one.given_up or stage.notes.given[one.charge["id"]]]
        assert others, f"I3: {truth.guest} owes the fee, and all that was paid was given back by rule"


def i7_nothing_of_others_goes_back(stage: Stage) -> None:
    """I7: what else arrived on the clinic's own account, a person is told of; the rules do not touch it."""
    refunded = {
        one["id"]
        for books in stage.stripe.all_books
        for one in books.of_kind("refund")
        if OURS in one["metadata"] and _is_of_forged(stage, books.objects, one["payment_intent"])
    }
    assert not refunded, f"I7: a payment that is not ours was given back: {refunded}"


def _is_of_forged(stage: Stage, objects: Mapping[str, dict[str, object]], payment_intent_id: str) -> bool:
    return any(
        objects[forged]["payment_intent"] == payment_intent_id for forged in stage.notes.forged if forged in objects
    )


def i9_canaries(stage: Stage) -> None:
    """No link token, secret or personal text appears in logs, in what is sent to Stripe, or in an exception message."""
    tokens = tuple(stage.recorder.tokens)
    logged = sightings(stage.recorder.lines + stage.recorder.errors, (CANARY, REMARK, *SECRETS, *tokens))
    assert not logged, f"I9: logged or raised: {logged[0]}"
    told = sightings(stage.recorder.lines + stage.recorder.errors, tuple(stage.recorder.codes))
    assert not told, f"I9: a code of OAuth: {told[0]}"
    sent = [f"{one.path}?{one.form} {one.idempotency_key}" for one in stage.notes.asked]
    seen = sightings(sent, (CANARY, REMARK, *SECRETS, *tokens))
    assert not seen, f"I9: sent to Stripe: {seen[0]}"
    books = [*stage.ledger.texts.values(), *stage.audit.texts.values()]
    kept = sightings(books, (CANARY, *SECRETS, *tokens))
    assert not kept, f"I9: in ledger or audit: {kept[0]}"


def i11_nothing_pending(stage: Stage, truth: Truth) -> None:
    """Nothing stays pending after the session has ended plus one hour: it is resolved, or visibly `needs_attention`.

    A refund is on its way for days; that it is asked about once it is late is nothing that is pending.
    """
    if all(isinstance(one, AskAboutRefund) for _, one in obligations(truth.session)):
        return
    told = [
        attention(truth.session, participant, stage.now())
        for participant in truth.session.participants
        if participant.history.attempts
    ]
    assert any(told), f"I11: {truth.guest.place} is over, something is pending, and nobody is told"
    mine = attention(truth.session, truth.participant, stage.now())
    # A page that was proven expired, and that Stripe opened again, nobody knows of; what is paid on it goes back.
    payable = truth.payable and truth.guest not in stage.notes.promise_broken
    assert mine or not payable, f"I11: {truth.guest} can still pay after the end, and nobody is told"


def attention_is_deserved(stage: Stage, truth: Truth) -> None:
    """I3: a person is only told of what is so; else everybody learns to look away, and I3 would prove nothing."""
    told = attention(truth.session, truth.participant, stage.now())
    if told is None or truth.forged or truth.guest in stage.notes.promise_broken:
        # An offer that was proven expired is dropped after two more; paid all the same, its money is nobody's.
        return
    given = stage.notes.given
    reasons = [
        one
        for one in truth.charged
        if one.refund_failed or _is_late(stage, one) or one.disputes or given[one.charge["id"]]
    ]
    assert reasons or _out_of_reach(stage, truth), f"I3: {truth.guest} is said to need a person, for no reason: {told}"


def _is_late(stage: Stage, one: Charged) -> bool:
    return one.refund_is_late(stage.now(), is_away=stage.is_away(one.account))


def _out_of_reach(stage: Stage, truth: Truth) -> bool:
    """Whether Stripe was asked in vain: an account is away, or was for all of seven days, or could not charge."""
    history = truth.participant.history
    accounts = {one.stripe_account_id or stage.stripe.account_id for one in history.attempts}
    is_away = any(stage.is_away(account) for account in accounts)
    for trouble in history.troubles:
        if trouble.out_of_reach and (is_away or trouble.retry_at is None):
            return True
        if trouble.key == OFFER_KEY and stage.notes.barred:
            return True
        if trouble.key.startswith("refund:") and trouble.refusal is not None and stage.notes.emptied:
            return True
    return False
