"""DynamoDB for one machine: moto's server in this process, and what stands in the line between it and the product.

The line is botocore's own event before a request is sent: there requests are counted, and faults made to happen.
"""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from moto.moto_server.werkzeug_app import create_backend_app
from urllib3 import HTTPResponse

from chalicelib.storage import tables
from sandbox.faults import DatabaseFaults, FaultKind
from sandbox.meter import Meter, origin
from sandbox.server import Server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ERRORS = {
    FaultKind.SERVER_ERROR: (500, "InternalServerError"),
    FaultKind.RATE_LIMIT: (400, "ProvisionedThroughputExceededException"),
    FaultKind.THROTTLE: (400, "ProvisionedThroughputExceededException"),
}
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html"""


class OneAtATime:
    """Moto checks a condition and then writes, in two steps: requests must not come in between."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self._lock:
            return list(self._application(environ, start_response))


def database_server() -> Server:
    """Moto's DynamoDB on a free port of this machine; empty, in memory."""
    return Server(OneAtATime(create_backend_app("dynamodb")), port=0)


class Line:
    """What every request to DynamoDB passes: counted by where it came from, and spoilt when a fault waits."""

    def __init__(self, meter: Meter, faults: DatabaseFaults) -> None:
        self._meter = meter
        self._faults = faults
        self._session = URLLib3Session()

    def tap(self) -> None:
        """Stand in the line of each table's client. Makes these clients, which cost 50 ms at the first request else."""
        for model in tables.TABLES.values():
            client = model._get_connection().connection.client  # noqa: SLF001 (PynamoDB hands out its client nowhere)
            client.meta.events.register("before-send.dynamodb.*", self.before_send)

    def before_send(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse | None:
        """Botocore's hook: None lets the request go on, a response stands for the answer, an error for its loss."""
        if origin() is None:
            return None
        self._meter.count_database(event_name.rpartition(".")[2])
        match self._faults.take():
            case None:
                return None
            case FaultKind.TIMEOUT_BEFORE:
                raise ConnectTimeoutError(endpoint_url=request.url)
            case FaultKind.TIMEOUT_AFTER:
                self._session.send(request)
                raise ReadTimeoutError(endpoint_url=request.url)
            case kind:
                return error_answer(request.url, *ERRORS[kind])


def error_answer(url: str, status: int, code: str) -> AWSResponse:
    """What DynamoDB answers in its protocol."""
    content = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "The sandbox was told to fail here."}
    raw = HTTPResponse(body=io.BytesIO(json.dumps(content).encode()), preload_content=False)
    return AWSResponse(url, status, {"Content-Type": "application/x-amz-json-1.0"}, raw)
