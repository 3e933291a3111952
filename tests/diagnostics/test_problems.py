"""Problems: repeats are dropped, the rest is sorted, and every fault hands out poison."""

from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.diagnostics import Diagnostic, Label, Poison, Problems, Severity
from archdsl.source import Source, Span, Use

ONE, TWO = Source("one", "0123456789"), Source("two", "0123456789")
USE = Use(Span(ONE, 0, 1), "Basic()", "net.b1")


def fault(
    source: Source | None,
    start: int = 0,
    end: int = 1,
    code: str = "A",
    message: str = "m",
    use: Use | None = None,
    severity: Severity = Severity.ERROR,
) -> Diagnostic:
    primary = Label(Span(source, start, end)) if source else None
    return Diagnostic(code, message, primary, use=use, severity=severity)


def collected(*faults: Diagnostic) -> Problems:
    problems = Problems()
    problems.extend(faults)
    return problems


def test_every_fault_hands_out_poison_even_a_repeat() -> None:
    problems = Problems()
    assert isinstance(problems.add(fault(ONE)), Poison)
    assert isinstance(problems.add(fault(ONE)), Poison)
    assert len(problems.sorted()) == 1


def test_the_same_code_place_and_words_are_one_fault() -> None:
    assert len(collected(fault(ONE), fault(ONE)).sorted()) == 1
    assert len(collected(fault(None), fault(None)).sorted()) == 1
    assert len(collected(fault(ONE), fault(TWO)).sorted()) == 2
    assert len(collected(fault(ONE), fault(ONE, code="B")).sorted()) == 2
    assert len(collected(fault(ONE), fault(ONE, end=2)).sorted()) == 2
    assert len(collected(fault(ONE), fault(ONE, message="other")).sorted()) == 2


def test_in_a_def_the_words_may_differ_and_the_first_are_kept() -> None:
    other = Use(Span(ONE, 3, 4), "Basic()", "net.b2")
    found = collected(
        fault(ONE, message="64 channels", use=USE), fault(ONE, message="128 channels", use=other)
    ).sorted()
    assert [diagnostic.message for diagnostic in found] == ["64 channels"]


def test_only_errors_stop() -> None:
    assert not collected().has_errors
    assert not collected(fault(ONE, severity=Severity.WARNING)).has_errors
    assert collected(fault(ONE, severity=Severity.WARNING), fault(TWO)).has_errors


def test_files_are_in_the_order_first_met_and_placeless_faults_come_first() -> None:
    first, second, third, fourth = fault(TWO, 5), fault(ONE, 2), fault(TWO, 1), fault(None)
    assert collected(first, second, third, fourth).sorted() == (fourth, third, first, second)


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            fault,
            st.sampled_from([None, ONE, TWO]),
            st.integers(0, 3),
            st.integers(4, 6),
            st.sampled_from("AB"),
            st.sampled_from("mn"),
        )
    )
)
def test_sorted_keeps_each_different_fault_once(faults: list[Diagnostic]) -> None:
    found = collected(*faults).sorted()
    assert len(set(found)) == len(found)
    assert set(found) == set(faults)
    places = [
        (d.primary.span.source.name, d.primary.span.start, d.primary.span.end, d.code)
        for d in found
        if d.primary
    ]
    firsts = [d.primary.span.source.name for d in faults if d.primary]
    assert places == sorted(places, key=lambda place: (firsts.index(place[0]), *place[1:]))
    assert [d.primary is None for d in found] == sorted(
        (d.primary is None for d in found), reverse=True
    )
