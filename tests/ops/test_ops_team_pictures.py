"""What the operator sees of clinics: the list with their state, one of them in full, its API clients."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.teams import PayeeAccount, Plan, RefusedMethod, RoomSettings
from tests.ops.desk import Desk
from tests.support.world import NOON, OTHER_TEAM_ID, ROOM_KEY, TEAM_ID, World, settings_of

SINCE = "2026-03-02T12:00:00Z"
PAST_DUE = "requirements.past_due"
UNFINISHED = "its owner has not filled in what Stripe asks for"
RESTRICTED = PayeeAccount(
    "acct_1",
    charges_enabled=False,
    details_submitted=False,
    disabled_reason=PAST_DUE,
    country="AU",
    default_currency="aud",
    connected_at=NOON,
)
GONE = PayeeAccount("acct_2", is_default=False, connected_at=NOON, disconnected_at=NOON + timedelta(hours=1))


def test_a_list_has_the_state_of_each_and_why_it_cannot_charge(desk: Desk, world: World) -> None:
    world.change_team(accounts=(RESTRICTED, GONE))
    assert desk.run("team", "list") == 0
    first, second = desk.printed.splitlines()
    why = "cannot charge: Stripe restricts its default account (requirements.past_due)"
    assert first == f"{TEAM_ID}  2026-03-02T12:00:00Z  standard  active  {why}  1 account  Riverside Clinic"
    assert second.split() == [
        OTHER_TEAM_ID,
        "2026-03-02T12:00:00Z",
        *("standard", "active", "can", "charge", "1", "account", "Hill", "Street", "Clinic"),
    ]


@pytest.mark.parametrize(
    ("changes", "states"),
    [
        ({}, {"active"}),
        ({"accounts": ()}, {"active", "cannot-charge"}),
        ({"suspended": True, "accounts": ()}, {"suspended"}),
        ({"deleted_at": NOON, "suspended": True, "name": ""}, {"deleted"}),
    ],
)
def test_a_state_picks_its_teams(desk: Desk, world: World, changes: dict[str, object], states: set[str]) -> None:
    world.change_team(**changes)
    for state in ("active", "suspended", "deleted", "cannot-charge"):
        assert desk.run("team", "list", "--state", state) == 0
        assert bool(desk.lines_with(TEAM_ID)) is (state in states), state
        assert bool(desk.lines_with(OTHER_TEAM_ID)) is (state == "active")


def test_where_no_team_is_in_that_state_it_is_said(desk: Desk) -> None:
    desk.run("team", "list", "--state", "deleted")
    assert desk.printed == "there is no such team\n"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"accounts": ()}, "it has no Stripe account"),
        (
            {"accounts": (PayeeAccount("acct_1", disconnected_at=NOON),)},
            "its default account is not connected any more",
        ),
        ({"accounts": (RESTRICTED,)}, "Stripe restricts its default account (requirements.past_due)"),
        ({"accounts": (PayeeAccount(None, charges_enabled=False),)}, "Stripe restricts its default account"),
        ({"suspended": True}, "it is suspended"),
        ({"suspended": True, "deleted_at": NOON}, "it is deleted"),
    ],
)
def test_why_a_team_cannot_charge_is_said(desk: Desk, world: World, changes: dict[str, object], why: str) -> None:
    world.change_team(**changes)
    desk.run("team", "show", TEAM_ID)
    assert desk.field("can charge") == f"no: {why}"


def test_a_team_is_shown_in_full_without_its_secrets(desk: Desk, world: World) -> None:
    world.change_team(
        plan=Plan.ESSENTIALS,
        scheduling_add_on=True,
        more_currencies=("nzd", "usd"),
        accounts=(RESTRICTED, GONE, PayeeAccount(None, is_default=False)),
        host_lead=timedelta(minutes=15),
        delayed_methods=("au_becs_debit",),
        frame_ancestors=("https://clinic.example",),
        room=RoomSettings("jitsi", "https://rooms.example", ROOM_KEY),
    )
    desk.run("client", "add", TEAM_ID, "--name", "Booking page")
    client_id, secret = desk.field("client_id"), desk.field("client_secret")
    desk.run("client", "rotate-secret", client_id)
    desk.run("client", "add", OTHER_TEAM_ID, "--name", "Of another")
    assert desk.run("team", "show", TEAM_ID) == 0
    assert desk.field("state") == "active"
    assert desk.field("plan") == "essentials with the scheduling add-on"
    assert desk.field("currency") == "aud"
    assert desk.field("also takes") == "nzd, usd"
    assert desk.field("hosts enter") == "15 min before the start"
    assert desk.field("guests enter") == "at the start"
    assert desk.field("delayed methods") == "au_becs_debit"
    assert desk.field("framed by") == "https://clinic.example"
    assert desk.field("rooms") == "its own (jitsi)"
    assert accounts_shown(desk) == [
        f"acct_1, the default, connected since {SINCE}, in AU, paid in aud, {UNFINISHED}, cannot charge ({PAST_DUE})",
        "acct_2, connected since 2026-03-02T12:00:00Z, disconnected since 2026-03-02T13:00:00Z",
        "our own account",
    ]
    assert desk.field("client") == f"{client_id}  2026-03-02T12:00:00Z  enabled  2 secrets  Booking page"
    assert ROOM_KEY not in desk.printed
    assert secret not in desk.printed


def test_a_method_that_stripe_refused_and_one_that_is_never_used_are_shown(desk: Desk, world: World) -> None:
    refused = (RefusedMethod("au_becs_debit", NOON),)
    world.change_team(
        accounts=(PayeeAccount("acct_1", refused_methods=refused),), delayed_methods=("au_becs_debit", "sepa_debit")
    )
    desk.run("team", "show", TEAM_ID)
    assert desk.field("delayed methods") == "au_becs_debit, sepa_debit (never used: it takes eur only)"
    how = "cards alone are offered: activate it in Stripe, or remove it"
    assert accounts_shown(desk) == [f"acct_1, the default, refused au_becs_debit at {SINCE} ({how})"]


def test_an_account_that_was_away_is_shown_as_such_until_all_is_known(desk: Desk, world: World) -> None:
    later = NOON + timedelta(hours=1)
    world.change_team(accounts=(PayeeAccount("acct_1", connected_at=later, reconciled_until=NOON),))
    desk.run("team", "show", TEAM_ID)
    unseen = f"not all known since {SINCE}, when it was away (the coming night looks it up)"
    assert accounts_shown(desk) == [f"acct_1, the default, connected since 2026-03-02T13:00:00Z, {unseen}"]


def accounts_shown(desk: Desk) -> list[str]:
    lines = [line.split(maxsplit=1) for line in desk.printed.splitlines()]
    return [rest[0] for what, *rest in lines if what == "account"]


def test_a_team_with_nothing_says_so(desk: Desk, world: World) -> None:
    world.change_team(accounts=())
    desk.run("team", "show", TEAM_ID)
    assert (desk.field("account"), desk.field("client")) == ("none", "none")
    assert (desk.field("also takes"), desk.field("delayed methods")) == ("no other", "none")
    assert desk.field("framed by") == "no site may show links in a frame"
    assert desk.field("rooms") == "the deployment's"


def test_a_deleted_team_is_shown_as_such(desk: Desk, world: World) -> None:
    world.change_team(deleted_at=NOON, suspended=True, name="")
    desk.run("team", "show", TEAM_ID)
    assert desk.field("state") == "deleted since 2026-03-02T12:00:00Z"
    assert desk.field("name") == "-"
    assert desk.field("schedules") == "no"


def test_the_clients_of_one_clinic_are_listed(desk: Desk, world: World) -> None:
    desk.run("client", "list", TEAM_ID)
    assert desk.printed == "the team has no API client\n"
    desk.run("client", "add", TEAM_ID, "--name", "Booking page")
    first = desk.field("client_id")
    world.clock.advance(minutes=1)
    desk.run("client", "add", TEAM_ID)
    second = desk.field("client_id")
    desk.run("client", "disable", first)
    desk.run("client", "add", OTHER_TEAM_ID)
    assert desk.run("client", "list", TEAM_ID) == 0
    assert [line.split() for line in desk.printed.splitlines()] == [
        [first, "2026-03-02T12:00:00Z", "disabled", "since", "2026-03-02T12:01:00Z", "1", "secret", "Booking", "page"],
        [second, "2026-03-02T12:01:00Z", "enabled", "1", "secret", "-"],
    ]


def test_the_clients_of_an_unknown_clinic_are_not_listed(desk: Desk) -> None:
    assert desk.run("client", "list", "0197b3c4-d5e6-7788-99aa-bbccddeeff00") == 1


# --- created ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connect", "options", "accounts"),
    [
        ("off", (), (PayeeAccount(None),)),
        ("on", (), ()),
        ("on", ("--own-account",), (PayeeAccount(None),)),
        ("off", ("--no-account",), ()),
    ],
)
def test_a_team_begins_with_the_account_that_its_deployment_has_for_it(
    connect: str, options: tuple[str, ...], accounts: tuple[PayeeAccount, ...]
) -> None:
    world = World(settings_of(ANTEROOM_CONNECT=connect))
    desk = Desk(world)
    assert desk.run("team", "create", "Bay Road Clinic", *options) == 0
    assert world.teams.get(desk.field("team")).accounts == accounts
    assert ("POST /v1/stripe/connect" in desk.printed) is (connect == "on" and not accounts)
    assert ("while ANTEROOM_CONNECT is off" in desk.printed) is (connect == "off" and not accounts)


def test_an_account_is_its_own_or_none_and_not_both(desk: Desk) -> None:
    with pytest.raises(SystemExit):
        desk.run("team", "create", "Bay Road Clinic", "--own-account", "--no-account")


def test_who_created_a_team_is_in_its_audit(desk: Desk, world: World) -> None:
    desk.run("team", "create", "Bay Road Clinic", "--plan", "starter", "--by", "pat")
    team_id = desk.field("team")
    (row,) = world.audit.between(team_id, NOON, NOON + timedelta(days=1))
    assert [(one.what, one.who, one.why) for one in row.entries] == [("created", "operator:pat", "essentials")]


@pytest.mark.parametrize(
    ("account", "says"),
    [
        (replace(GONE, country="BR", platform_country="AU"), "Stripe takes none across the border to AU"),
        (
            replace(GONE, country="NZ", fee_refused=True),
            "Stripe refuses it on this account; it is tried again once the rate is set anew",
        ),
    ],
)
def test_a_team_tells_which_account_pays_no_platform_fee(
    desk: Desk, world: World, account: PayeeAccount, says: str
) -> None:
    world.change_team(accounts=(PayeeAccount("acct_1", country="AU", platform_country="AU"), account))
    assert desk.run("team", "show", TEAM_ID) == 0
    first, second = [line for line in desk.printed.splitlines() if line.startswith("account")]
    assert "pays no platform fee" not in first
    assert f"pays no platform fee ({says})" in second
