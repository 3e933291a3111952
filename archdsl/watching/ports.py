"""Which port is served: the one that is asked for, or else the first free one from the usual on."""

from __future__ import annotations

import errno

from archdsl.diagnostics import Diagnostic
from archdsl.watching.publication import Publication
from archdsl.watching.server import LOOPBACK, Server

USUAL = 8417
"""The port where a page is found, unless something else is there already."""

_TRIED = 20
"""How many ports from the usual one on are tried before any free one is taken."""

_TAKEN = (errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", errno.EADDRINUSE))


class PortFault(Exception):
    """A port that was asked for is not to be had; ``diagnostic`` says why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def open_server(port: int | None, publication: Publication) -> Server:
    """Return a server on a port; None: the usual one or, where that is taken, one near it.

    Raises :class:`PortFault` where a port that was asked for cannot be had, or none at all.
    """
    if port is not None:
        return _open(port, publication)
    for usual in range(USUAL, USUAL + _TRIED):
        try:
            return _open(usual, publication)
        except PortFault:
            continue
    return _open(0, publication)


def _open(port: int, publication: Publication) -> Server:
    try:
        return Server(port, publication)
    except OSError as error:
        help = "leave --port out for the first free one, or name another"
        if error.errno in _TAKEN:
            what = f"port {port} of {LOOPBACK} is in use"
            raise PortFault(Diagnostic("ARCH720", what, help=help)) from None
        reason = (error.strerror or str(error)).lower()
        what = f"port {port} of {LOOPBACK} cannot be opened: {reason}"
        raise PortFault(Diagnostic("ARCH721", what, help=help)) from None
