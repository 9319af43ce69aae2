"""What cannot be scheduled is refused with every field at fault, and nothing is stored."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.teams import PayeeAccount
from tests.support.clinic import Clinic, fields_of, fingerprint
from tests.support.edge import Reply
from tests.support.world import NOON

AUD = {"amount": 8000, "currency": "aud"}


def refused(clinic: Clinic, *participants: Any, **fields: Any) -> Reply:
    """The 422, after making sure that it left no trace."""
    before = fingerprint(clinic.edge.world)
    reply = clinic.schedule(*participants, **fields)
    assert reply.status == 422, reply.body
    assert fingerprint(clinic.edge.world) == before
    assert reply.json()["detail"] == "some fields cannot be used as they are"
    return reply


def told(clinic: Clinic, *participants: Any, **fields: Any) -> dict[str, str]:
    return {one["field"]: one["message"] for one in refused(clinic, *participants, **fields).json()["errors"]}


# --- times --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["start_time", "end_time"])
@pytest.mark.parametrize("text", ["2026-03-02T12:10:00", "2026-03-02", "noon", "", "Mon, 02 Mar 2026 12:10:00"])
def test_a_time_without_its_zone_names_the_field_and_what_to_send(clinic: Clinic, name: str, text: str) -> None:
    assert told(clinic, **{name: text}) == {
        name: "send a time with its zone, such as 2026-06-08T13:34:00Z or Mon, 08 Jun 2026 13:34:00 GMT"
    }


@pytest.mark.parametrize("value", [None, 1772452800, True, ["2026-03-02T12:00:00Z"], {}])
def test_a_time_is_text(clinic: Clinic, value: object) -> None:
    assert list(told(clinic, start_time=value)) == ["start_time"]


@pytest.mark.parametrize(
    ("end_time", "message"),
    [
        ("2026-03-02T12:00:00Z", "must be later than start_time"),
        ("2026-03-02T11:59:59Z", "must be later than start_time"),
        ("2026-03-03T12:00:01Z", "must be at most 24 hours after start_time"),
    ],
)
def test_an_end_that_cannot_be_is_refused(clinic: Clinic, end_time: str, message: str) -> None:
    assert message in refused(clinic, end_time=end_time).body
    assert "end_time" in told(clinic, end_time=end_time)


def test_a_session_that_ends_this_very_moment_is_over(clinic: Clinic) -> None:
    window = {"start_time": "2026-03-02T11:00:00Z", "end_time": "2026-03-02T12:00:00Z"}
    assert told(clinic, **window) == {"end_time": "must be in the future; it is now 2026-03-02T12:00:00Z"}


def test_a_start_beyond_18_months_names_the_latest(clinic: Clinic) -> None:
    window = {"start_time": "2027-09-01T12:00:01Z", "end_time": "2027-09-01T13:00:00Z"}
    message = "must be at most 18 months ahead, so not after 2027-09-01T12:00:00Z"
    assert told(clinic, **window) == {"start_time": message}


# --- fees ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fee", "field", "message"),
    [
        (
            {"amount": 99, "currency": "aud"},
            "amount",
            "the fee is 0.99 AUD; the least that can be charged is 1.00 AUD",
        ),
        ({"amount": 0, "currency": "aud"}, "amount", "the fee is 0.00 AUD; the least that can be charged is 1.00 AUD"),
        (
            {"amount": -8000, "currency": "aud"},
            "amount",
            "the fee is -80.00 AUD; the least that can be charged is 1.00 AUD",
        ),
        ({"amount": 10, "currency": "jpy"}, "amount", "the fee is 10 JPY; the least that can be charged is 50 JPY"),
        ({"amount": 80.5, "currency": "aud"}, "amount", "Expected `int`, got `float`"),
        ({"amount": 8000.00, "currency": "jpy"}, "amount", "Expected `int`, got `float`"),
        ({"amount": "8000", "currency": "aud"}, "amount", "Expected `int`, got `str`"),
        ({"amount": True, "currency": "aud"}, "amount", "Expected `int`, got `bool`"),
        ({"amount": 8000, "currency": None}, "currency", "Expected `str`, got `null`"),
        ({"amount": 8000}, "currency", "is required"),
        ({"currency": "aud"}, "amount", "is required"),
        (
            {"amount": 8000, "currency": "xxx"},
            "currency",
            '"xxx" is not a currency we can charge; send a lower-case ISO 4217 code such as "aud"'.replace(
                '"xxx"', "xxx"
            ),
        ),
        ({"amount": 8000, "currency": "gbp"}, "currency", "is not one this clinic takes; send one of: aud"),
        ({**AUD, "payee": "acct_of_another"}, "payee", "is not one of the team's connected Stripe accounts"),
        ({**AUD, "description": "d" * 256}, "description", "at most 255 characters; 256 were sent"),
        ({**AUD, "tax": 10}, "tax", "is not a field here; check its spelling"),
    ],
)
def test_a_fee_that_cannot_be_charged_names_the_field_and_the_limit(
    clinic: Clinic, fee: dict[str, Any], field: str, message: str
) -> None:
    assert told(clinic, {"fee": fee}) == {f"participants[0].fee.{field}": message}


def test_a_fee_beyond_every_maximum_is_refused(clinic: Clinic) -> None:
    for amount in (100_000_000, 2**63, 10**30, 10**4000):
        assert list(told(clinic, {"fee": {"amount": amount, "currency": "aud"}})) == ["participants[0].fee.amount"]


def test_a_currency_of_nonsense_is_not_repeated(clinic: Clinic) -> None:
    for currency in ("", "aud ", "dollars", "<script>alert(1)</script>", "\u0130\u0130\u0130"):
        reply = refused(clinic, {"fee": {"amount": 8000, "currency": currency}})
        assert fields_of(reply) == ["participants[0].fee.currency"]
        assert "script" not in reply.body


@pytest.mark.parametrize("fee", ["8000", "80", '{"amount": 80}', 8000, [8000], True])
def test_a_fee_that_is_no_object_is_told_what_to_send(clinic: Clinic, fee: object) -> None:
    message = told(clinic, {"fee": fee})["participants[0].fee"]
    assert message.startswith("send an object with the amount in the minor unit")


def test_a_host_carries_no_fee(clinic: Clinic) -> None:
    message = "a HOST carries no fee; attach it to a GUEST"
    assert told(clinic, {"role": "host", "fee": AUD}) == {"participants[0].fee": message}


@pytest.mark.parametrize("name", ["fees", "Fee", "FEE", "fee ", "price", "amount", "fee\u200b"])
def test_a_misspelt_fee_never_becomes_a_free_consultation(clinic: Clinic, name: str) -> None:
    assert told(clinic, {name: AUD}) == {f"participants[0].{name}": "is not a field here; check its spelling"}


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"accounts": ()}, "connect its Stripe account"),
        ({"accounts": (PayeeAccount(None, charges_enabled=False),)}, "see in Stripe what it asks for"),
        ({"accounts": (PayeeAccount("acct_1", disconnected_at=NOON),)}, "is not connected any more"),
    ],
)
def test_a_fee_of_a_clinic_that_cannot_charge_is_409_with_what_to_do(
    clinic: Clinic, changes: dict[str, tuple[PayeeAccount, ...]], detail: str
) -> None:
    clinic.change_team(**changes)
    before = fingerprint(clinic.edge.world)
    reply = clinic.schedule({"role": "HOST"}, {"fee": AUD})
    assert reply.status == 409
    assert detail in reply.json()["detail"]
    assert fingerprint(clinic.edge.world) == before
    assert clinic.schedule({"role": "HOST"}, {"fee": None}).status == 200


# --- participants -------------------------------------------------------------------------------------------------


def test_read_only_fields_are_unknown_when_a_participant_is_made(clinic: Clinic) -> None:
    assert list(told(clinic, {"participant_id": "x", "payment": None})) == [
        "participants[0].participant_id",
        "participants[0].payment",
    ]


@pytest.mark.parametrize("role", ["OWNER", "HOST ", "h\u00f6st", "0"])
def test_an_unknown_role_is_refused_with_those_there_are(clinic: Clinic, role: str) -> None:
    assert told(clinic, {}, {"role": role}) == {"participants[1].role": "must be one of: HOST, GUEST, PARTICIPANT"}


def test_a_picture_of_true_is_no_picture(clinic: Clinic) -> None:
    assert set(told(clinic, {"picture": True}, picture=True)) == {"picture", "participants[0].picture"}


@pytest.mark.parametrize(
    ("field", "limit"), [("display_name", 255), ("email", 255), ("phone", 255), ("picture", 2048), ("state", 1024)]
)
def test_a_participants_texts_have_limits_in_characters(clinic: Clinic, field: str, limit: int) -> None:
    assert clinic.schedule({field: "\U0001f600" * limit}).status == 200
    message = f"at most {limit} characters; {limit + 1} were sent"
    assert told(clinic, {field: "\U0001f600" * (limit + 1)}) == {f"participants[0].{field}": message}


def test_a_sessions_texts_have_limits_too(clinic: Clinic) -> None:
    long = {"session_name": "n" * 256, "picture": "p" * 2049, "feature_flags": ["f"] * 50 + ["f" * 256]}
    assert set(told(clinic, **long)) == {"session_name", "picture", "feature_flags", "feature_flags[50]"}


def test_feature_flags_are_a_list_of_texts(clinic: Clinic) -> None:
    for flags in ("a", [1], [None], {"a": 1}):
        assert list(told(clinic, feature_flags=flags)) == ["feature_flags"]


def test_51_participants_are_one_too_many(clinic: Clinic) -> None:
    assert told(clinic, *({} for _ in range(51))) == {"participants": "at most 50; 51 were sent"}


def test_a_session_of_more_than_150_kilobytes_is_refused(clinic: Clinic) -> None:
    """Every text within its own limit in characters, and 4 bytes each."""
    person = {"display_name": "\U0001f600" * 255, "state": "\U0001f600" * 512}
    reply = refused_raw(clinic, [person] * 50)
    assert [one["field"] for one in reply.json()["errors"]] == ["participants"]
    assert "at most 153600 are kept" in reply.body


def refused_raw(clinic: Clinic, participants: list[dict[str, str]]) -> Reply:
    """In UTF-8, since escapes would make the body larger than the edge reads."""
    people = ",".join(f'{{"display_name": "{p["display_name"]}", "state": "{p["state"]}"}}' for p in participants)
    before = fingerprint(clinic.edge.world)
    reply = clinic.post(
        f'{{"start_time": "2026-03-02T12:00:00Z", "end_time": "2026-03-02T12:30:00Z", "participants": [{people}]}}'
    )
    assert reply.status == 422
    assert fingerprint(clinic.edge.world) == before
    return reply


# --- all at once --------------------------------------------------------------------------------------------------


def test_every_broken_rule_is_told_at_once(clinic: Clinic) -> None:
    fields = {"session_name": "n" * 256, "start_time": "2026-03-02T12:00:00Z", "end_time": "2026-03-02T11:00:00Z"}
    people = (
        {"role": "HOST", "fee": AUD},
        {"display_name": "n" * 256, "fee": {"amount": 99, "currency": "aud"}},
        {"fee": {"amount": 8000, "currency": "xxx", "payee": "acct_x"}},
    )
    assert set(told(clinic, *people, **fields)) == {
        "session_name",
        "end_time",
        "participants[0].fee",
        "participants[1].display_name",
        "participants[1].fee.amount",
        "participants[2].fee.payee",
        "participants[2].fee.currency",
    }


def test_both_times_a_role_and_a_picture_are_told_at_once(clinic: Clinic) -> None:
    assert set(told(clinic, {"role": "x"}, {"picture": True}, start_time="x", end_time="y", picture=True)) == {
        "start_time",
        "end_time",
        "picture",
        "participants[0].role",
        "participants[1].picture",
    }


def test_no_number_of_mistakes_makes_an_answer_too_large_for_lambda(clinic: Clinic) -> None:
    """128,000 wrong participants fit into the body; told one by one they were 9 MB, and Lambda answers at most 6."""
    before = fingerprint(clinic.edge.world)
    body = '{"start_time": "x", "end_time": "x", "participants": [' + ",".join("0" * 100_000) + "]}"
    reply = clinic.post(body)
    assert reply.status == 422
    assert len(reply.json()["errors"]) == 100
    assert len(reply.body) < 20_000
    assert fingerprint(clinic.edge.world) == before
