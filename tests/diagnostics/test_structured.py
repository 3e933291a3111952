"""Diagnostics as JSON, field by field."""

import json

from archdsl.diagnostics import Diagnostic, Edit, Fix, Label, Severity
from archdsl.diagnostics.structured import to_json
from archdsl.source import Source, Span, Use

SOURCE = Source("net.arch", "arch 1\nlet é = 層\nlet w = 1\n")


def test_nothing_is_an_empty_list() -> None:
    assert to_json([]) == "[]"


def test_every_field() -> None:
    outer = Use(Span(SOURCE, 17, 20), "Stage()", "net.s1")
    inner = Use(Span(SOURCE, 7, 10), "Basic(c=1)", "net.s1.b1", outer)
    fault = Diagnostic(
        "ARCH100",
        "`é` is \x1b wrong",
        Label(Span(SOURCE, 11, 12), "here"),
        (Label(Span(SOURCE, 15, 21), "there"),),
        ("a fact",),
        "write `e`",
        inner,
        Severity.WARNING,
        Fix("write `e`", (Edit(Span(SOURCE, 11, 12), "e"),), certain=False),
    )
    assert json.loads(to_json([fault])) == [
        {
            "code": "ARCH100",
            "severity": "warning",
            "message": "`é` is \x1b wrong",
            "file": "net.arch",
            "line": 2,
            "column": 5,
            "end_line": 2,
            "end_column": 6,
            "label": "here",
            "help": "write `e`",
            "labels": [
                {
                    "file": "net.arch",
                    "line": 2,
                    "column": 9,
                    "end_line": 3,
                    "end_column": 5,
                    "text": "there",
                }
            ],
            "notes": ["a fact"],
            "uses": [
                {
                    "what": "Basic(c=1)",
                    "path": "net.s1.b1",
                    "file": "net.arch",
                    "line": 2,
                    "column": 1,
                },
                {"what": "Stage()", "path": "net.s1", "file": "net.arch", "line": 3, "column": 1},
            ],
            "fix": {
                "title": "write `e`",
                "certain": False,
                "edits": [
                    {
                        "file": "net.arch",
                        "line": 2,
                        "column": 5,
                        "end_line": 2,
                        "end_column": 6,
                        "text": "e",
                    }
                ],
            },
        }
    ]


def test_without_a_place_it_is_null() -> None:
    assert (
        to_json([Diagnostic("X", "no \ud800 file")])
        == r"""[
  {
    "code": "X",
    "severity": "error",
    "message": "no \ud800 file",
    "file": null,
    "line": null,
    "column": null,
    "end_line": null,
    "end_column": null,
    "label": null,
    "help": null,
    "labels": [],
    "notes": [],
    "uses": [],
    "fix": null
  }
]"""
    )
