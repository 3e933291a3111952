"""Looking after a spec: whenever a file of it changes it is compiled, drawn and published."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from archdsl.compiler import CallFault, Compiled, SpecFault
from archdsl.diagnostics import Diagnostic, Severity
from archdsl.diagnostics.concise import to_concise
from archdsl.diagnostics.escaping import visible
from archdsl.diagnostics.text import render_text
from archdsl.watching.files import Files
from archdsl.watching.live import live
from archdsl.watching.publication import Publication
from archdsl.watching.state import CannotDraw, Draw, State, Watched, fault_of

LOOK_SECONDS = 0.25
"""How often files are looked at."""

_SETTLE_SECONDS = 0.03
_SETTLE_LOOKS = 10
"""A file that is being written: it is read when two looks find the same, or after so many."""

_MOST_TOLD = 20
"""The most faults that are told in a line each; the page has all of them."""


class Watch:
    """One spec under watch. ``say`` is given lines for the terminal, ready to print."""

    def __init__(
        self, watched: Watched, draw: Draw, publication: Publication, say: Callable[[str], None]
    ) -> None:
        self.watched = watched
        self.draw = draw
        self.publication = publication
        self.say = say
        self.title = visible(watched.spec.name)
        self.files = Files()
        self._good: Compiled | None = None
        self._parent = os.getppid()

    def run(self) -> None:
        """Look, and redraw, until the program that has started this one is gone.

        A server that nobody knows of any more is not left behind.
        """
        while os.getppid() == self._parent:
            time.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> bool:
        """Redraw if a file has changed; return whether one had."""
        found = self.files.now()
        if found == self.files.then():
            return False
        for _ in range(_SETTLE_LOOKS):
            time.sleep(_SETTLE_SECONDS)
            before, found = found, self.files.now()
            if found == before:
                break
        if found == self.files.then():
            return False  # it was away for a moment, and is back as it was
        self.redraw()
        return True

    def redraw(self) -> None:
        """Compile, draw and publish, and say so; never raises for what a spec can contain.

        Raises :class:`CallFault` at the first call where the spec cannot be read: then there is
        nothing to watch, and its name is probably misspelt.
        """
        start = time.monotonic()
        is_first = not self.files.count
        self.files = Files()
        try:
            compiled = self.watched.compile(self.files)
        except CallFault as fault:
            if is_first and fault.diagnostic.code == "ARCH109":
                raise
            self._show_faults(fault_of(fault))
        except SpecFault as fault:
            self._show_faults(fault_of(fault))
        except Exception as error:
            self._show_bug(error)
        else:
            self._show(compiled, start)

    def _show(self, compiled: Compiled, start: float) -> None:
        warnings = [d for d in compiled.diagnostics if d.severity is Severity.WARNING]
        said = render_text(warnings).plain if warnings else None
        try:
            page = live(self.draw(State(compiled.network.name, compiled, said)))
        except CannotDraw as fault:
            self._show_faults(fault_of(fault))
            return
        except Exception as error:
            self._show_bug(error)
            return
        self.publication.publish(page)
        self._good = compiled
        self._say_faults(warnings)
        self.say(f"redrawn in {time.monotonic() - start:.2f} s")

    def _show_faults(self, faults: Sequence[Diagnostic]) -> None:
        self._show_text(render_text(faults).plain)
        self._say_faults(faults)

    def _show_bug(self, error: Exception) -> None:
        """Show a fault of this program: the next edit may do without what led to it."""
        if os.environ.get("ARCHDSL_TRACEBACK"):
            raise error
        text = visible(f"internal error: {type(error).__name__}: {error}")
        self.say(text)
        self.say("This is a bug in archdsl. Set ARCHDSL_TRACEBACK=1 to see where, and report it.")
        self._show_text(text)

    def _show_text(self, text: str) -> None:
        """Publish what is wrong, beside the last figure if there is one."""
        page = None
        if self._good is not None:
            # What could be drawn may be so no longer: the program that draws is gone, the machine
            # out of memory. Of the two faults, the one at hand is told.
            with suppress(Exception):
                name = self._good.network.name
                page = live(self.draw(State(name, self._good, text, is_stale=True)))
        self.publication.publish(page or live(self.draw(State(self.title, None, text))))

    def _say_faults(self, faults: Sequence[Diagnostic]) -> None:
        if faults:
            self.say(to_concise(faults[:_MOST_TOLD]))
        if len(faults) > _MOST_TOLD:
            self.say(f"... and {len(faults) - _MOST_TOLD} more")
