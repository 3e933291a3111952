"""``archdsl watch`` as a process: started, read line by line, asked over real sockets."""

from __future__ import annotations

import http.client
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

TINY = """arch 1
from "parts.arch" import Unit

model Tiny(classes = 10) {
  input [1, 8, 8]
  backbone { stage s1 { block b1 { Unit(8) } -> tap } }
  head { gap -> linear(classes) }
}
"""
PARTS = """arch 1
def Unit(c) { conv(c) -> relu -> conv(c) -> relu }
"""

# The command as it is, but for the drawing: figures are tested elsewhere, and take their time.
STAND_IN = """
import html, sys
import archdsl.cli.watch as command
from archdsl.cli import main
from archdsl.diagnostics import Diagnostic
from archdsl.watching.state import CannotDraw

def draw(state):
    name = state.compiled.network.name if state.compiled else ""
    if name == "Crash":
        raise ValueError("of no use")
    if name == "Refused":
        raise CannotDraw([Diagnostic("ARCH701", "too large to draw")])
    params = state.compiled.network.params if state.compiled else 0
    said = f"<pre>{html.escape(state.said)}</pre>" if state.said else ""
    return (
        "<!DOCTYPE html><html><head><meta charset='utf-8'>"
        "<meta http-equiv=\\"Content-Security-Policy\\" content=\\"default-src 'none'\\">"
        f"<title>{state.title}</title></head>"
        f"<body class={'stale' if state.is_stale else 'new'}>"
        f"<p id=params>{params}</p>{said}</body></html>"
    )

command.PageDrawer = lambda: draw
sys.argv[0] = "archdsl"
main()
"""


class WatchProcess:
    """One process; ends with :meth:`close`, or a context."""

    def __init__(self, *arguments: str, cwd: Path, real: bool = False) -> None:
        start = ["-m", "archdsl"] if real else ["-c", STAND_IN]
        self.process = subprocess.Popen(
            [sys.executable, *start, "watch", *arguments],
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self.said: list[str] = []
        self._collector = threading.Thread(target=self._collect, daemon=True)
        self._collector.start()
        self._listeners: list[Listener] = []
        self.port = 0
        self.errors = ""

    def __enter__(self) -> WatchProcess:
        line = self.line_with("watching ")
        self.port = int(re.search(r"http://127\.0\.0\.1:(\d+)/ ", line)[1])
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _collect(self) -> None:
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def line_with(self, text: str, seconds: float = 20) -> str:
        """Wait for a line that holds a text."""
        end = time.monotonic() + seconds
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                stderr = self.process.stderr.read() if self.process.poll() is not None else ""
                raise AssertionError(f"no {text!r} in {self.said} {stderr}") from None
            self.said.append(line)
            if text in line:
                return line

    def get(self, target: str = "/", method: str = "GET", **fields: str) -> tuple[int, str, dict]:
        """Return status, body and fields of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            named = {name.replace("_", "-"): value for name, value in fields.items()}
            connection.request(method, target, headers=named)
            found = connection.getresponse()
            return found.status, found.read().decode(), dict(found.headers)
        finally:
            connection.close()

    def listen(self) -> Listener:
        """Return a stream of news."""
        self._listeners.append(Listener(self.port))
        return self._listeners[-1]

    def socket(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=8)

    def raw(self, data: bytes) -> bytes:
        """Send bytes and return what comes back, to the end."""
        with self.socket() as connection:
            connection.sendall(data)
            return read_all(connection)

    def interrupt(self) -> int:
        """Press Ctrl-C; return the status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(10)

    def close(self) -> str:
        """End it, once; return what stands on its standard error."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)
        self._collector.join(10)
        for listener in self._listeners:
            listener.close()
        if not self.process.stderr.closed:
            with self.process.stdout, self.process.stderr:
                self.errors = self.process.stderr.read()
        return self.errors


class Listener:
    """What a page hears; reads one event after the other."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self.connection.request("GET", "/events")
        self.response = self.connection.getresponse()

    def next(self) -> str | None:
        """Return the next version, None at the end of the stream."""
        for line in self.response:
            if line.startswith(b"data: "):
                return line[6:].decode().strip()
        return None

    def close(self) -> None:
        self.response.close()
        self.connection.close()


def read_all(connection: socket.socket) -> bytes:
    found = b""
    while chunk := connection.recv(65536):
        found += chunk
    return found


def write_spec(folder: Path) -> Path:
    """Write a spec of two files, and return the first."""
    folder.mkdir(exist_ok=True)
    (folder / "parts.arch").write_text(PARTS)
    path = folder / "tiny.arch"
    path.write_text(TINY)
    return path


def replace(path: Path, text: str) -> None:
    """Write a file as most editors do: another one, renamed onto it."""
    new = path.with_suffix(".tmp")
    new.write_text(text)
    new.replace(path)
