"""Requests as bytes: what is understood, what is refused and how, and what an answer carries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.watching.live import LivePage
from archdsl.watching.requests import Refused, Response, answer, hosts, parse

ALLOWED = hosts(8417)
PAGE = LivePage(b"<p>page</p>", "default-src 'none'", "v1")


def respond(*lines: str) -> Response:
    try:
        return answer(parse("\r\n".join(lines).encode("latin-1")), ALLOWED, PAGE)
    except Refused as refused:
        return refused.response


def get(target: str, *fields: str, method: str = "GET") -> Response:
    return respond(f"{method} {target} HTTP/1.1", "Host: 127.0.0.1:8417", *fields)


def test_the_page() -> None:
    found = get("/")
    assert (found.status, found.body) == (200, PAGE.body)
    head = found.head().decode()
    assert head.startswith("HTTP/1.1 200 OK\r\n") and head.endswith("\r\n\r\n")
    assert head.count("Content-Security-Policy: default-src 'none'\r\n") == 1
    assert f"Content-Length: {len(PAGE.body)}\r\n" in head
    assert get("/?x=1#").body == PAGE.body


def test_every_answer_has_the_headers_of_safety() -> None:
    for found in (get("/"), get("/events"), get("/favicon.ico"), get("/x"), respond("x")):
        head = found.head().decode()
        for line in (
            "X-Content-Type-Options: nosniff",
            "X-Frame-Options: DENY",
            "Referrer-Policy: no-referrer",
            "Cross-Origin-Resource-Policy: same-origin",
            "Cross-Origin-Opener-Policy: same-origin",
            "Cache-Control: no-store",
            "Content-Security-Policy: default-src 'none'",
        ):
            assert f"\r\n{line}" in head
        assert "Access-Control" not in head and "Server:" not in head


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8417", "localhost:8417", "[::1]:8417", "LocalHost:8417"]
)
def test_names_of_this_machine(host: str) -> None:
    assert respond("GET / HTTP/1.1", f"Host: {host}").status == 200


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "evil.example:8417", "127.0.0.1", "localhost", "127.0.0.1:8418",
        "127.0.0.1:8417.evil.example", "localhost.evil.example:8417", "evil@127.0.0.1:8417",
        "127.1:8417", "0.0.0.0:8417", "[::]:8417", "2130706433:8417", "127.0.0.1:8417, evil",
        "localhost.:8417", "127.0.0.1:08417", "127.0.0.1:8417/",
    ],
)  # fmt: skip
@pytest.mark.parametrize("target", ["/", "/events"])
def test_other_hosts_are_refused(host: str, target: str) -> None:
    found = respond(f"GET {target} HTTP/1.1", f"Host: {host}")
    assert found.status == 403 and not found.is_stream and PAGE.body not in found.body
    assert b"evil" not in found.body


def test_no_host_and_two_hosts_are_refused() -> None:
    assert respond("GET / HTTP/1.1").status == 403
    twice = ("Host: 127.0.0.1:8417", "hOST: evil.example")
    assert respond("GET / HTTP/1.1", *twice).status == 400
    assert respond("GET / HTTP/1.1", *reversed(twice)).status == 400


def test_on_port_80_browsers_leave_the_port_out() -> None:
    assert "localhost" in hosts(80) and "localhost" not in hosts(8080)


@pytest.mark.parametrize(
    "target",
    [
        "/tiny.arch", "/../tiny.arch", "/..%2f..%2fetc/passwd", "//etc/passwd", "/%2e%2e/",
        "/etc/passwd", "/./", "/events/", "/events/../tiny.arch", "/%00", "/index.html", "*",
        "http://127.0.0.1:8417/", "http://evil.example/", "file:///etc/passwd", "x", "/\\..\\x",
    ],
)  # fmt: skip
def test_nothing_else_is_there(target: str) -> None:
    assert get(target).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get"])
def test_only_get_and_head(method: str) -> None:
    found = get("/", method=method)
    assert found.status == 405 and found.fields["Allow"] == "GET, HEAD"


def test_bodies_are_refused() -> None:
    assert get("/", "Content-Length: 3").status == 413
    assert get("/", "Transfer-Encoding: chunked").status == 413
    assert get("/", "Content-Length: 0").status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_sites_may_link_and_no_more(site: str) -> None:
    link = (f"Sec-Fetch-Site: {site}", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
    assert get("/", *link).status == 200
    assert get("/events", *link).status == 403
    assert get("/", link[0], link[1], "Sec-Fetch-Dest: iframe").status == 403
    assert get("/", link[0], "Sec-Fetch-Mode: no-cors").status == 403
    assert get("/events", "Sec-Fetch-Site: same-origin").status == 200


def test_origins() -> None:
    assert get("/events", "Origin: http://localhost:8417").status == 200
    for origin in (
        "http://evil.example",
        "null",
        "https://127.0.0.1:8417",
        "http://localhost:3000",
    ):
        assert get("/events", f"Origin: {origin}").status == 403


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["GET /"], 400),
        ([""], 400),
        (["GET  / HTTP/1.1"], 400),
        (["GET / HTTP/1.1 "], 400),
        (["GET /\tx HTTP/1.1"], 400),
        (["GET /\xe9 HTTP/1.1"], 400),
        (["PRI * HTTP/2.0"], 505),
        (["GET / HTTP/1.1", "Host : 127.0.0.1:8417"], 400),
        (["GET / HTTP/1.1", " Host: 127.0.0.1:8417"], 400),
        (["GET / HTTP/1.1", "Host: 127.0.0.1:8417", " folded"], 400),
        (["GET / HTTP/1.1", "Host: 127.0.0.1:8417\nX: y"], 400),
        (["GET / HTTP/1.1", "no colon"], 400),
        (["GET / HTTP/1.1", *[f"X{n}: y" for n in range(65)]], 431),
    ],
)
def test_what_is_malformed(lines: list[str], status: int) -> None:
    assert respond(*lines).status == status


def test_before_the_first_page_there_is_none() -> None:
    with pytest.raises(Refused):
        answer(parse(b"GET / HTTP/1.1\r\nHost: localhost:8417"), ALLOWED, None)


@given(st.binary(max_size=300))
def test_any_bytes_get_an_answer(data: bytes) -> None:
    try:
        parse(data)
    except Refused as refused:
        assert refused.response.status in (400, 431, 505)


@given(st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=60))
def test_no_field_but_host_changes_the_page(value: str) -> None:
    found = get("/", f"X-Any: {value}")
    assert found.status in (200, 400)
