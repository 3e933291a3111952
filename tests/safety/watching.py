"""A process that checks, compiles and formats hostile inputs while an audit hook watches it.

Run as ``python watching.py FOLDER SEED COUNT [planted]``; prints a report as JSON. With `planted`
each input does on purpose one thing that no spec may do, to show that the watch sees it.
"""

from __future__ import annotations

import ast
import json
import os
import resource
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).parents[1]))

MEMORY = 1 << 30
"""Bytes of address space that the process may have, Python itself included."""

SECONDS = 2.0
"""Processor time that one input may take."""

HARMLESS = frozenset(("object.__getattr__", "object.__setattr__", "object.__delattr__"))
HARMLESS |= frozenset(("sys._getframe", "builtins.id", "code.__new__"))
"""Events of the interpreter itself that reach nothing outside of it."""


class Watch:
    """An audit hook that notes every event which no input may cause."""

    def __init__(self, folder: Path) -> None:
        from archdsl.resources import resource as packaged

        self.on = False
        self.seen: list[str] = []
        self.folder = str(folder.resolve())
        self.allowed: set[str] = set()
        self.library = str(packaged("specs/std"))
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.on or event in HARMLESS or self.is_allowed(event, arguments):
            return
        self.on = False  # what is noted here may raise events itself
        self.seen.append(f"{event} {arguments!r:.200}")
        self.on = True

    def is_allowed(self, event: str, arguments: tuple[object, ...]) -> bool:
        if event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writes or not isinstance(path, str | Path):
                return False
            return str(path) in self.allowed or self.is_of_library(str(path))
        if event == "compile":  # reading what was emitted as a tree: nothing can run
            return sys._getframe(2).f_code.co_filename == ast.__file__
        if event in ("os.listdir", "os.scandir"):
            return str(arguments[0]) == self.library
        return False

    def is_of_library(self, path: str) -> bool:
        return path.endswith(".arch") and str(Path(path).parent) == self.library


def process(path: Path) -> tuple[str, list[str], list[str]]:
    """Do all that can be done with a spec short of building it.

    Returns how it went, the codes that were reported, and every text that was written for it.
    """
    import archdsl
    from archdsl.backends.tables.choosing import Entry, Per, tables
    from archdsl.backends.tables.latex import to_latex
    from archdsl.backends.tables.markdown import to_markdown
    from archdsl.backends.tables.structured import to_csv
    from archdsl.backends.tables.structured import to_json as tables_to_json
    from archdsl.backends.tables.text import render_text as render_tables
    from archdsl.compiler import CallFault, SpecFault, check_spec, compile_spec, load_spec
    from archdsl.diagnostics.structured import to_json
    from archdsl.diagnostics.text import render_text
    from archdsl.ir.serialization import read_network

    texts: list[str] = []

    def show(diagnostics: object) -> list[str]:
        found = list(diagnostics)  # type: ignore[call-overload]
        texts.append(render_text(found, 80).plain)
        texts.append(render_text(found).plain)
        json.loads(to_json(found))
        return [d.code for d in found]

    format_text = getattr(archdsl, "format_text", None)
    if format_text is not None:
        from archdsl.reading import NotText, TooLarge, read_text

        with suppress(CallFault, SpecFault, NotText, TooLarge):
            format_text(read_text(path))
    try:
        spec = load_spec(path)
    except CallFault as fault:
        return "refused", show([fault.diagnostic]), texts
    codes = show(check_spec(spec))
    models = [symbol.name for symbol in spec.models]
    outcome = "faulty" if models else "no model"
    for name in models[:5]:
        try:
            compiled = compile_spec(load_spec(path), name)
        except (CallFault, SpecFault):
            continue
        outcome = "compiled"
        texts.append(compiled.source)
        stored = compiled.network.to_json()
        assert read_network(stored).identity == compiled.network.identity
        entry = Entry(name, str(path), compiled.network)
        for per in Per:
            made = tables([entry], per)
            texts += [render_tables(made, 80).plain, to_markdown(made), to_latex(made)]
            texts += [to_csv(made).replace("\r\n", "\n"), tables_to_json(made, per)]
    return outcome, codes, texts


def unprintable(text: str) -> str:
    """Return the characters of a text that a terminal would obey or hide."""
    return "".join(sorted(c for c in set(text) if not c.isprintable() and c != "\n"))


