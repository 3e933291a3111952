"""``archdsl watch`` as a user meets it: its start, its lines, its end."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from watched_process import PARTS, ROOT, STAND_IN, TINY, WatchProcess, replace

from archdsl.watching.ports import USUAL, PortFault, open_server
from archdsl.watching.publication import Publication


def fails(*arguments: str, cwd: Path) -> str:
    """Run a call that is at fault; return what it says."""
    run = subprocess.run(
        [sys.executable, "-c", STAND_IN, "watch", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=20,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 2 and run.stdout == "" and "Traceback" not in run.stderr
    return run.stderr


def test_its_lines(watch: WatchProcess, spec: Path) -> None:
    assert re.fullmatch(r"redrawn in \d+\.\d\d s", watch.said[0])
    assert (
        watch.said[1] == f"watching tiny.arch at http://127.0.0.1:{watch.port}/  (Ctrl-C ends it)"
    )
    replace(spec, TINY.replace("relu", "rleu").replace("gap", "gpa"))
    assert watch.line_with("error").startswith(f"{spec}:7:10: error[ARCH101] there is no")
    assert "class=stale" in watch.get()[1]
    replace(spec, TINY.replace("\n\n", "\nfrom std.recipes import digits\n\n"))
    assert "warning[ARCH119]" in watch.line_with(f"{spec}:3:")
    assert watch.line_with("redrawn in ")
    assert "class=new" in watch.get()[1] and "warning[ARCH119]" in watch.get()[1]


def test_ctrl_c_ends_it_with_status_0(watch: WatchProcess) -> None:
    listener = watch.listen()
    listener.next()
    start = time.monotonic()
    assert watch.interrupt() == 0
    assert time.monotonic() - start < 2
    assert listener.next() is None
    assert watch.close() == ""
    with pytest.raises(ConnectionRefusedError):
        watch.socket()


def test_it_does_not_outlive_its_parent(spec: Path) -> None:
    """The parent is killed, so that nobody can tell the child."""
    code = (
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', *sys.argv[1:]])\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, STAND_IN, "watch", str(spec), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with parent.stdout as lines:
        found = next(line for line in lines if line.startswith("watching"))
        port = int(re.search(r":(\d+)/", found)[1])
        socket.create_connection(("127.0.0.1", port)).close()
        parent.kill()
        parent.wait()
        assert lines.read() == ""  # at the end of the child, which had the same output
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_faulty_spec_is_watched_from_the_start(spec: Path) -> None:
    spec.write_text("arch 1\n")
    with WatchProcess(str(spec), "--port", "0", cwd=spec.parent) as watch:
        assert "declares no model" in watch.said[0]
        assert "<p id=params>0</p>" in watch.get()[1] and "ARCH120" in watch.get()[1]
        listener = watch.listen()
        listener.next()
        replace(spec, TINY)
        listener.next()
        assert "<p id=params>754</p>" in watch.get()[1] and "ARCH120" not in watch.get()[1]


def test_model_and_set(spec: Path) -> None:
    spec.write_text(TINY + TINY.split("\n\n")[1].replace("Tiny", "Other"))
    options = ("--model", "Other", "--set", "classes=20", "--port", "0")
    with WatchProcess(spec.name, *options, cwd=spec.parent) as watch:
        page = watch.get()[1]
        assert "<title>Other</title>" in page and "<p id=params>844</p>" in page
        # The only model of the name is gone: no reason to end, it may come back.
        listener = watch.listen()
        listener.next()
        replace(spec, TINY)
        listener.next()
        assert "there is no model `Other`" in watch.get()[1]


def test_imports_from_outside(spec: Path) -> None:
    spec.write_text(TINY.replace("parts.arch", "../outside.arch"))
    outside = spec.parent.parent / "outside.arch"
    outside.write_text(PARTS)
    with WatchProcess(str(spec), "--port", "0", "--allow-outside", cwd=spec.parent) as watch:
        listener = watch.listen()
        first = listener.next()
        replace(outside, PARTS.replace("conv(c) -> relu }", "conv(c, 1) -> relu }"))
        assert listener.next() != first


def test_a_spec_that_is_not_there(tmp_path: Path) -> None:
    assert "error[ARCH109]: cannot read nothing.arch" in fails("nothing.arch", cwd=tmp_path)


def test_faults_of_the_call(spec: Path) -> None:
    assert "error[ARCH114]" in fails(str(spec), "--set", "classes", cwd=spec.parent)
    assert "70000" in fails(str(spec), "--port", "70000", cwd=spec.parent)


def test_a_port_that_is_taken(spec: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = fails(str(spec), "--port", str(port), cwd=spec.parent)
    assert f"error[ARCH720]: port {port} of 127.0.0.1 is in use" in said and "help: " in said


def test_a_port_that_is_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    from archdsl.watching import ports

    def server(port: int, publication: Publication) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ports, "Server", server)
    with pytest.raises(PortFault) as caught:
        open_server(80, Publication())
    assert caught.value.diagnostic.code == "ARCH721"
    assert "permission denied" in caught.value.diagnostic.message


def test_without_a_port_the_next_free_one() -> None:
    """Whoever has the usual port: the second server is never where the first one is."""
    first = open_server(None, Publication())
    second = open_server(None, Publication())
    try:
        assert first.port >= USUAL and second.port != first.port
        assert second.url == f"http://127.0.0.1:{second.port}/"
    finally:
        first.stop()
        second.stop()


@pytest.mark.parametrize("browser", ["true", "false"])
def test_the_page_is_opened_when_asked_for(
    spec: Path, browser: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    with WatchProcess(str(spec), "--port", "0", "--open", cwd=spec.parent) as watch:
        assert watch.get()[0] == 200
        if browser == "false":
            assert watch.line_with("no browser could be opened")


def test_it_imports_nothing_heavy(spec: Path) -> None:
    """The command as it is, drawing included; it ends where it would begin to wait."""
    code = (
        "import sys\n"
        "from archdsl.cli import main\n"
        "from archdsl.watching.loop import Watch\n"
        "Watch.run = lambda self: None\n"
        "try:\n    main()\n"
        "except SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "heavy = {'torch', 'numpy', 'matplotlib.pyplot', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, "watch", str(spec), "--port", "0"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "redrawn in" in run.stdout
