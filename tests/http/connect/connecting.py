"""What the tests of connecting accounts act with: the clinic's software asks, its staff come back from Stripe."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from chalicelib.domain.teams import Team
from tests.support.clinic import Clinic
from tests.support.edge import Edge, Reply
from tests.support.platform import Platform

CALLBACK = "/stripe/connect/callback"


def start(clinic: Clinic, content: object = None) -> Reply:
    return clinic.ask("POST", "/v1/stripe/connect", content)


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def begun(clinic: Clinic) -> str:
    """The state that the clinic's staff take to Stripe."""
    return query_of(start(clinic).json()["url"])["state"]


def come_back(edge: Edge, path: str = CALLBACK, **query: str) -> Reply:
    return edge.get(f"{path}?{urlencode(query)}", Accept="text/html")


def come_back_as_script(edge: Edge, **query: str) -> Reply:
    return edge.get(f"{CALLBACK}?{urlencode(query)}", Accept="application/json")


def team_of(clinic: Clinic) -> Team:
    return clinic.edge.world.teams.get(clinic.team.team_id)


def unconnected(platform: Platform, name: str = "Bay Road Pty Ltd") -> str:
    """An account that somebody has at Stripe."""
    return platform.stripe.create_account(name, connected=False)


@dataclass
class Kept:
    """All that a refused callback must leave as it is."""

    platform: Platform
    clinic: Clinic

    def __post_init__(self) -> None:
        self.before = self.now()

    def now(self) -> tuple[str, list[tuple[str, str]]]:
        texts = sorted(self.platform.teams._texts.items())
        return repr(texts), sorted(self.platform.stripe_accounts._texts.items())

    def check(self) -> None:
        assert self.now() == self.before
