"""Faults that are hard to print, for the tests of every format."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic, Edit, Fix, Label, Severity
from archdsl.source import Source, Span, Use

RESNET = Source(
    "specs/resnet_ra.arch",
    """\
arch 1

# The basic block.
def Basic(c, s = 1) {
  main = in -> conv(c, 3, stride = s, bias = false) -> batchnorm -> relu
            -> conv(c, 3, bias = false) -> batchnorm
  skip = in
  out  = add(main, skip) -> relu
}

model ResNet {
  input [3, 32, 32]

  stage s1 {
    block b1 { Basic(64) }
  }

  stage s2 {
    block b2 { Basic(128, 2) }
  }
}
""",
)


def find(text: str, within: str | None = None, source: Source = RESNET) -> Span:
    """Return the span of ``text``, at its first place within the first ``within``."""
    start = source.text.index(text, source.text.index(within or text))
    return Span(source, start, start + len(text))


BASIC = Use(find("Basic", "Basic(128"), "Basic(c=128, s=2)", "net.s2.b2")
ADD = Diagnostic(
    "ARCH203",
    "add: inputs differ in shape",
    Label(find("add")),
    (
        Label(find("main", "add("), "[128, 16, 16]   from main, line 5"),
        Label(find("skip", "add("), "[64, 32, 32]   from skip, line 7"),
    ),
    help="skip needs a projection: in -> conv(c, 1, stride = s)",
    use=BASIC,
)

# A path and a text with all that is hostile: control and bidirectional characters, a line break,
# what separates fields in each format, tabs, wide, combining and invisible characters.
HOSTILE = Source(
    "dir,a:b%c\x1b[31m\n::error::層/\u202espec\u200b.arch",
    "arch 1\nlet\t層 = \x1b[2Je\u0301 -> \u202erleu # 100% [x](http://evil) \u2066\n",
)
REPLACED = Diagnostic(
    "ARCH101",
    "there is no operator or def `\x1b]0;owned\x07rleu\u202e\r\n::error::`, 100% [x](http://evil)",
    Label(find("rleu", source=HOSTILE), "here\nthere"),
    (Label(find("層", source=HOSTILE), "wide"), Label(find("e\u0301", source=HOSTILE), "\t")),
    notes=("a fact\nof two lines",),
    help="did you mean `relu`?",
    fix=Fix("write `relu`", (Edit(find("rleu", source=HOSTILE), "relu"),)),
)
LINES = Diagnostic(
    "RA002",
    "a warning over several lines",
    Label(find("stage s1 {\n    block b1 { Basic(64) }\n  }")),
    severity=Severity.WARNING,
    fix=Fix("perhaps this", (Edit(find("s1"), "s3"), Edit(find("s2"), "s4")), certain=False),
)
NOTE = Diagnostic("RA002", "allowed here", Label(find("s2")), severity=Severity.NOTE)
PLACELESS = Diagnostic("ARCH109", "cannot read a\nb.arch: no such file", help="name a file")

SAMPLES = {
    "clean": (),
    "join": (ADD,),
    "hostile": (REPLACED,),
    "mixed": (PLACELESS, LINES, NOTE),
}
