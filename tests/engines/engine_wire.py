"""The wire to a DynamoDB that really answers: an answer is lost after the engine has given it, not before."""

from __future__ import annotations

from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session
from typing_extensions import override

from tests.storage.wire import PUTS, Wire, operation_of


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
