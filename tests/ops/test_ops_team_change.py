"""What the operator changes of a clinic: only what is named, audited, and told with what it means."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.books import AuditEntry
from chalicelib.domain.teams import PayeeAccount, Plan, Team
from tests.ops.desk import Desk
from tests.support.world import NOON, OTHER_TEAM_ID, TEAM_ID, World

KNOWN = "Running functions know it within 60 s."


@pytest.fixture(autouse=True)
def named(world: World) -> None:
    """The team has its subdomain already, which the first command would else give it."""
    world.change_team(subdomain="riverside-clinic")


def audited(world: World, team_id: str = TEAM_ID) -> list[AuditEntry]:
    rows = world.audit.between(team_id, NOON, NOON + timedelta(days=1))
    return [entry for row in rows for entry in row.entries]


def said(desk: Desk) -> list[str]:
    """What is said below the picture of the team."""
    return desk.printed.split("\n\n")[1].splitlines()


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        (("--name", "Bay Road Clinic"), {"name": "Bay Road Clinic"}),
        (("--plan", "clinic"), {"plan": Plan.PREMIUM}),
        (("--plan", "Starter"), {"plan": Plan.ESSENTIALS}),
        (("--scheduling-add-on",), {"scheduling_add_on": True}),
        (("--fee-basis-points", "90"), {"fee_basis_points": 90}),
        (("--currency", "NZD"), {"default_currency": "nzd"}),
        (("--also-takes", "nzd", "--also-takes", "usd"), {"more_currencies": ("nzd", "usd")}),
        (("--host-lead", "15", "--guest-lead", "5"), {"host_lead": timedelta(minutes=15), "guest_lead": 5}),
        (("--delayed-method", "au_becs_debit"), {"delayed_methods": ("au_becs_debit",)}),
        (("--frame-ancestor", "https://*.Clinic.example"), {"frame_ancestors": ("https://*.clinic.example",)}),
    ],
)
def test_what_is_named_changes_and_nothing_else(
    desk: Desk, world: World, options: tuple[str, ...], changed: dict[str, object]
) -> None:
    before, other = world.teams.get(TEAM_ID), world.teams.get(OTHER_TEAM_ID)
    assert desk.run("team", "change", TEAM_ID, *options) == 0, desk.complained
    leads = {name: timedelta(minutes=5) for name, value in changed.items() if value == 5}
    assert world.teams.get(TEAM_ID) == replace(before, **{**changed, **leads})  # type: ignore[arg-type]
    assert world.teams.get(OTHER_TEAM_ID) == other
    assert said(desk)[-1] == KNOWN


FULL = {
    "scheduling_add_on": True,
    "fee_basis_points": 90,
    "more_currencies": ("nzd",),
    "delayed_methods": ("au_becs_debit",),
    "frame_ancestors": ("https://clinic.example",),
}


@pytest.mark.parametrize(
    ("option", "changed"),
    [
        ("--no-scheduling-add-on", {"scheduling_add_on": False}),
        ("--plan-fee", {"fee_basis_points": None}),
        ("--no-other-currencies", {"more_currencies": ()}),
        ("--no-delayed-methods", {"delayed_methods": ()}),
        ("--no-frame-ancestors", {"frame_ancestors": ()}),
    ],
)
def test_what_was_given_is_taken_back(desk: Desk, world: World, option: str, changed: dict[str, object]) -> None:
    full = world.change_team(**FULL)
    assert desk.run("team", "change", TEAM_ID, option) == 0, desk.complained
    assert world.teams.get(TEAM_ID) == replace(full, **changed)  # type: ignore[arg-type]


def test_with_nothing_named_it_is_asked_wrongly(desk: Desk, world: World) -> None:
    with world.seam.counted() as spent:
        assert desk.run("team", "change", TEAM_ID, "--by", "pat") == 2
    assert (spent().reads, spent().writes) == (0, 0)
    assert desk.complained == "name what to change: python -m ops team change --help\n"


@pytest.mark.parametrize(
    "options",
    [
        ("--plan", "gold"),
        ("--fee-basis-points", "-1"),
        ("--fee-basis-points", "1.5"),
        ("--fee-basis-points", "90", "--plan-fee"),
        ("--also-takes", "nzd", "--no-other-currencies"),
        ("--currency", "xxx"),
        ("--default-account", "mine"),
        ("--host-lead", "soon"),
        ("--frame-ancestor", "*"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_reached(
    desk: Desk, world: World, options: tuple[str, ...]
) -> None:
    before = world.teams.get(TEAM_ID)
    with pytest.raises(SystemExit) as left:
        desk.run("team", "change", TEAM_ID, *options)
    assert left.value.code == 2
    assert world.teams.get(TEAM_ID) == before


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (("--name", " "), 2, "a team's name is 1 to 200 printable characters"),
        (("--fee-basis-points", "10001"), 2, "a platform fee is 0 to 10000 basis points"),
        (("--guest-lead", "1441"), 2, "people enter 0 to 1440 minutes before the start"),
        (("--delayed-method", "card"), 2, "delayed payment methods are: acss_debit"),
        (("--default-account", "acct_9"), 1, "the team has no such account connected"),
    ],
)
def test_what_a_team_cannot_be_is_refused_and_changes_nothing(
    desk: Desk, world: World, options: tuple[str, ...], code: int, told: str
) -> None:
    before = world.teams.get(TEAM_ID)
    assert desk.run("team", "change", TEAM_ID, *options) == code
    assert desk.complained.startswith(told)
    assert world.teams.get(TEAM_ID) == before
    assert audited(world) == []


def test_the_same_again_is_no_change(desk: Desk, world: World) -> None:
    with world.seam.counted() as spent:
        assert desk.run("team", "change", TEAM_ID, "--plan", "standard") == 0
    assert spent().writes == 0
    assert said(desk) == ["It was so already; nothing was changed."]


def test_who_changed_the_plan_and_the_fee_is_in_the_audit(desk: Desk, world: World) -> None:
    desk.run("team", "change", TEAM_ID, "--plan", "enterprise", "--fee-basis-points", "90", "--by", "pat")
    assert audited(world) == [
        AuditEntry("plan_changed", "operator:pat", why="from standard to enterprise"),
        AuditEntry("platform_fee_changed", "operator:pat", why="from the plan's rate to 90 basis points"),
    ]
    assert desk.field("platform fee") == "90 basis points, as agreed"
    assert audited(world, OTHER_TEAM_ID) == []


OTHER_ACCOUNT = (
    "Fees without a payee are paid to it from now on; offers and payments already made stay on their account."
)
ACCOUNTS = (PayeeAccount("acct_1"), PayeeAccount("acct_2", is_default=False), PayeeAccount(None, is_default=False))


@pytest.mark.parametrize(
    ("before", "options", "sentences"),
    [
        (
            {"accounts": ACCOUNTS},
            ("--plan", "essentials"),
            [
                "Sessions already scheduled keep working; nothing new can be scheduled without the add-on.",
                "Offers already made keep their platform fee; those made from now on have 250 basis points.",
            ],
        ),
        (
            {"accounts": ()},
            ("--plan", "essentials", "--scheduling-add-on"),
            ["Offers already made keep their platform fee; those made from now on have 250 basis points."],
        ),
        ({"plan": Plan.ESSENTIALS}, ("--scheduling-add-on",), ["It may schedule sessions now."]),
        ({"accounts": ACCOUNTS}, ("--plan", "premium"), []),
        ({}, ("--fee-basis-points", "0"), []),
        (
            {"accounts": ACCOUNTS},
            ("--fee-basis-points", "0"),
            ["Offers already made keep their platform fee; those made from now on have 0 basis points."],
        ),
        ({"accounts": ACCOUNTS}, ("--fee-basis-points", "150"), []),
        (
            {"accounts": ACCOUNTS},
            ("--default-account", "acct_2"),
            [OTHER_ACCOUNT],
        ),
        (
            {"accounts": ACCOUNTS},
            ("--default-account", "own"),
            [OTHER_ACCOUNT],
        ),
        (
            {"more_currencies": ("nzd",)},
            ("--no-other-currencies",),
            ["Fees already set in a currency that it takes no more stay, and can be paid."],
        ),
        ({}, ("--also-takes", "nzd"), []),
        ({}, ("--name", "Newer"), ["Offers already made show the former name at Checkout."]),
        (
            {"more_currencies": ("eur",)},
            ("--delayed-method", "sepa_debit"),
            ["Offers already made keep their payment methods."],
        ),
        (
            {"accounts": (PayeeAccount(None, country="NZ"),)},
            ("--delayed-method", "sepa_debit", "--delayed-method", "au_becs_debit"),
            [
                "Offers already made keep their payment methods.",
                "sepa_debit will never be used by it: it takes eur only.",
                "au_becs_debit will never be used by it: it is for accounts in AU only.",
            ],
        ),
        (
            {"more_currencies": ("eur",), "delayed_methods": ("au_becs_debit", "sepa_debit")},
            ("--no-other-currencies",),
            [
                "Fees already set in a currency that it takes no more stay, and can be paid.",
                "sepa_debit will never be used by it: it takes eur only.",
            ],
        ),
        ({}, ("--host-lead", "5"), ["Sessions already scheduled open by it, too."]),
        ({}, ("--guest-lead", "5"), ["Sessions already scheduled open by it, too."]),
    ],
)
def test_what_a_change_means_is_said_where_it_matters(
    desk: Desk, world: World, before: dict[str, object], options: tuple[str, ...], sentences: list[str]
) -> None:
    world.change_team(**before)
    assert desk.run("team", "change", TEAM_ID, *options) == 0, desk.complained
    assert said(desk) == [*sentences, KNOWN]


def test_another_default_account_is_one_of_its_own(desk: Desk, world: World) -> None:
    world.change_team(accounts=ACCOUNTS)
    assert desk.run("team", "change", TEAM_ID, "--default-account", "own") == 0
    assert world.teams.get(TEAM_ID).payee(None) == PayeeAccount(None)
    assert desk.run("team", "change", TEAM_ID, "--default-account", "acct_2") == 0
    assert world.teams.get(TEAM_ID).payee(None) == PayeeAccount("acct_2")


# --- suspended --------------------------------------------------------------------------------------------------------


def test_a_suspension_says_why_and_what_it_leaves_alone(desk: Desk, world: World) -> None:
    assert desk.run("team", "suspend", TEAM_ID, "--why", "unpaid bills", "--by", "pat") == 0
    assert world.teams.get(TEAM_ID).suspended
    assert not world.teams.get(OTHER_TEAM_ID).suspended
    assert audited(world) == [AuditEntry("suspended", "operator:pat", why="unpaid bills")]
    lines = desk.printed.splitlines()
    assert lines[0] == f"team {TEAM_ID} is suspended: it schedules nothing (403), and offers nothing to pay."
    assert "Who has paid still enters" in lines[1]
    assert "A client who is on Stripe's page now may still pay there" in lines[2]
    assert lines[-1] == KNOWN


def test_it_is_suspended_once_and_resumed_once(desk: Desk, world: World) -> None:
    desk.run("team", "suspend", TEAM_ID, "--why", "unpaid bills", "--by", "pat")
    assert desk.run("team", "suspend", TEAM_ID, "--why", "again") == 0
    assert desk.printed == f"team {TEAM_ID} was suspended already; nothing was changed\n"
    world.clock.advance(minutes=1)
    assert desk.run("team", "resume", TEAM_ID, "--why", "paid", "--by", "ada") == 0
    assert desk.printed == f"team {TEAM_ID} is resumed: it schedules again, and it can charge.\n{KNOWN}\n"
    assert desk.run("team", "resume", TEAM_ID) == 0
    assert desk.printed == f"team {TEAM_ID} was not suspended; nothing was changed\n"
    assert audited(world) == [
        AuditEntry("suspended", "operator:pat", why="unpaid bills"),
        AuditEntry("resumed", "operator:ada", why="paid"),
    ]


def test_who_is_resumed_does_what_plan_and_account_allow(desk: Desk, world: World) -> None:
    world.change_team(suspended=True, plan=Plan.ESSENTIALS, accounts=())
    desk.run("team", "resume", TEAM_ID)
    assert "its plan lets it schedule nothing, and it cannot charge, see: python -m ops team show" in desk.printed


@pytest.mark.parametrize("why", [(), ("--why", " "), ("--why", "two\nlines"), ("--why", "x" * 256)])
def test_a_suspension_needs_a_reason(desk: Desk, world: World, why: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit):
        desk.run("team", "suspend", TEAM_ID, *why)
    assert not world.teams.get(TEAM_ID).suspended


@pytest.mark.parametrize(
    "argv",
    [
        ("team", "change", TEAM_ID, "--name", "Newer"),
        ("team", "suspend", TEAM_ID, "--why", "x"),
        ("team", "resume", TEAM_ID),
        ("team", "allow-origins", TEAM_ID, "https://clinic.example"),
        ("client", "add", TEAM_ID),
    ],
)
def test_a_deleted_team_is_changed_no_more(desk: Desk, world: World, argv: tuple[str, ...]) -> None:
    deleted: Team = world.change_team(deleted_at=NOON, suspended=True)
    assert desk.run(*argv) == 1
    assert desk.complained == f"team {TEAM_ID} is deleted; only its books are kept\n"
    assert world.teams.get(TEAM_ID) == deleted
    assert list(world.api_clients.all()) == []


@pytest.mark.parametrize("argv", [("change", "--name", "x"), ("suspend", "--why", "x"), ("resume",)])
def test_an_unknown_team_is_not_changed(desk: Desk, argv: tuple[str, ...]) -> None:
    command, *options = argv
    assert desk.run("team", command, "0197b3c4-d5e6-7788-99aa-bbccddeeff00", *options) == 1
    assert desk.complained.startswith("no such team 0197b3c4-d5e6-7788-99aa-bbccddeeff00")
