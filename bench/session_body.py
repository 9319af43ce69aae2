"""How to keep a session's body: as nested maps of PynamoDB's, or as one JSON text beside the keys and index attributes.

`python -m bench.session_body` prints, for a typical session and one of fifty people, the CPU of a save (from our
records to what botocore sends) and a load (from what it answers to our records), and what the item weighs by AWS' rule.
No network, no table.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from pynamodb.attributes import BooleanAttribute, ListAttribute, MapAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from bench.timing import ROUNDS, cpu
from chalicelib.domain.facts import Attempt, AttemptState, Charge, CheckoutPaid, Payment, PaymentHistory
from chalicelib.domain.sessions import Fee, Participant, Revision, Role, Session
from chalicelib.storage import codec
from chalicelib.storage.tables import SessionItem

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
REVISION = Revision(3, ("0a1b2c3d4e5f",) * 3, codec.SCHEMA)

Raw = dict[str, Any]


# --- the sessions ---------------------------------------------------------------------------------------------------


def session_of(people: int) -> Session:
    """A host and guests, each second guest's fee paid."""
    return Session(
        team_id="0190a5a0-0000-4000-8000-00000000c11c",
        session_id="0197b3c4-d5e6-7788-99aa-bbccddeeff00",
        client_id="9f86d081884c7d659a2feaa0",
        start_time=NOON + timedelta(days=1),
        end_time=NOON + timedelta(days=1, hours=1),
        created_at=NOON,
        name="Initial consultation",
        participants=(
            Participant(1, Role.HOST, NOON, key_id=1, display_name="Dr. Byron"),
            *(guest(number) for number in range(2, people + 1)),
        ),
        revision=REVISION,
    )


def guest(number: int) -> Participant:
    history = paid_history() if number % 2 == 0 else PaymentHistory()
    return Participant(
        number,
        Role.GUEST,
        NOON,
        key_id=1,
        display_name="Ada Lovelace",
        email="ada@example.org",
        fee=Fee(8000, "aud"),
        history=history,
    )


def paid_history() -> PaymentHistory:
    attempt_id, checkout_id = "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "cs_live_" + "a" * 58
    attempt = Attempt(
        attempt_id=attempt_id,
        made_at=NOON,
        amount=8000,
        currency="aud",
        stripe_account_id=None,
        livemode=True,
        application_fee=0,
        expires_at=NOON,
        state=AttemptState.PAID,
        checkout_session_id=checkout_id,
    )
    charge = Charge("ch_3Qabcdefghijklmnop", 8000, "aud", NOON, 0, "https://pay.stripe.com/receipts/" + "r" * 120)
    paid = CheckoutPaid(checkout_id, 8000, "aud", livemode=True)
    payment = Payment("pi_3Qabcdefghijklmnop", attempt_id, None, paid, charge)
    return PaymentHistory(attempts=(attempt,), payments=(payment,))


# --- nested maps: the tables' records once more, as PynamoDB wants them -----------------------------------------------


