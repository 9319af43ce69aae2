"""Serve a WSGI application on this machine, in threads, silently."""

from __future__ import annotations

import errno
import socket
import threading
from typing import TYPE_CHECKING

from typing_extensions import override
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

HOST = "127.0.0.1"
POLL_SECONDS = 0.05
"""How soon a server notices that it shall end."""


class PortTakenError(Exception):
    """The port cannot be had."""

    def __init__(self, port: int, error: OSError) -> None:
        reason = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be had ({error.strerror})"
        super().__init__(f"port {port} {reason}")


class QuietHandler(WSGIRequestHandler):
    """No line for every request: the console belongs to the person."""

    @override
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class Server:
    """An application on one port (0: any free one). Raises PortTakenError at once; answers from `start` to `stop`."""

    def __init__(self, application: WSGIApplication, port: int) -> None:
        try:
            listening = socket.create_server((HOST, port))
        except OSError as error:
            raise PortTakenError(port, error) from None
        with listening:  # make_server works on a copy; given a port itself, it would end the process when that is taken
            bound = listening.getsockname()[1]
            self._server = make_server(
                HOST, bound, application, threaded=True, request_handler=QuietHandler, fd=listening.fileno()
            )
        self.url = f"http://{HOST}:{bound}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


def is_free(port: int) -> bool:
    """Whether nobody has this port just now."""
    try:
        with socket.create_server((HOST, port)):
            return True
    except OSError:
        return False
