"""The application as it is deployed: what Lambda imports, what EventBridge calls, what Chalice may not do by itself."""

from __future__ import annotations

import ast
import importlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import app as deployed
from chalicelib import wiring
from chalicelib.config import SettingsError
from chalicelib.domain.facts import AttemptState
from chalicelib.domain.payments import PaymentStatus
from tests.support.edge import Edge
from tests.support.world import World

ROOT = Path(deployed.__file__).parent


def test_every_scheduled_handler_lives_in_app_and_is_found_by_its_handler_string() -> None:
    """Chalice deploys a blueprint's handler by that module's name, and then nothing of app.py has run."""
    handlers = {source.handler_string for source in deployed.app.event_sources}
    assert handlers == {"app.sweep", "app.reconcile"}
    for handler in handlers:
        module, _, name = handler.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))


def test_the_sweep_runs_every_minute_and_the_reconciliation_every_night() -> None:
    sources: Any = deployed.app.event_sources
    assert {source.handler_string: source.schedule_expression.to_string() for source in sources} == {
        "app.sweep": "rate(1 minute)",
        "app.reconcile": "cron(17 3 * * ? *)",
    }


def test_there_are_no_functions_but_these() -> None:
    assert deployed.app.pure_lambda_functions == []
    assert deployed.app.builtin_auth_handlers == []
    assert deployed.app.websocket_handlers == {}


def test_chalice_shows_no_stack_and_configures_no_logs() -> None:
    assert deployed.app.debug is False
    assert deployed.app.configure_logs is False


def test_only_app_names_the_application() -> None:
    """Chalice finds handlers by importing `app`; a second application would vanish."""
    for path in [*ROOT.joinpath("chalicelib").rglob("*.py")]:
        calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
        assert not [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Chalice"]


def test_the_schedule_carries_out_what_is_due_and_says_what_it_did(world: World) -> None:
    edge = Edge(world)
    session = world.schedule()
    edge.post(f"/session/{world.token(session)}/checkout")
    assert edge.run_schedule() == {"sessions": 0, "acts": 0, "failed": 0, "unfinished": False}
    world.clock.advance(minutes=30)
    swept = edge.run_schedule()
    assert (swept["sessions"], swept["failed"], swept["unfinished"]) == (1, 0, False)
    assert swept["acts"] >= 1
    [attempt] = world.participant(session).history.attempts
    assert attempt.state is AttemptState.EXPIRED
    assert edge.run_schedule()["sessions"] == 0


def test_the_night_finds_what_every_webhook_lost_and_says_what_it_did(world: World) -> None:
    edge, session = Edge(world), world.schedule(starts_in=timedelta(days=9))
    world.stripe.set_webhooks("drop")
    world.pay(session)
    world.clock.advance(hours=15)
    nothing = {"accounts": 1, "found": 0, "left": 0, "failed": 0, "unfinished": False}
    assert edge.run_night() == {**nothing, "found": 1}
    assert world.status(session) is PaymentStatus.PAID
    assert edge.run_night() == nothing


def test_a_context_is_made_once_and_only_when_asked_for(world: World) -> None:
    wiring.use(world.context)
    assert wiring.context() is world.context
    changed = replace(world.context)
    wiring.use(changed)
    assert wiring.context() is changed


def test_without_an_environment_the_first_request_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTEROOM_PUBLIC_URL", "ANTEROOM_SECRETS", "ANTEROOM_SECRETS_JSON"):
        monkeypatch.delenv(name, raising=False)
    kept = wiring._contexts[:]
    wiring._contexts.clear()
    try:
        with pytest.raises(SettingsError, match=r"^ANTEROOM_PUBLIC_URL is not set"):
            wiring.context()
    finally:
        wiring._contexts[:] = kept
