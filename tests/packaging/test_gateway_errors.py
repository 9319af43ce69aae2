"""What API Gateway answers by itself reads like what the API answers (RFC 9457, and `error.message`)."""

import json
from typing import Any

import pytest

from infra.gateway_errors import gateway_responses

RESPONSES: dict[str, Any] = gateway_responses()
every_type = pytest.mark.parametrize("kind", sorted(RESPONSES))


@every_type
def test_the_body_is_a_problem_with_the_status_that_is_sent(kind: str) -> None:
    response = RESPONSES[kind]
    problem = json.loads(response["responseTemplates"]["application/json"])
    assert set(problem) == {"type", "title", "status", "detail", "error"}
    assert response["statusCode"] == str(problem["status"])
    assert problem["error"] == {"message": problem["detail"]}


@every_type
def test_no_text_reads_as_a_variable_of_the_gateways_template_language(kind: str) -> None:
    assert "$" not in json.dumps(RESPONSES[kind])


@every_type
def test_who_is_told_to_slow_down_is_told_for_how_long(kind: str) -> None:
    response = RESPONSES[kind]
    retry_after = response["responseParameters"].get("gatewayresponse.header.Retry-After")
    assert retry_after == ("'1'" if response["statusCode"] == "429" else None)


def test_an_unknown_path_is_not_found_whatever_the_request_carries() -> None:
    kinds = ("MISSING_AUTHENTICATION_TOKEN", "INVALID_SIGNATURE", "EXPIRED_TOKEN", "ACCESS_DENIED", "DEFAULT_4XX")
    assert {RESPONSES[kind]["statusCode"] for kind in kinds} == {"404"}
    assert json.loads(RESPONSES["MISSING_AUTHENTICATION_TOKEN"]["responseTemplates"]["application/json"]) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this address.",
        "error": {"message": "There is nothing at this address."},
    }


def test_a_large_body_and_a_late_answer_keep_their_statuses() -> None:
    assert RESPONSES["REQUEST_TOO_LARGE"]["statusCode"] == "413"
    assert RESPONSES["INTEGRATION_TIMEOUT"]["statusCode"] == "504"
    assert RESPONSES["DEFAULT_5XX"]["statusCode"] == "500"
