"""The page as text: nothing from elsewhere, no name as markup, the same bytes each time."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from pages import PAPER, network, page_of, views

from archdsl.backends.figures.facts import table_rows
from archdsl.backends.figures.page import page

VILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>&lt;@data@\u2028"


class Reader(HTMLParser):
    """Notes every tag, every id, and the texts of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": [], "pre": [], "title": []}
        self.inside: str | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in self.texts:
            self.inside = tag
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = None

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.texts[self.inside][-1] += data

    def ids(self) -> list[str]:
        return [a["id"] or "" for _, a in self.tags if "id" in a]

    def policy(self) -> str:
        return next(a["content"] or "" for t, a in self.tags if t == "meta" and "http-equiv" in a)


@pytest.mark.parametrize("name", PAPER)
def test_a_page_is_small_and_shares_no_ids(name: str) -> None:
    text = page_of(name)
    assert len(text.encode()) < 300_000
    ids = Reader(text).ids()
    assert len(ids) > 20
    assert len(ids) == len(set(ids))


def test_equal_arguments_give_equal_bytes() -> None:
    again = page(network("vgg1_ra").name, network("vgg1_ra"), views("vgg1_ra"))
    assert again == page_of("vgg1_ra")


def test_nothing_is_asked_for_from_elsewhere() -> None:
    read = Reader(page_of("resnet_ra"))
    for tag, attributes in read.tags:
        assert tag not in ("iframe", "object", "embed", "img", "image", "base", "use")
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href", "xlink:href", "action", "srcset"):
                assert value and value.startswith(("#", "data:image/svg+xml,")), (tag, value)
            assert name != "style", "the policy forbids it"


def test_the_policy_names_the_style_and_the_script_of_the_page() -> None:
    read = Reader(page_of("vgg1_ra"))
    policy = read.policy()
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    data, script = read.texts["script"]
    (style,) = read.texts["style"]
    json.loads(data)
    for text, kind in ((style, "style"), (script, "script")):
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in policy


def test_no_name_becomes_markup() -> None:
    honest = Reader(page("VGG1_RA", network("vgg1_ra"), views("vgg1_ra"), diagnostics="said"))
    changed = replace(network("vgg1_ra"), name=VILE)
    drawing, svg = views("vgg1_ra")["overview"]
    boxes = {box: replace(box, title=VILE) for box in drawing.boxes()}
    items = tuple(boxes.get(item, item) for item in drawing.items)
    drawn = {**views("vgg1_ra"), "overview": (replace(drawing, items=items), svg)}
    text = page(VILE, changed, drawn, diagnostics=VILE)
    read = Reader(text)
    assert [tag for tag, _ in read.tags] == [tag for tag, _ in honest.tags]
    assert read.texts["pre"] == [VILE]
    assert read.texts["title"][0] == VILE
    data = json.loads(read.texts["script"][0])
    assert VILE in {box["title"] for box in data["views"]["overview"]["boxes"].values()}
    assert re.fullmatch(r"[\w.-]+", data["file"])


def test_the_table_has_a_row_for_each_layer() -> None:
    rows = [tag for tag, _ in Reader(page_of("vgg2_ra")).tags if tag == "tr"]
    assert len(rows) == len(table_rows(network("vgg2_ra"))) + 1


def test_diagnostics_stand_beside_a_figure_that_is_out_of_date() -> None:
    said = "error[ARCH203]: add: inputs differ in shape\n  --> unit.arch:6:10"
    fresh = page("VGG1", network("vgg1"), views("vgg1"))
    stale = page("VGG1", network("vgg1"), views("vgg1"), diagnostics=said, stale=True)
    warned = page("VGG1", network("vgg1"), views("vgg1"), diagnostics=said)
    assert '<body class="stale">' in stale
    assert "<body>" in warned and "<body>" in fresh
    assert Reader(stale).texts["pre"] == Reader(warned).texts["pre"] == [said]
    assert Reader(fresh).texts["pre"] == []


def test_there_is_a_page_before_there_is_a_network() -> None:
    read = Reader(page("VGG1", None, {}, diagnostics="error[ARCH101]: no"))
    assert read.texts["pre"] == ["error[ARCH101]: no"]
    assert "svg" not in {tag for tag, _ in read.tags}
    assert "table" not in {tag for tag, _ in read.tags}
