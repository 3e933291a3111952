"""The server over real sockets: hostile and clumsy clients, and what they do to others."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeAlias

import pytest
from watched_process import Listener, WatchProcess, read_all

from archdsl.watching import server as module
from archdsl.watching.live import live
from archdsl.watching.publication import Publication
from archdsl.watching.server import MAX_CONNECTIONS, MAX_STREAMS, Server

META = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
HOST = b"Host: localhost:%d\r\n"


def page(text: str) -> str:
    return f"<html><head>{META}</head><body>{text}</body></html>"


@pytest.fixture
def publication() -> Publication:
    publication = Publication()
    publication.publish(live(page("first")))
    return publication


@pytest.fixture
def server(publication: Publication) -> Iterator[Server]:
    server = Server(0, publication)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def listen(server: Server) -> Iterator[Listen]:
    """A function that opens a stream of news."""
    opened: list[Listener] = []

    def listen() -> Listener:
        opened.append(Listener(server.port))
        return opened[-1]

    yield listen
    for listener in opened:
        listener.close()


Listen: TypeAlias = Callable[[], Listener]


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=8)


def ask(server: Server, data: bytes) -> bytes:
    with connect(server) as connection:
        connection.sendall(data)
        return read_all(connection)


def request(server: Server, target: bytes = b"/", method: bytes = b"GET") -> bytes:
    return b"%s %s HTTP/1.1\r\n" % (method, target) + HOST % server.port + b"\r\n"


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_it_listens_on_the_loopback_alone(server: Server) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"


def test_get_and_head(server: Server) -> None:
    whole = ask(server, request(server))
    head = ask(server, request(server, method=b"HEAD"))
    assert status(whole) == 200 and b"<body>first" in whole
    assert head == whole[: whole.index(b"\r\n\r\n") + 4]
    assert status(ask(server, request(server, b"/events", b"HEAD"))) == 200  # and it ends


def test_a_request_in_pieces(server: Server) -> None:
    with connect(server) as connection:
        for byte in request(server):
            connection.sendall(bytes([byte]))
        assert status(read_all(connection)) == 200


def test_a_second_request_on_the_connection_is_not_answered(server: Server) -> None:
    answer = ask(server, request(server) * 2)
    assert answer.count(b"HTTP/1.1 200") == 1 and b"Connection: close" in answer


def test_a_body_is_refused_and_the_client_hears_it(server: Server) -> None:
    head = b"POST / HTTP/1.1\r\n" + HOST % server.port + b"Content-Length: 200000\r\n\r\n"
    assert status(ask(server, head + b"x" * 200_000)) == 405


def test_oversized_requests(server: Server) -> None:
    line = b"GET /" + b"a" * 30_000 + b" HTTP/1.1\r\n"
    assert status(ask(server, line + HOST % server.port + b"\r\n")) == 431
    fields = b"X: " + b"a" * 1000 + b"\r\n"
    assert status(ask(server, b"GET / HTTP/1.1\r\n" + fields * 20 + b"\r\n")) == 431
    assert status(ask(server, request(server))) == 200


def test_a_slow_client_is_cut_off_though_it_goes_on_sending(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REQUEST_SECONDS", 0.3)
    start = time.monotonic()
    with connect(server) as connection, pytest.raises(OSError):
        while True:
            connection.sendall(b"G")
            time.sleep(0.02)
    assert 0.25 < time.monotonic() - start < 2


def test_a_silent_client_is_cut_off(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REQUEST_SECONDS", 0.2)
    with connect(server) as connection:
        assert connection.recv(1) == b""


def test_a_client_that_does_not_read_is_cut_off(
    server: Server, publication: Publication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESPONSE_SECONDS", 0.3)
    publication.publish(live(page("x" * 30_000_000)))  # more than any buffer holds
    with connect(server) as connection:
        connection.sendall(request(server))
        time.sleep(1)
        assert not server._deadlines
        publication.publish(live(page("small")))
        assert b"small" in ask(server, request(server))


def test_many_connections(server: Server) -> None:
    with ExitStack() as stack:
        idle = [stack.enter_context(connect(server)) for _ in range(MAX_CONNECTIONS + 20)]
        refused = 0
        for connection in idle[MAX_CONNECTIONS:]:
            try:
                refused += connection.recv(1) == b""
            except ConnectionResetError:
                refused += 1
        assert refused == 20
    wait_until(lambda: not server._deadlines)
    assert status(ask(server, request(server))) == 200


def test_many_listeners_leave_room_for_the_page(server: Server, listen: Listen) -> None:
    listeners = [listen() for _ in range(MAX_STREAMS)]
    assert all(listener.response.status == 200 for listener in listeners)
    assert listen().response.status == 503
    assert status(ask(server, request(server))) == 200
    for listener in listeners:
        listener.close()
    wait_until(lambda: server._streams == 0)  # though there were no news
    assert listen().response.status == 200


def test_news_reach_everybody_at_once(publication: Publication, listen: Listen) -> None:
    first = publication.page.version
    listeners = [listen() for _ in range(10)]
    assert {listener.next() for listener in listeners} == {first}
    start = time.monotonic()
    publication.publish(live(page("second")))
    second = publication.page.version
    assert second != first
    assert {listener.next() for listener in listeners} == {second}
    assert time.monotonic() - start < 0.5
    assert {listener.next() for listener in listeners} == {None}  # and the stream ends


def test_the_same_page_again_is_no_news(publication: Publication, listen: Listen) -> None:
    listener = listen()
    assert listener.next() == publication.page.version
    publication.publish(live(page("first")))
    publication.publish(live(page("second")))
    assert listener.next() == publication.page.version


def test_streams_are_kept_alive(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(module, "_LISTEN_SECONDS", 0.1)
    monkeypatch.setattr(module, "REQUEST_SECONDS", 0.1)
    with connect(server) as connection:
        connection.sendall(request(server, b"/events"))
        found = b""
        while found.count(b":\n\n") < 3:
            found += (chunk := connection.recv(1000))
            assert chunk


def test_stopping_lets_everybody_go(publication: Publication) -> None:
    server = Server(0, publication)
    server.start()
    listener = Listener(server.port)
    listener.next()
    server.stop()
    assert listener.next() is None
    listener.close()
    with pytest.raises(OSError):
        connect(server)


def test_every_thread_is_a_daemon(server: Server) -> None:
    with connect(server) as connection:
        connection.sendall(b"GET")
        wait_until(lambda: bool(server._deadlines))
        assert all(t.daemon for t in threading.enumerate() if t is not threading.main_thread())


def test_no_request_reaches_a_file(shared: WatchProcess) -> None:
    """Over the socket, as no client library would send it."""
    for target in (
        "/secret.txt", "/tiny.arch", "/./tiny.arch", "/../shared/tiny.arch", "//tiny.arch",
        "/%2e%2e/%2e%2e/etc/passwd", "/../../../../../../etc/passwd", "/..\\..\\secret.txt",
        "/events/../secret.txt", "/?../secret.txt", "secret.txt", "file:///etc/passwd",
    ):  # fmt: skip
        head = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{shared.port}\r\n\r\n"
        answer = shared.raw(head.encode())
        assert b"root:" not in answer and b"secret\n" not in answer and b"model Tiny" not in answer
        assert status(answer) == (200 if target.startswith("/?") else 404)


def test_other_hosts_and_methods_over_the_socket(shared: WatchProcess) -> None:
    assert shared.get(Host=f"localhost:{shared.port}")[0] == 200
    assert shared.get(Host=f"[::1]:{shared.port}")[0] == 200
    assert shared.get(Host="evil.example")[0] == 403
    assert shared.get(Host=f"evil.example:{shared.port}")[0] == 403
    assert shared.get("/events", Host="evil.example")[0] == 403
    assert shared.get(method="POST")[0] == 405
    assert shared.raw(b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 403")
    assert shared.raw(b"\x16\x03\x01\x02\r\n\r\n").startswith(b"HTTP/1.1 400")  # TLS


def test_nothing_is_said_of_requests(shared: WatchProcess) -> None:
    shared.get("/nothing")
    shared.raw(b"x\r\n\r\n")
    assert shared.lines.empty()


def wait_until(holds: object, seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
