"""The reference page shows what the document says, runs nothing, and its examples work as they stand."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

import app as deployed
from chalicelib.http.docs_page import OperationView, reference_view
from chalicelib.http.openapi import document
from tests.support.clinic import Clinic, path_of
from tests.support.edge import Edge
from tests.support.platform import Platform
from tests.support.served import served
from tests.support.world import PUBLIC_URL

VIEW = reference_view(document(deployed.routes.paths(), PUBLIC_URL), date(2026, 3, 2), "")
OPERATIONS = [one for group in VIEW.groups for one in group.operations]
WITH_EXAMPLES = [one for one in OPERATIONS if one.curl]


def test_every_operation_and_every_field_of_the_document_is_on_the_page(edge: Edge) -> None:
    page = edge.get("/docs").body
    described = document(deployed.routes.paths(), PUBLIC_URL)
    assert [one.anchor for one in OPERATIONS] == re.findall(r'<article id="(?!shape-)(\w+)"', page)
    assert len(OPERATIONS) == sum(len(item) for item in described["paths"].values())
    for name, schema in described["components"]["schemas"].items():
        assert f'id="shape-{name}"' in page
        assert all(f"<code>{field}</code>" in page for field in schema["properties"])


def test_every_link_of_the_page_leads_somewhere_on_it(edge: Edge) -> None:
    page = edge.get("/docs").body
    anchors = re.findall(r' id="([^"]+)"', page)
    assert sorted(anchors) == sorted(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(anchors)


def test_the_page_runs_and_loads_nothing_from_elsewhere(edge: Edge) -> None:
    reply = edge.get("/docs")
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self';")
    assert "script-src" not in policy
    assert not re.search(r"<script|<style|\son\w+=|\sstyle=|(src|href)=\"https?:", reply.body)
    assert reply.headers["x-content-type-options"] == "nosniff"
    [style] = re.findall(r'<link rel="stylesheet" href="([^"]+)"', reply.body)
    assert edge.get(style).headers["content-type"] == "text/css; charset=utf-8"


def test_the_page_may_be_kept_until_its_dates_are_yesterdays(edge: Edge) -> None:
    reply = edge.get("/docs")
    assert "2026-03-03T13:30:00Z" in reply.body
    assert "2026-06-08" not in reply.body
    assert edge.get("/docs", If_None_Match=reply.headers["etag"]).status == 304
    edge.world.clock.advance(days=1)
    later = edge.get("/docs", If_None_Match=reply.headers["etag"])
    assert later.status == 200
    assert "2026-03-04T13:30:00Z" in later.body


def test_what_the_document_says_is_text_and_never_markup() -> None:
    described = document(deployed.routes.paths(), "https://anteroom.example/<b>")
    view = reference_view(described, date(2026, 3, 2), "")
    assert view.url == "https://anteroom.example/<b>"
    from chalicelib.http.pages.render import render_reference  # noqa: PLC0415 (as the product imports it)

    assert "/<b>" not in render_reference(view)


# --- the examples, run ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """A served deployment with a session that runs and one of tomorrow, and what their author has at hand."""

    url: str
    names: Mapping[str, str]
    owing: str
    paid: str
    refunded: str
    unpaid: str

    def names_for(self, one: OperationView) -> dict[str, str]:
        """Who starts paying needs the link of somebody who owes; a refund, one who paid; a charge again, one
        who has it back; a waiver, one who did not.
        """
        others = {
            "start_payment": {"token": self.owing},
            "refund_payment": {"participant_id": self.paid},
            "charge_fee_again": {"participant_id": self.refunded},
            "waive_fee": {"participant_id": self.unpaid},
        }
        return {**self.names, **others.get(one.anchor, {})}


@pytest.fixture
def stage() -> Iterator[Stage]:
    world = Platform()
    clinic = Clinic(Edge(world))
    world.connect_beside(clinic.team)
    people: list[dict[str, Any]] = [{"role": "HOST"}, {"fee": {"amount": 8000, "currency": "aud"}}, {"role": "GUEST"}]
    _, owing, free = clinic.schedule(*people).json()["participants"]
    later = clinic.schedule(*people, start_time="2026-03-03T09:00:00Z", end_time="2026-03-03T09:30:00Z").json()
    clinic.edge.post(path_of(owing["entry_url"]) + "/checkout")
    payer, refunded = (clinic.schedule(*people).json()["participants"][1] for _ in range(2))
    for one in (payer, refunded):
        page = clinic.edge.post(path_of(one["entry_url"]) + "/checkout").headers["location"]
        world.stripe.pay(page.rpartition("/")[2])
    clinic.edge.deliver_webhooks()
    assert clinic.ask("POST", f"/v1/participants/{refunded['participant_id']}/refund").status == 200
    made, *_ = world.stripe.snapshot()["accounts"][0]["checkout_sessions"]
    names = {
        "client_id": clinic.client_id,
        "client_secret": clinic.client_secret,
        "session_id": later["session_id"],
        "participant_id": later["participants"][2]["participant_id"],
        "token": free["entry_url"].rpartition("/")[2],
        "return_token": str(made["success_url"]).rpartition("/")[2],
    }
    with served(clinic.edge) as url:
        unpaid = later["participants"][1]["participant_id"]
        paying = payer["participant_id"], refunded["participant_id"]
        yield Stage(url, names, owing["entry_url"].rpartition("/")[2], *paying, unpaid)


@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.parametrize("one", [pytest.param(one, id=one.anchor) for one in WITH_EXAMPLES])
def test_the_shell_example_works(stage: Stage, one: OperationView) -> None:
    assert one.curl is not None
    names = stage.names_for(one)
    before = VIEW.before_shell.replace(PUBLIC_URL, stage.url)
    quiet = 'curl() { command curl --silent --show-error --fail-with-body --noproxy "*" "$@"; }'
    environment = {"PATH": os.environ["PATH"], **{name.upper(): value for name, value in names.items()}}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{quiet}\n{before}\n{one.curl}"],  # noqa: S607 (bash is found on the path)
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(("{", "["))


@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.parametrize("one", [pytest.param(one, id=one.anchor) for one in WITH_EXAMPLES])
def test_the_python_example_works(stage: Stage, one: OperationView) -> None:
    assert one.python is not None
    names: dict[str, Any] = {**stage.names_for(one)}
    before = VIEW.before_python.replace(PUBLIC_URL, stage.url)
    exec(compile(f"{before}\n{one.python}", one.anchor, "exec"), names)  # noqa: S102 (this is what it is for)
    names["api"].close()
    assert names["answer"].is_success
