"""The product behind Chalice's own local gateway; what the gateway refuses by itself looks as it does when deployed.

Knows nothing of what the product answers.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import ChaliceRequestHandler, LocalDevServer, LocalGatewayException, ThreadedHTTPServer
from typing_extensions import override

from infra.gateway_errors import gateway_responses
from sandbox.meter import Meter, origin_of
from sandbox.server import HOST, POLL_SECONDS, PortTakenError

LARGEST_REQUEST = 10 * 1024 * 1024
"""API Gateway's payload quota: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""

_HEADER = "gatewayresponse.header."
_RESPONSES: dict[str, Any] = gateway_responses()
log = logging.getLogger("sandbox.gateway")


class GatewayServer(ThreadedHTTPServer):
    """Chalice's threaded server; connections that break are noted in the log, not on the console."""

    request_queue_size = 128

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        log.warning("connection_broken", exc_info=True)  # noqa: LOG014 (socketserver calls this in its except clause)


class GatewayHandler(ChaliceRequestHandler):
    """Chalice's handler, with the deployed gateway's refusals, and each request counted by its origin."""

    wbufsize = -1  # head and body in one packet, else each answer waits 40 ms for an acknowledgement
    disable_nagle_algorithm = True
    meter: Meter

    def answer(self) -> None:
        """One request: refused as the deployed gateway would, or handed to the product."""
        kind = self._refusal()
        if kind is not None:
            self._refuse(kind)
            return
        with self.meter.request_from(origin_of(self.path)):
            self._generic_handle()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815 (http.server looks for these names)

    def _refusal(self) -> str | None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            return "BAD_REQUEST_BODY"
        if int(length) > LARGEST_REQUEST:
            return "REQUEST_TOO_LARGE"
        return None if self._is_known() else "MISSING_AUTHENTICATION_TOKEN"

    def _is_known(self) -> bool:
        try:
            self.local_gateway.event_converter.create_lambda_event(self.command, self.path, {}, None)
        except ValueError:
            return False
        return True

    def _refuse(self, kind: str) -> None:
        """Answer for the gateway; the connection ends, since the body may not have been read."""
        response = _RESPONSES[kind]
        fields = response["responseParameters"].items()
        headers = {name.removeprefix(_HEADER): value.strip("'") for name, value in fields}
        self.close_connection = True
        self._send_http_response_with_body(
            int(response["statusCode"]),
            {**headers, "Connection": "close"},
            response["responseTemplates"]["application/json"],
        )

    @override
    def _send_error_response(self, error: LocalGatewayException) -> None:
        self._refuse("MISSING_AUTHENTICATION_TOKEN" if error.CODE < 500 else "DEFAULT_5XX")

    @override
    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What Python's own server refuses: methods it does not know (501), and what it cannot read (400, 414, 431)."""
        self._refuse("MISSING_AUTHENTICATION_TOKEN" if code >= 500 else "BAD_REQUEST_PARAMETERS")

    @override
    def _send_http_response_with_body(self, code: int, headers: dict[str, Any], body: str | bytes) -> None:
        super()._send_http_response_with_body(code, headers, b"" if self.command == "HEAD" else body)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the product logs each request itself."""


class Gateway:
    """The product on one port. Raises PortTakenError at once; answers from `start` to `stop`."""

    def __init__(self, application: Chalice, port: int, meter: Meter) -> None:
        handler = type("MeteredHandler", (GatewayHandler,), {"meter": meter})
        try:
            self._server = LocalDevServer(application, Config(), HOST, port, handler, GatewayServer).server
        except OSError as error:
            raise PortTakenError(port, error) from None
        self.url = f"http://{HOST}:{port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
