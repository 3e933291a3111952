"""Problems: collects diagnostics, drops repeats, sorts them, and hands out Poison."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics.diagnostic import Diagnostic, Label, Severity
from archdsl.source import Span, Use


class Poison:
    """Stands for a value that could not be made because a fault was reported.

    Later passes accept it in silence and pass it on, so that one mistake gives one message.
    :meth:`Problems.add` hands it out.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "POISON"


_POISON = Poison()


class TooManyFaults(Exception):
    """As many faults as are looked for have been found; a diagnostic says so."""


class Problems:
    """The faults found so far, in the order they were found.

    With ``most``, whoever adds one error more is stopped by :class:`TooManyFaults`; of warnings
    and notes, the first ones are kept.
    """

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self.is_full = False
        """Whether no more faults are looked for."""
        self._counts = {True: 0, False: 0}  # of errors, of others
        self._diagnostics: list[Diagnostic] = []
        self._seen: dict[tuple[object, ...], dict[str, Use | None]] = {}

    def add(self, diagnostic: Diagnostic) -> Poison:
        """Record a fault and return the poison that stands for its value.

        The same code at the same place with the same words is recorded once: a def that is used
        ten times reports a fault of its own text one time.
        """
        span = diagnostic.primary.span if diagnostic.primary else None
        place = span and (id(span.source), span.start, span.end)
        uses = self._seen.setdefault((diagnostic.code, place), {})
        # In a def the shapes at hand differ from use to use; the fault is still one.
        elsewhere = any(use is not None and use is not diagnostic.use for use in uses.values())
        if diagnostic.message not in uses and not (diagnostic.use and elsewhere):
            is_error = diagnostic.severity is Severity.ERROR
            if self._counts[is_error] == self.most:
                if not is_error:
                    return _POISON
                if not self.is_full:
                    self._diagnostics.append(_too_many(self.most, span))
                    self.is_full = True
                raise TooManyFaults
            self._counts[is_error] += 1
            uses[diagnostic.message] = diagnostic.use
            self._diagnostics.append(diagnostic)
        return _POISON

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Record several."""
        for diagnostic in diagnostics:
            self.add(diagnostic)

    @property
    def count(self) -> int:
        """How many have been recorded."""
        return len(self._diagnostics)

    @property
    def has_errors(self) -> bool:
        """Whether compilation must stop."""
        return any(d.severity is Severity.ERROR for d in self._diagnostics)

    def told(self, code: str, within: Span | None = None) -> bool:
        """Whether a fault of a code has been recorded, anywhere or within a stretch of text."""
        spans = [d.primary.span for d in self._diagnostics if d.code == code and d.primary]
        if within is None:
            return bool(spans)
        return any(
            span.source is within.source and within.start <= span.start < within.end
            for span in spans
        )

    def sorted(self) -> tuple[Diagnostic, ...]:
        """Return all, by file (in the order first met), then by place; placeless ones first."""
        order: dict[int, int] = {}
        for diagnostic in self._diagnostics:
            if diagnostic.primary:
                order.setdefault(id(diagnostic.primary.span.source), len(order))

        def place(diagnostic: Diagnostic) -> tuple[int, int, int, str]:
            if diagnostic.primary is None:
                return (-1, 0, 0, diagnostic.code)
            span = diagnostic.primary.span
            return (order[id(span.source)], span.start, span.end, diagnostic.code)

        return tuple(sorted(self._diagnostics, key=place))


def _too_many(most: int, place: Span | None) -> Diagnostic:
    return Diagnostic(
        "ARCH907",
        f"there are more than {most:,} errors",
        Label(place) if place is not None else None,
        notes=("what comes behind them was not checked",),
        help="mend the first ones, and check again",
    )
