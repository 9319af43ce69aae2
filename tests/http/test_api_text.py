"""Text of strangers: what names may hold, how long a query may be, and what of the clinic's a link does not tell."""

from __future__ import annotations

import pytest

from chalicelib.domain.teams import PayeeAccount
from tests.support.clinic import Clinic, fingerprint, path_of

START, END = "2026-03-02T12:00:00Z", "2026-03-02T12:30:00Z"


@pytest.mark.parametrize(
    ("character", "named"), [("\x00", "U+0000"), ("\n", "U+000A"), ("\t", "U+0009"), ("\x7f", "U+007F")]
)
def test_a_control_character_in_a_name_is_refused_by_its_number(clinic: Clinic, character: str, named: str) -> None:
    before = fingerprint(clinic.edge.world)
    name = f"Ann{character}Lee"
    session = {"session_name": name, "start_time": START, "end_time": END, "participants": [{"display_name": name}]}
    reply = clinic.ask("POST", "/v1/sessions", session)
    assert reply.status == 422
    assert reply.json()["errors"] == [
        {"field": field, "message": f"must not hold control characters; {named} was sent"}
        for field in ("session_name", "participants[0].display_name")
    ]
    assert fingerprint(clinic.edge.world) == before


@pytest.mark.parametrize(
    "name", ["\u202egnp.exe", "\u2066Ann\u2069", "Zo\u00eb \U0001f469\u200d\u2695\ufe0f", "\u0646\u0648\u0631"]
)
def test_names_of_any_script_come_back_exactly_as_they_were_sent(clinic: Clinic, name: str) -> None:
    """Overrides of direction too: the pages take them out, the clinic's own software may need them."""
    reply = clinic.ask("POST", "/v1/sessions", {"session_name": name, "start_time": START, "end_time": END})
    assert reply.json()["session_name"] == name
    assert clinic.read(reply.json()["session_id"]).json()["session_name"] == name


def test_a_huge_query_string_is_read_and_its_unknown_part_ignored(clinic: Clinic) -> None:
    assert clinic.ask("GET", f"/v1/sessions?unknown={'x' * 100_000}").status == 200
    refused = clinic.ask("GET", f"/v1/sessions?cursor={'x' * 100_000}&state={'y' * 100_000}")
    assert (refused.status, [one["field"] for one in refused.json()["errors"]]) == (422, ["cursor"])
    assert len(refused.body) < 2000


def test_a_link_does_not_tell_whose_stripe_account_is_paid(clinic: Clinic) -> None:
    clinic.change_team(accounts=(PayeeAccount(None), PayeeAccount("acct_of_dr_lee", is_default=False)))
    fee = {"amount": 8000, "currency": "aud", "payee": "acct_of_dr_lee"}
    guest = clinic.schedule({"display_name": "Ann", "fee": fee}).json()["participants"][0]
    assert guest["fee"]["payee"] == "acct_of_dr_lee"
    link = clinic.edge.get(path_of(guest["entry_url"]), Accept="application/json")
    assert (link.json()["fee"]["amount"], link.json()["fee"]["payee"]) == (8000, None)
    assert "acct_of_dr_lee" not in link.body
