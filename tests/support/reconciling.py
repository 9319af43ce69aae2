"""Reconciling in a test: run it, and read what it found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from chalicelib.flows.reconcile import Tally, reconcile
from chalicelib.flows.reconcile_session import Finding, Scope
from chalicelib.gateways.stripe_listings import Span
from tests.support.world import World


@dataclass(frozen=True)
class Report:
    findings: list[Finding]
    tally: Tally

    @property
    def kinds(self) -> list[str]:
        return [one.difference.kind.value for one in self.findings]

    @property
    def sentences(self) -> list[str]:
        return [one.difference.sentence for one in self.findings]


def reconciled(
    world: World, *, repairs: bool = False, account: str | None = None, back: timedelta = timedelta(days=3)
) -> Report:
    """What the span from `back` ago until now shows."""
    span = Span(world.clock() - back, world.clock())
    findings, tally = [], Tally()
    for one in reconcile(world.ctx, Scope(account, span, repairs=repairs)):
        if isinstance(one, Tally):
            tally = one
        else:
            findings.append(one)
    return Report(findings, tally)
