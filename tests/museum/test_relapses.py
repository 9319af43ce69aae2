"""The museum's own order: each test was seen red by a change of the code as it is now, and the document says which.

That they do turn red is for `make museum` to see, which takes a minute.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.museum.__main__ import Trial
from tests.museum.exhibits import DOCUMENT, ROOT, museum_tests, reports, table, table_in
from tests.museum.relapses import Relapse, StaleRelapseError, applied, relapsed, relapses
from tests.museum.trial import Verdict

REPORTS = [
    "202-ecommerce/stripe_official#186",
    "ai-shifu/ai-shifu#2855",
    "alextselegidis/easyappointments#1178",
    "alfio-event/alf.io#739",
    "Attendize/Attendize#982",
    "Automattic/woocommerce-payments#10025",
    "Automattic/woocommerce-payments#3232",
    "Automattic/woocommerce-payments#531",
    "Automattic/woocommerce-payments#6196",
    "Automattic/woocommerce-payments#7298",
    "aws/aws-sdk-java#2667",
    "calcom/cal.diy#10121",
    "calcom/cal.diy#12371",
    "calcom/cal.diy#14040",
    "calcom/cal.diy#18011",
    "calcom/cal.diy#2170",
    "calcom/cal.diy#22126",
    "calcom/cal.diy#26768",
    "calcom/cal.diy#6948",
    "dancerfly/django-brambling#909",
    "department-of-veterans-affairs/va.gov-team#73084",
    "dj-stripe/dj-stripe#1239",
    "elizaOS/eliza#18862",
    "flowglad/flowglad#1140",
    "fossasia/eventyay#2463",
    "fossasia/open-event-server#6258",
    "l4nos/laravel-cashier-stripe-connect#29",
    "laravel/docs#9334",
    "market-dot-dev/studio#170",
    "odoo/odoo#269307",
    "opencollective/opencollective#8564",
    "payloadcms/payload#10890",
    "Paymenter/Paymenter#1258",
    "pinax/pinax-stripe-light#557",
    "polarsource/polar#14274",
    "pretix/pretix#343",
    "saleor/saleor#14648",
    "stripe/stripe-mirakl-connector#148",
    "stripe/stripe-mirakl-connector#62",
    "Sylius/PayumStripePlugin#31",
    "Sylius/PayumStripePlugin#70",
    "tidepool-org/blip#874",
    "unlock-protocol/unlock#12594",
    "woocommerce/woocommerce#20928",
    "woocommerce/woocommerce-gateway-stripe#327",
    "woocommerce/woocommerce-gateway-stripe#5362",
]
BUG = Relapse(("tests/museum/test_museum_time.py::test_x",), "it is broken", "code.py", "return 1", "return 2")


def test_every_report_of_the_collection_has_its_test() -> None:
    assert reports(museum_tests()) == REPORTS


def test_every_test_is_named_after_its_report() -> None:
    assert [test.name for test in museum_tests() if f"_{test.report.partition('#')[2]}_" not in test.name] == []


def test_every_test_has_a_change_of_the_code_that_turns_it_red_and_no_change_is_for_a_test_that_is_gone() -> None:
    assert {name for relapse in relapses() for name in relapse.tests} == {test.name for test in museum_tests()}


@pytest.mark.parametrize("relapse", relapses(), ids=lambda relapse: relapse.says)
def test_the_code_that_is_to_be_changed_stands_there_exactly_once(relapse: Relapse) -> None:
    source = (ROOT / relapse.file).read_text("utf-8")
    changed = relapsed(source, relapse)
    assert changed != source
    if relapse.file.endswith(".py"):
        compile(changed, relapse.file, "exec")


def test_the_document_lists_the_exhibits_as_they_are() -> None:
    assert table_in(DOCUMENT.read_text("utf-8")) == table(), "copy what `python -m tests.museum.exhibits` prints"


# --- bringing a bug back --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["return 3\n", "return 1\nreturn 1\n"])
def test_code_that_has_moved_on_is_told_and_not_passed_over(source: str) -> None:
    with pytest.raises(StaleRelapseError, match=r"code\.py holds [02] times"):
        relapsed(source, BUG)


def test_a_bug_is_there_for_the_time_of_a_block_and_no_compiled_file_hides_it(tmp_path: Path) -> None:
    file = tmp_path / "code.py"
    file.write_text("return 1\n", "utf-8")
    os.utime(file, (5, 5))
    with applied(BUG, tmp_path):
        assert file.read_text("utf-8") == "return 2\n"
        assert file.stat().st_mtime == 0
    assert (file.read_text("utf-8"), file.stat().st_mtime) == ("return 1\n", 5)


# --- what counts as red ---------------------------------------------------------------------------------------------


def test_only_a_failed_assertion_is_red() -> None:
    with_bug = Trial(BUG.tests, BUG)
    assert with_bug.fault(Verdict(green=2, red=["test_x: AssertionError: assert 1 == 2"])) is None
    for verdict in (Verdict(green=3), Verdict(broken=["ImportError"]), Verdict(red=["test_x"], broken=["ImportError"])):
        assert "not red" in (with_bug.fault(verdict) or "")


def test_a_test_that_is_not_green_as_it_is_proves_nothing() -> None:
    as_it_is = Trial(BUG.tests)
    assert as_it_is.fault(Verdict(green=1)) is None
    for verdict in (Verdict(), Verdict(green=1, red=["test_x"]), Verdict(green=1, broken=["ImportError"])):
        assert "not green" in (as_it_is.fault(verdict) or "")
