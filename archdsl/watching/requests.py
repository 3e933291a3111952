"""Requests of browsers, as far as this server understands them: one page, and its news."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from http import HTTPStatus

from archdsl.watching.live import EVENTS, LivePage

MAX_HEAD = 16_384
"""The most bytes of a request; browsers send less than 2,000."""

MAX_FIELDS = 64
"""The most fields of a request."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}"
_REQUEST = re.compile(rf"({_TOKEN}) ([!-~]+) HTTP/(\d)\.\d")
_FIELD = re.compile(rf"({_TOKEN}):[ \t]*([^\r\n\0]*?)[ \t]*")

_ALWAYS = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_NOTHING = "default-src 'none'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class Request:
    """A request that is well formed: its method, its target as written, its fields by name."""

    method: str
    target: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered. ``is_stream``: news follow for as long as the browser listens."""

    status: HTTPStatus
    fields: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_stream: bool = False

    def head(self) -> bytes:
        """Return the status line and the fields, as bytes."""
        fields = {"Content-Security-Policy": _NOTHING, **_ALWAYS, **self.fields}
        if not self.is_stream and self.status is not HTTPStatus.NO_CONTENT:
            fields["Content-Length"] = str(len(self.body))
        lines = [f"HTTP/1.1 {self.status.value} {self.status.phrase}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Refused(Exception):
    """A request that is not answered with what it asks for, but with ``response``."""

    def __init__(self, status: HTTPStatus, why: str, **fields: str) -> None:
        super().__init__(why)
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        self.response = Response(
            status, {"Content-Type": "text/plain; charset=utf-8", **named}, f"{why}\n".encode()
        )


def hosts(port: int) -> frozenset[str]:
    """Return what a browser of this machine may call this server.

    A page of another site can have its own name resolve to 127.0.0.1 and so pass for this server
    (DNS rebinding). The browser still sends that name as the host; hence only these.
    """
    names = ("127.0.0.1", "localhost", "[::1]")
    bare = names if port == 80 else ()
    return frozenset((*(f"{name}:{port}" for name in names), *bare))


def parse(head: bytes) -> Request:
    """Return a request, from its head without the empty line; raises :class:`Refused`."""
    first, *rest = head.decode("latin-1").split("\r\n")
    match = _REQUEST.fullmatch(first)
    if match is None:
        raise Refused(HTTPStatus.BAD_REQUEST, "this is no HTTP request")
    if match[3] != "1":
        raise Refused(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1 is spoken here")
    if len(rest) > MAX_FIELDS:
        raise Refused(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"more than {MAX_FIELDS} header fields"
        )
    fields: dict[str, str] = {}
    for line in rest:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise Refused(HTTPStatus.BAD_REQUEST, "a header field is malformed")
        name = found[1].lower()
        if name in fields and name in ("host", "origin"):
            raise Refused(HTTPStatus.BAD_REQUEST, f"there is more than one {name}")
        fields[name] = found[2]
    return Request(match[1], match[2], fields)


def answer(request: Request, allowed: Set[str], page: LivePage | None) -> Response:
    """Return the answer to a request; raises :class:`Refused`.

    ``allowed`` are the names of this server. Targets are compared, never looked up: nothing that
    is asked for becomes the name of a file.
    """
    _check_origin(request, allowed)
    if request.method not in ("GET", "HEAD"):
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD", Allow="GET, HEAD")
    if request.fields.get("content-length", "0") != "0" or "transfer-encoding" in request.fields:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "a request here has no body")
    target = request.target.partition("?")[0]
    if target == "/" and page is not None:
        return Response(
            HTTPStatus.OK,
            {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": page.policy},
            page.body,
        )
    if target == EVENTS:
        return Response(HTTPStatus.OK, {"Content-Type": "text/event-stream"}, is_stream=True)
    if target == "/favicon.ico":  # browsers ask for it, and report it where it is not found
        return Response(HTTPStatus.NO_CONTENT)
    raise Refused(HTTPStatus.NOT_FOUND, "there is nothing here but /")


def news(version: str) -> bytes:
    """Return the event that tells a page of the version that there is now."""
    return f"retry: 500\ndata: {version}\n\n".encode()


def _check_origin(request: Request, allowed: Set[str]) -> None:
    """Refuse what another site, or a name of its making, asks for."""
    host = request.fields.get("host", "").lower()
    if host not in allowed:
        names = ", ".join(sorted(allowed))
        raise Refused(HTTPStatus.FORBIDDEN, f"this server answers to {names} only")
    origin = request.fields.get("origin")
    if origin is not None and origin.lower().removeprefix("http://") not in allowed:
        raise Refused(HTTPStatus.FORBIDDEN, "another site asks for this")
    # Browsers say where a request comes from. Elsewhere may be a link to the page, no more.
    if request.fields.get("sec-fetch-site") in ("cross-site", "same-site"):
        follows_link = (
            request.fields.get("sec-fetch-mode") == "navigate"
            and request.fields.get("sec-fetch-dest") == "document"
        )
        if not follows_link or request.target.partition("?")[0] == EVENTS:
            raise Refused(HTTPStatus.FORBIDDEN, "another site asks for this")
