"""What a change of a team leaves in the audit: who decided what about its money or access."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.domain.books import AuditEntry, AuditRow
from chalicelib.domain.team_audit import created_audit, team_audit
from chalicelib.domain.teams import PayeeAccount, Plan, Team

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FIRST, SECOND = PayeeAccount("acct_1"), PayeeAccount("acct_2", is_default=False)
TEAM = Team("team-1", "Riverside Clinic", NOON, accounts=(FIRST, SECOND))
PAT = "operator:pat"


def entries(before: Team, after: Team) -> list[tuple[str, str | None, str | None]]:
    """What, about which account, and why."""
    row = team_audit(before, after, by=PAT, at=NOON, audit_id="a1")
    if row is None:
        return []
    assert row == AuditRow("team-1", None, NOON, "a1", row.entries)
    assert all(entry == AuditEntry(entry.what, PAT, about=entry.about, why=entry.why) for entry in row.entries)
    return [(entry.what, entry.about, entry.why) for entry in row.entries]


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (replace(TEAM, plan=Plan.ESSENTIALS), ("plan_changed", None, "from standard to essentials")),
        (
            replace(TEAM, scheduling_add_on=True),
            ("plan_changed", None, "from standard to standard with the scheduling add-on"),
        ),
        (
            replace(TEAM, fee_basis_points=90),
            ("platform_fee_changed", None, "from the plan's rate to 90 basis points"),
        ),
        (replace(TEAM, suspended=True), ("suspended", None, None)),
        (replace(TEAM, more_currencies=("nzd",)), ("currencies_changed", None, "to aud, nzd")),
        (replace(TEAM, deleted_at=NOON), ("deleted", None, "only the books are kept")),
        (
            replace(TEAM, accounts=(*TEAM.accounts, PayeeAccount("acct_3", is_default=False))),
            ("account_connected", "acct_3", None),
        ),
        (
            replace(TEAM, accounts=(FIRST, replace(SECOND, disconnected_at=NOON))),
            ("account_disconnected", "acct_2", None),
        ),
        (replace(TEAM, accounts=(FIRST,)), ("account_dropped", "acct_2", None)),
        (
            replace(TEAM, accounts=(FIRST, replace(SECOND, charges_enabled=False, disabled_reason="listed"))),
            ("charges_disabled", "acct_2", "listed"),
        ),
        (
            replace(TEAM, accounts=(replace(FIRST, is_default=False), replace(SECOND, is_default=True))),
            ("account_made_default", "acct_2", None),
        ),
    ],
)
def test_each_decision_is_an_entry_and_back_again_is_another(
    after: Team, told: tuple[str, str | None, str | None]
) -> None:
    assert entries(TEAM, after) == [told]
    assert len(entries(after, TEAM)) == (0 if told[0] == "deleted" else 1)


def test_who_is_let_go_on_has_an_entry_too() -> None:
    assert entries(replace(TEAM, suspended=True), TEAM) == [("resumed", None, None)]


def test_a_first_account_that_cannot_charge_yet_says_so() -> None:
    account = PayeeAccount(None, charges_enabled=False, disabled_reason="requirements.past_due")
    assert entries(replace(TEAM, accounts=()), replace(TEAM, accounts=(account,))) == [
        ("account_connected", "own", None),
        ("charges_disabled", "own", "requirements.past_due"),
        ("account_made_default", "own", None),
    ]


def test_an_account_that_can_charge_again_and_one_dropped_that_was_our_own() -> None:
    unable = replace(TEAM, accounts=(FIRST, replace(SECOND, charges_enabled=False)))
    assert entries(unable, TEAM) == [("charges_enabled", "acct_2", None)]
    assert entries(replace(TEAM, accounts=(PayeeAccount(None),)), replace(TEAM, accounts=())) == [
        ("account_dropped", "own", None)
    ]


def test_what_was_over_already_is_not_told_again() -> None:
    deleted = replace(TEAM, deleted_at=NOON)
    assert entries(deleted, replace(deleted, suspended=True)) == [("suspended", None, None)]
    gone = replace(SECOND, disconnected_at=NOON)
    before = replace(TEAM, accounts=(FIRST, gone))
    assert entries(before, replace(before, accounts=(FIRST, replace(gone, charges_enabled=False)))) == [
        ("charges_disabled", "acct_2", None)
    ]
    assert entries(replace(TEAM, accounts=(FIRST,)), before) == []


def test_what_is_nobodys_money_or_access_leaves_nothing() -> None:
    assert team_audit(TEAM, TEAM, by=PAT, at=NOON, audit_id="a1") is None
    assert entries(TEAM, replace(TEAM, name="Bay Road Clinic", allowed_origins=("https://clinic.example",))) == []


def test_a_suspension_and_its_end_say_why() -> None:
    suspended = replace(TEAM, suspended=True)
    row = team_audit(TEAM, suspended, by=PAT, at=NOON, audit_id="a1", why="unpaid bills")
    assert row is not None
    assert row.entries == (AuditEntry("suspended", PAT, why="unpaid bills"),)
    row = team_audit(suspended, replace(TEAM, fee_basis_points=90), by=PAT, at=NOON, audit_id="a1", why="paid")
    assert row is not None
    assert row.entries == (
        AuditEntry("platform_fee_changed", PAT, why="from the plan's rate to 90 basis points"),
        AuditEntry("resumed", PAT, why="paid"),
    )


def test_who_made_a_team_is_told_with_its_plan_and_what_was_agreed() -> None:
    made = created_audit(replace(TEAM, scheduling_add_on=True), by=PAT, at=NOON, audit_id="a1")
    entry = AuditEntry("created", PAT, why="standard with the scheduling add-on")
    assert made == AuditRow("team-1", None, NOON, "a1", (entry,))
    made = created_audit(replace(TEAM, fee_basis_points=0), by=PAT, at=NOON, audit_id="a1")
    assert made.entries == (AuditEntry("created", PAT, why="standard, 0 basis points"),)
