"""The server of one page: on this machine's loopback, with limits on whatever a client can do."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from archdsl.watching.publication import Publication
from archdsl.watching.requests import MAX_HEAD, Refused, Response, answer, hosts, news, parse

LOOPBACK = "127.0.0.1"

MAX_CONNECTIONS = 48
"""The most connections at a time. More are closed as they come, without a word."""

MAX_STREAMS = 24
"""The most of them that may wait for news; each is a page that somebody looks at."""

REQUEST_SECONDS = 5.0
"""How long a client may take to send a request."""

RESPONSE_SECONDS = 30.0
"""How long it may take to receive the page."""

_STALL_SECONDS = 5.0
"""How long a client may take to receive anything at all."""

_TICK_SECONDS = 0.25
"""How often overdue clients are looked for."""

_LISTEN_SECONDS = 1.0
"""How often a stream looks whether its client is still there."""

_HEARTBEAT_SECONDS = 15.0
"""How often a stream sends a comment: what lies between (``ssh -L``) may drop silent ones."""


class Server(socketserver.ThreadingTCPServer):
    """Serves what is published, on a loopback port; 0 is any free one.

    Raises OSError where the port is not to be had. Each connection has a thread that ends with
    the process, carries one request, and is broken off when it takes too long.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    # Elsewhere than on Windows, this is about connections that are long closed; there, it would
    # let two programs have one port.
    allow_reuse_address = os.name == "posix"

    def __init__(self, port: int, publication: Publication) -> None:
        self.publication = publication
        self._lock = threading.Lock()
        self._deadlines: dict[socket.socket, float | None] = {}
        self._streams = 0
        super().__init__((LOOPBACK, port), Handler)
        self.port: int = self.server_address[1]
        self.hosts = hosts(self.port)
        self._thread = threading.Thread(target=self._serve, daemon=True, name="archdsl watch")

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{LOOPBACK}:{self.port}/"

    def start(self) -> None:
        """Begin to answer, in a thread that ends with the process."""
        self._thread.start()

    def _serve(self) -> None:
        self.serve_forever(poll_interval=_TICK_SECONDS)

    def stop(self) -> None:
        """Stop answering; who listens is let go."""
        self.publication.close()
        if self._thread.is_alive():
            self.shutdown()
        self.server_close()

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether there is room for a connection; otherwise it is closed at once."""
        with self._lock:
            if len(self._deadlines) >= MAX_CONNECTIONS:
                return False
            self._deadlines[request] = time.monotonic() + REQUEST_SECONDS
        return True

    def give(self, connection: socket.socket, seconds: float | None) -> None:
        """Let a connection take so much longer, None: as long as it likes."""
        with self._lock:
            if connection in self._deadlines:
                self._deadlines[connection] = (
                    time.monotonic() + seconds if seconds is not None else None
                )

    def service_actions(self) -> None:
        """Break off what is overdue: a thread that waits for it wakes to an error."""
        now = time.monotonic()
        with self._lock:
            overdue = [c for c, end in self._deadlines.items() if end is not None and end < now]
        for connection in overdue:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, and make room for another."""
        try:
            super().shutdown_request(request)
        finally:
            with self._lock:
                self._deadlines.pop(request, None)

    @contextlib.contextmanager
    def stream(self) -> Iterator[bool]:
        """Return a context that counts as a stream, and whether there is room for one."""
        with self._lock:
            fits = self._streams < MAX_STREAMS
            self._streams += fits
        try:
            yield fits
        finally:
            with self._lock:
                self._streams -= fits

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that go away; a fault of this program is told in a line."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            print(f"internal error while serving: {type(error).__name__}: {error}", file=sys.stderr)


class Handler(socketserver.BaseRequestHandler):
    """Answers the one request of a connection."""

    server: Server
    request: socket.socket

    def setup(self) -> None:
        self.request.settimeout(_STALL_SECONDS)

    def handle(self) -> None:
        response, is_head = self._respond()
        if not response.is_stream or is_head:
            self._send(response, is_head)
            return
        with self.server.stream() as fits:
            if not fits:
                why = "too many pages listen"
                self._send(Refused(HTTPStatus.SERVICE_UNAVAILABLE, why).response, False)
                return
            self.server.give(self.request, None)
            self.request.sendall(response.head())
            self._tell()

    def _respond(self) -> tuple[Response, bool]:
        """Read the request and return the answer, and whether only its head is wanted."""
        is_head = False
        try:
            request = parse(self._read_head())
            is_head = request.method == "HEAD"
            return answer(request, self.server.hosts, self.server.publication.page), is_head
        except Refused as refused:
            return refused.response, is_head

    def _read_head(self) -> bytes:
        """Return the bytes before the empty line; what comes after it is left alone."""
        found = bytearray()
        while (end := found.find(b"\r\n\r\n")) < 0 and len(found) <= MAX_HEAD:
            chunk = self.request.recv(4096)
            if not chunk:
                raise ConnectionAbortedError
            found += chunk
        if not 0 <= end <= MAX_HEAD:
            raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"more than {MAX_HEAD} bytes")
        return bytes(found[:end])

    def _send(self, response: Response, is_head: bool) -> None:
        self.server.give(self.request, RESPONSE_SECONDS)
        self.request.sendall(response.head() + (b"" if is_head else response.body))
        self._finish()

    def _finish(self) -> None:
        """Wait for the client to have read the answer.

        A socket that is closed while there is something left to read of it is reset, and the
        client may lose the answer: a body that was not wanted has to be read, some of it.
        """
        self.server.give(self.request, 1.0)
        self.request.shutdown(socket.SHUT_WR)
        for _ in range(64):
            if not self.request.recv(16_384):
                break

    def _tell(self) -> None:
        """Tell the version that there is now, and then, once, of another one.

        A page that is told loads itself anew and listens again. So a stream ends with its news,
        and none is kept for a page that has gone.
        """
        publication = self.server.publication
        version = None
        beat = time.monotonic() + _HEARTBEAT_SECONDS
        while not publication.is_closed:
            page = publication.wait(version, _LISTEN_SECONDS)
            if page is not None and page.version != version:
                self.request.sendall(news(page.version))
                if version is not None:
                    return
                version = page.version
            elif time.monotonic() >= beat:
                beat = time.monotonic() + _HEARTBEAT_SECONDS
                self.request.sendall(b":\n\n")
            if self._has_gone():
                return

    def _has_gone(self) -> bool:
        """Whether the client has closed the connection; it has nothing to send any more."""
        readable, _, _ = select.select([self.request], [], [], 0)
        return bool(readable)
