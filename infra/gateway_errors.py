"""The problem details (RFC 9457) that API Gateway answers by itself, when a request never reaches our code.

Must not say anything about errors that our own code answers: these are shaped in `chalicelib.http`.

Types and their default statuses: "Gateway response types", Amazon API Gateway Developer Guide. Anteroom uses none of
the gateway's own authorizers, keys, signatures or validators, so whatever speaks of them means that the path is
unknown: the gateway tries to read an AWS signature out of a request that matches no route. A default status would
apply to every type that names none, so each type names its own.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

NOWHERE: Final = (HTTPStatus.NOT_FOUND, "There is nothing at this address.")
OURS: Final = (
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "Something went wrong on our side. Nothing needs to be changed in the request.",
)
UNANSWERED: Final = (
    HTTPStatus.GATEWAY_TIMEOUT,
    "The request got no answer in time. It may have been carried out: look before you repeat it.",
)
TOO_MANY: Final = (HTTPStatus.TOO_MANY_REQUESTS, "Too many requests at once. Try again in a second.")

ERRORS: Final[Mapping[str, tuple[HTTPStatus, str]]] = {
    "ACCESS_DENIED": NOWHERE,
    "API_CONFIGURATION_ERROR": OURS,
    "AUTHORIZER_CONFIGURATION_ERROR": OURS,
    "AUTHORIZER_FAILURE": OURS,
    "BAD_REQUEST_BODY": (HTTPStatus.BAD_REQUEST, "The body of the request could not be read."),
    "BAD_REQUEST_PARAMETERS": (HTTPStatus.BAD_REQUEST, "The parameters of the request could not be read."),
    "DEFAULT_4XX": NOWHERE,
    "DEFAULT_5XX": OURS,
    "EXPIRED_TOKEN": NOWHERE,
    "INTEGRATION_FAILURE": UNANSWERED,
    "INTEGRATION_TIMEOUT": UNANSWERED,
    "INVALID_API_KEY": NOWHERE,
    "INVALID_SIGNATURE": NOWHERE,
    "MISSING_AUTHENTICATION_TOKEN": NOWHERE,
    "QUOTA_EXCEEDED": TOO_MANY,
    "REQUEST_TOO_LARGE": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is larger than 10 MB."),
    "RESOURCE_NOT_FOUND": NOWHERE,
    "THROTTLED": TOO_MANY,
    "UNAUTHORIZED": NOWHERE,
    "UNSUPPORTED_MEDIA_TYPE": (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "This address does not take that Content-Type."),
    "WAF_FILTERED": (HTTPStatus.FORBIDDEN, "The request was refused by the firewall."),
}


def gateway_responses() -> dict[str, dict[str, object]]:
    """The OpenAPI extension `x-amazon-apigateway-gateway-responses`: a template and a status for every type."""
    return {kind: _response(status, detail) for kind, (status, detail) in ERRORS.items()}


def _response(status: HTTPStatus, detail: str) -> dict[str, object]:
    return {
        "statusCode": str(status.value),
        "responseParameters": _headers(status),
        # One media type only: an existing client parses nothing but application/json, and may send any Accept.
        "responseTemplates": {"application/json": json.dumps(_problem(status, detail))},
    }


def _problem(status: HTTPStatus, detail: str) -> dict[str, object]:
    return {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "error": {"message": detail},
    }


def _headers(status: HTTPStatus) -> dict[str, str]:
    """Static header values stand in single quotes (API Gateway's parameter mapping)."""
    headers = {"gatewayresponse.header.Cache-Control": "'no-store'"}
    if status is HTTPStatus.TOO_MANY_REQUESTS:
        headers["gatewayresponse.header.Retry-After"] = "'1'"
    return headers