class Late(BaseException):
    """An input has taken much longer than it may."""


def interrupt(*_: object) -> None:
    raise Late


PLANTED: dict[str, Callable[[], object]] = {
    "open": lambda: Path("/etc/hostname").read_bytes(),
    "write": lambda: Path("stray").write_bytes(b""),
    "link": lambda: (Path("link.arch")).read_bytes(),
    "exec": lambda: exec("1"),
    "eval": lambda: eval("1"),
    "import": lambda: __import__("this_is_not_there"),
    "system": lambda: os.system("true"),
    "process": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "socket": lambda: __import__("socket").socket(),
    "folder": lambda: list(Path("/").iterdir()),
    "remove": lambda: Path("stray").unlink(),
    "recursion": lambda: endless(0),
    "memory": lambda: bytearray(4 * MEMORY),
    "hang": lambda: sum(0 for _ in iter(int, 1)),
    "traceback": lambda: 1 // 0,
}


def endless(depth: int) -> int:
    return endless(depth + 1) + 1


def run(folder: Path, seed: int, count: int, *, planted: bool) -> dict[str, object]:
    """Process inputs, and return what happened."""
    import socket  # noqa: F401 - what is planted uses it

    from safety.inputs import BESIDE, KINDS, inputs, write_beside

    folder.mkdir(parents=True, exist_ok=True)
    write_beside(folder)
    os.chdir(folder)
    watch = Watch(folder)
    main = folder / "main.arch"
    watch.allowed = {str(p) for name in ("main.arch", *BESIDE) for p in (folder / name, name)}
    watch.allowed |= {str((folder / name).resolve()) for name in ("main.arch", *BESIDE)}
    # Whatever is imported or cached at the first use is there before anything is watched.
    for warm in inputs(1, 4 * len(KINDS)):
        main.write_bytes(warm.data)
        with suppress(Exception):  # what fails here fails again below, and is reported
            process(main)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGVTALRM, interrupt)
    faults: list[dict[str, object]] = []
    kinds: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    slowest: dict[str, float] = {}
    spent: Counter[str] = Counter()
    for number, each in enumerate(inputs(seed, count)):
        main.write_bytes(each.data)
        (folder / "current").write_text(f"{number} {each.kind}")
        kinds[each.kind] += 1
        wrong: list[str] = []
        texts: list[str] = []
        watch.seen.clear()
        signal.setitimer(signal.ITIMER_VIRTUAL, 3 * SECONDS)
        started = process_time()
        try:
            watch.on = True
            outcome, reported, texts = process(main)
            if planted:
                list(PLANTED.values())[number]()
            outcomes[outcome] += 1
            codes.update(set(reported))
        except Late:
            wrong.append("it does not end")
        except BaseException:  # also what only leaves an interpreter
            watch.on = False
            wrong.append(traceback.format_exc(limit=-12))
        finally:
            watch.on = False
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        taken = process_time() - started
        spent[each.kind] += taken
        slowest[each.kind] = max(slowest.get(each.kind, 0.0), taken)
        if taken > SECONDS:
            wrong.append(f"it takes {taken:.1f} s")
        wrong += watch.seen
        for text in texts:
            if bad := unprintable(text):
                wrong.append(f"{bad!r} is written: {text[:200]!r}")
            if text.startswith('"""'):
                try:
                    compile(text, "emitted", "exec")
                except (SyntaxError, ValueError) as error:
                    wrong.append(f"what is emitted is no Python: {error}")
        if wrong:
            with tempfile.NamedTemporaryFile("wb", suffix=".arch", delete=False) as kept:
                kept.write(each.data)
            where = {"number": number, "kind": each.kind, "file": kept.name}
            faults.append({**where, "wrong": [w[:3000] for w in wrong[:3]]})
    return {
        "inputs": count,
        "kinds": kinds,
        "outcomes": outcomes,
        "codes": codes,
        "slowest": {k: round(v, 3) for k, v in slowest.items()},
        "seconds": {k: round(v, 3) for k, v in spent.items()},
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "faults": faults,
    }


if __name__ == "__main__":
    folder, seed, count, *rest = sys.argv[1:]
    print(json.dumps(run(Path(folder), int(seed), int(count), planted=bool(rest))))
