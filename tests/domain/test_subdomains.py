"""What a team may be called in addresses, and what is made of its name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chalicelib.domain.subdomains import RESERVED, SubdomainError, beside, checked_subdomain, made_of
from chalicelib.domain.team_edits import TeamEdit, edit_team
from chalicelib.domain.teams import Team

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["abc", "bay-road", "a1b", "123", "b" * 63, "www2", "abc--d", "a--b"])
def test_a_label_of_a_host_name_will_do(text: str) -> None:
    assert checked_subdomain(text) == text


def test_it_is_kept_in_lower_case() -> None:
    assert checked_subdomain("Bay-Road") == "bay-road"


@pytest.mark.parametrize(
    "text",
    ["", "ab", "b" * 64, "-bay", "bay-", "bay road", "bay.road", "b\u00e4y", "bay_road", "bay\n", "xn--bay", "ab--cd"],
)
def test_what_is_no_label_is_refused(text: str) -> None:
    with pytest.raises(SubdomainError, match="3 to 63 of a-z, 0-9 and -"):
        checked_subdomain(text)


@pytest.mark.parametrize("text", sorted(RESERVED))
def test_what_the_deployment_calls_its_own_is_refused(text: str) -> None:
    with pytest.raises(SubdomainError):
        checked_subdomain(text)
    assert made_of(text) == f"clinic-{text}"


def test_these_are_reserved() -> None:
    assert {"www", "api", "admin", "app", "mail", "status"} <= RESERVED


@pytest.mark.parametrize(
    ("name", "subdomain"),
    [
        ("Bay Road Clinic", "bay-road-clinic"),
        ("  Dr. M\u00fcller & S\u00f6hne! ", "dr-muller-sohne"),
        ("Stra\u00dfe 7", "strasse-7"),
        ("\u00c9cole", "ecole"),
        ("Kim", "kim"),
        ("Ko", "clinic-ko"),
        ("\u8a3a\u7642\u6240", "clinic"),
        ("-- !! --", "clinic"),
        ("x" * 70, "x" * 63),
        ("x" * 62 + " y", "x" * 62),
        ("xn--bay", "xn-bay"),
    ],
)
def test_one_is_made_of_the_name(name: str, subdomain: str) -> None:
    assert made_of(name) == subdomain
    assert checked_subdomain(subdomain) == subdomain


@pytest.mark.parametrize(
    ("subdomain", "other"),
    [
        ("bay", "bay-1f2e3d"),
        ("b" * 56, "b" * 56 + "-1f2e3d"),
        ("b" * 63, "b" * 56 + "-1f2e3d"),
        ("b" * 55 + "-bbbb", "b" * 55 + "-1f2e3d"),
    ],
)
def test_another_one_has_a_suffix_and_is_not_too_long(subdomain: str, other: str) -> None:
    assert beside(subdomain, "1f2e3d") == other
    assert checked_subdomain(other) == other


def test_a_team_is_edited_to_have_another_one_or_stays_as_it_is() -> None:
    team = Team("team-1", "Bay Road Clinic", NOON, subdomain="bay")
    assert edit_team(team, TeamEdit(subdomain="Hill-Street")).subdomain == "hill-street"
    assert edit_team(team, TeamEdit(name="Hill Street")).subdomain == "bay"
    with pytest.raises(SubdomainError):
        edit_team(team, TeamEdit(subdomain="www"))
