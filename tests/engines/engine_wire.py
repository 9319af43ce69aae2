"""The wire to a DynamoDB that really answers: an answer is lost after the engine has given it, not before."""

from __future__ import annotations

from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session
from typing_extensions import override

from chalicelib.storage.tables import TABLES
from tests.storage.wire import PUTS, Wire, operation_of

PATIENCE_SECONDS = 60


def be_patient() -> None:
    """Let the tables' clients, connected and not yet used, wait longer than a request of the product's may.

    The engine warms up for seconds where others need the processors, too; it is not its speed that is tried here.
    """
    for model in TABLES.values():
        model.Meta.connect_timeout_seconds = PATIENCE_SECONDS
        model.Meta.read_timeout_seconds = PATIENCE_SECONDS


class EngineWire(Wire):
    """Where moto answers within botocore's event, this one lets the request go out, and hides what comes back."""

    @override
    def after_send(self, request: AWSPreparedRequest, **_event: object) -> None:
        if operation_of(request) in PUTS and self._answers_to_lose:
            session = URLLib3Session()
            assert session.send(request).status_code == 200
            session.close()
            self._answers_to_lose.pop(0)()
            raise ReadTimeoutError(endpoint_url=request.url)