class Part(MapAttribute[str, Any]):
    """A record inside the session."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)  # type: ignore[no-untyped-call] # PynamoDB leaves it untyped


class FeeMap(Part):
    amount = NumberAttribute()
    currency = UnicodeAttribute()
    description = UnicodeAttribute(null=True)
    payee = UnicodeAttribute(null=True)


class AttemptMap(Part):
    attempt_id = UnicodeAttribute()
    made_at = UnicodeAttribute()
    amount = NumberAttribute()
    currency = UnicodeAttribute()
    stripe_account_id = UnicodeAttribute(null=True)
    livemode = BooleanAttribute()
    application_fee = NumberAttribute()
    expires_at = UnicodeAttribute()
    state = UnicodeAttribute()
    order = Part(null=True)
    checkout_session_id = UnicodeAttribute(null=True)
    url = UnicodeAttribute(null=True)
    looked_at = UnicodeAttribute(null=True)


class PaidMap(Part):
    checkout_session_id = UnicodeAttribute()
    amount = NumberAttribute()
    currency = UnicodeAttribute()
    livemode = BooleanAttribute()


class ChargeMap(Part):
    charge_id = UnicodeAttribute()
    amount = NumberAttribute()
    currency = UnicodeAttribute()
    created_at = UnicodeAttribute()
    application_fee = NumberAttribute()
    receipt_url = UnicodeAttribute(null=True)


class PaymentMap(Part):
    payment_intent_id = UnicodeAttribute()
    attempt_id = UnicodeAttribute()
    stripe_account_id = UnicodeAttribute(null=True)
    paid = PaidMap(null=True)
    charge = ChargeMap(null=True)
    refunded_hint = NumberAttribute()


class HistoryMap(Part):
    attempts = ListAttribute(of=AttemptMap)
    closed_attempts = NumberAttribute()
    payments = ListAttribute(of=PaymentMap)
    refunds = ListAttribute(of=Part)
    disputes = ListAttribute(of=Part)
    decisions = ListAttribute(of=Part)
    waiver = Part(null=True)
    troubles = ListAttribute(of=Part)
    settled = ListAttribute(of=Part)


class ParticipantMap(Part):
    number = NumberAttribute()
    role = UnicodeAttribute()
    created_at = UnicodeAttribute()
    key_id = NumberAttribute()
    generation = NumberAttribute()
    display_name = UnicodeAttribute(null=True)
    picture = UnicodeAttribute(null=True)
    state = UnicodeAttribute(null=True)
    email = UnicodeAttribute(null=True)
    phone = UnicodeAttribute(null=True)
    fee = FeeMap(null=True)
    deleted_at = UnicodeAttribute(null=True)
    keeps_payment = BooleanAttribute()
    history = HistoryMap()


class NestedItem(Model):
    """What SessionItem would be without its text."""

    class Meta:
        table_name = "sessions"

    team_id = UnicodeAttribute(hash_key=True)
    session_id = UnicodeAttribute(range_key=True)
    client_id = UnicodeAttribute()
    start_time = UnicodeAttribute()
    end_time = UnicodeAttribute()
    created_at = UnicodeAttribute()
    name = UnicodeAttribute(null=True)
    picture = UnicodeAttribute(null=True)
    feature_flags = ListAttribute(of=UnicodeAttribute)
    canceled_at = UnicodeAttribute(null=True)
    keeps_payments = BooleanAttribute()
    actual_end_time = UnicodeAttribute(null=True)
    participants = ListAttribute(of=ParticipantMap)
    schema = NumberAttribute()
    version = NumberAttribute()
    write_ids = ListAttribute(of=UnicodeAttribute)
    expires_at_epoch = NumberAttribute()


# --- save and load, both ways ----------------------------------------------------------------------------------------


def save_nested(session: Session) -> Raw:
    fields = msgspec.to_builtins(session)
    revision = fields.pop("revision")
    return dict(NestedItem(**fields, **revision, expires_at_epoch=1).serialize())


def load_nested(raw: Raw) -> Session:
    fields = plain(NestedItem.from_raw_data(raw))
    revision = {name: fields.pop(name) for name in ("version", "write_ids", "schema")}
    del fields["expires_at_epoch"]
    return msgspec.convert(fields | {"revision": revision}, Session)


def plain(value: Any) -> Any:  # noqa: ANN401 (any attribute)
    """What PynamoDB's attributes hold, as dictionaries and lists."""
    if isinstance(value, (Model, MapAttribute)):
        return {name: plain(getattr(value, name)) for name in value.get_attributes()}
    return [plain(one) for one in value] if isinstance(value, list) else value


def save_text(session: Session) -> Raw:
    revision = session.revision
    return dict(
        SessionItem(
            team_id=session.team_id,
            session_id=session.session_id,
            start_time=codec.sortable(session.start_time),
            schema=revision.schema,
            version=revision.version,
            write_ids=list(revision.write_ids),
            expires_at_epoch=1,
            body=codec.session_text(session),
        ).serialize()
    )


def load_text(raw: Raw) -> Session:
    item = SessionItem.from_raw_data(raw)
    return codec.session_from(item.body, Revision(int(item.version), tuple(map(str, item.write_ids)), int(item.schema)))


# --- measuring ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Way:
    name: str
    save: Callable[[Session], Raw]
    load: Callable[[Raw], Session]


@dataclass(frozen=True, slots=True)
class Figures:
    """CPU in microseconds, the wire's JSON included; the item in bytes."""

    save: float
    load: float
    item: int


WAYS = (Way("nested maps", save_nested, load_nested), Way("JSON text", save_text, load_text))


def measured(way: Way, session: Session, times: int) -> Figures:
    raw = way.save(session)
    if way.load(raw) != session:
        message = f"{way.name}: what is loaded is not what was saved"
        raise AssertionError(message)
    wire = json.dumps(raw)
    return Figures(
        save=cpu(lambda: json.dumps(way.save(session)), times),
        load=cpu(lambda: way.load(json.loads(wire)), times),
        item=item_bytes(raw),
    )


def item_bytes(raw: Raw) -> int:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html"""
    return sum(len(name.encode()) + value_bytes(value) for name, value in raw.items())


def value_bytes(typed: Raw) -> int:
    ((kind, value),) = typed.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return (len(value) + 1) // 2 + 1
        case "M":
            return 3 + sum(1 + len(name.encode()) + value_bytes(one) for name, one in value.items())
        case "L":
            return 3 + sum(1 + value_bytes(one) for one in value)
        case _:
            return 1


def main() -> None:
    print(f"Python {sys.version.split()[0]}; CPU in µs, the best of {ROUNDS} rounds; bytes by AWS' rule")
    print(f"{'session':<28}{'way':<14}{'save':>8}{'load':>8}{'bytes':>9}")
    for label, people, times in (("2 people, one paid", 2, 400), ("50 people, 25 of them paid", 50, 30)):
        session = session_of(people)
        nested, text = figures = [measured(way, session, times) for way in WAYS]
        for way, one in zip(WAYS, figures, strict=True):
            print(f"{label:<28}{way.name:<14}{one.save:>8.0f}{one.load:>8.0f}{one.item:>9}")
        ratios = (nested.save / text.save, nested.load / text.load, nested.item / text.item)
        print(f"{'':<28}{'nested : text':<14}{ratios[0]:>7.1f}x{ratios[1]:>7.1f}x{ratios[2]:>8.2f}x")


if __name__ == "__main__":
    main()
