"""Tables: their figures against the paper's, and what each format makes of any text."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from functools import cache
from pathlib import Path
from shutil import which

import pytest
from generation.specs import Spec, specs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from archdsl import SpecFault, compile
from archdsl.backends.tables import latex, markdown
from archdsl.backends.tables.cells import Kind, printable
from archdsl.backends.tables.choosing import Entry, Per, tables
from archdsl.backends.tables.folding import Branch, Tree, tree
from archdsl.backends.tables.latex import to_latex
from archdsl.backends.tables.markdown import to_markdown
from archdsl.backends.tables.structured import to_csv, to_json
from archdsl.backends.tables.table import Column, Row, Sheet, Table
from archdsl.backends.tables.text import render_text
from archdsl.ir import Network

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden_tables"
SIX = ["vgg1", "vgg2", "resnet", "vgg1_ra", "vgg2_ra", "resnet_ra"]
EVERY = sorted(ROOT.glob("specs/**/*.arch"))
EVERY = [path for path in EVERY if path.parent.name != "std"]


@cache
def entry(path: Path) -> Entry:
    network = compile(path).network
    return Entry(network.name, str(path.relative_to(ROOT) if path.is_absolute() else path), network)


def paper(*names: str) -> list[Entry]:
    return [entry(ROOT / "specs" / f"{name}.arch") for name in names]


def rows_of(entries: list[Entry], per: Per) -> list[dict[str, object]]:
    rows = json.loads(to_json(tables(entries, per), per))["rows"]
    assert isinstance(rows, list)
    return rows


# --- figures


# Worked out by hand from the paper, for 10 classes: parameters, MACs, parameters of the backbone,
# of mapping nodes, LSTM and head, elements of buffers, convolutions.
PAPER = {
    "vgg1": (14_027_658, 616_966_144, 4_578_176, 0, 0, 9_449_482, 3_590, 6),
    "vgg2": (20_224_394, 1_522_935_808, 10_774_912, 0, 0, 9_449_482, 7_180, 12),
    "resnet": (15_202_378, 2_229_012_992, 15_134_016, 0, 0, 68_362, 18_109, 61),
    "vgg1_ra": (6_681_482, 702_220_800, 4_578_176, 1_246_464, 788_480, 68_362, 4_872, 6),
    "vgg2_ra": (12_878_218, 1_608_190_464, 10_774_912, 1_246_464, 788_480, 68_362, 8_462, 12),
    "resnet_ra": (16_040_650, 2_253_654_528, 15_134_016, 311_936, 526_336, 68_362, 18_751, 61),
    "resnet_ra_b": (16_106_186, 2_253_720_064, 15_134_016, 311_936, 526_336, 133_898, 18_751, 61),
    "resnet_ra_c": (16_171_722, 2_253_785_600, 15_134_016, 311_936, 526_336, 199_434, 18_751, 61),
}
KEYS = ["params", "macs", "params_backbone", "params_mapping", "params_aggregator", "params_head"]
KEYS += ["buffers", "convolutions"]


def test_the_eight_networks_have_the_figures_of_the_paper() -> None:
    found = rows_of(paper(*PAPER), Per.NETWORK)
    assert [tuple(row[key] for key in KEYS) for row in found] == list(PAPER.values())


# The paper's Table I as it is printed, but for VGG-2's row: there it is that of VGG-1, though the
# text says twice that its blocks have four layers.
TABLE_I = [
    ["VGG1", "conv, 128 × 2", "conv, 256 × 2", "conv, 512 × 2", "1024d-fc × 2, softmax"],
    ["VGG2", "conv, 128 × 4", "conv, 256 × 4", "conv, 512 × 4", "1024d-fc × 2, softmax"],
    ["ResNet", "conv, 64 × 21", "conv, 128 × 20", "conv, 256 × 20", "GAP, 256d-fc, softmax"],
    ["VGG1_RA", "conv, 128 × 2", "conv, 256 × 2", "conv, 512 × 2", "256d-fc, softmax"],
    ["", "LSTM 256", ""],
    ["VGG2_RA", "conv, 128 × 4", "conv, 256 × 4", "conv, 512 × 4", "256d-fc, softmax"],
    ["", "LSTM 256", ""],
    ["ResNet_RA", "conv, 64 × 21", "conv, 128 × 20", "conv, 256 × 20", "256d-fc, softmax"],
    ["", "LSTM 256", ""],
]


def test_table_one_of_the_paper() -> None:
    read = read_latex(to_latex(tables(paper(*SIX), Per.NETWORK)))
    assert read == [["Network", "Block 1", "Block 2", "Block 3", "Classifier"], *TABLE_I]


def test_readouts_are_told_apart() -> None:
    found = rows_of(paper("resnet_ra", "resnet_ra_b", "resnet_ra_c"), Per.NETWORK)
    wanted = ["LSTM 256", "LSTM 256, last + feature", "LSTM 256, all"]
    assert [row["aggregation"] for row in found] == wanted


@pytest.mark.parametrize("path", EVERY, ids=lambda p: p.stem)
def test_rows_add_up(path: Path) -> None:
    one = entry(path)
    network = one.network
    assert_rows_add_up(one)
    (row,) = rows_of([one], Per.NETWORK)
    stages = [row["stem"], *row["stages"]]  # type: ignore[misc]
    assert sum(stage["convolutions"] for stage in stages) == network.convolutions
    for stage in stages:
        assert stage["convolutions"] == sum(count for _, count in stage["widths"])


def assert_rows_add_up(one: Entry) -> None:
    """Layers are all there is; parts that are in no other part add up to the total."""
    network = one.network
    layers = rows_of([one], Per.LAYER)
    assert [row["layer"] for row in layers] == [node.id for node in network.nodes]
    for key in ("params", "buffers", "macs"):
        assert sum(row[key] for row in layers) == getattr(network, key)  # type: ignore[misc]
    for per in (Per.BLOCK, Per.STAGE):
        *parts, total = rows_of([one], per)
        assert total["kind"] == "total"
        outer = [part for part in parts if part["kind"] not in ("block", "backbone")]
        for key in ("params", "macs"):
            assert sum(part[key] for part in outer) == total[key] == getattr(network, key)  # type: ignore[misc]
    blocks = {row["path"] for row in rows_of([one], Per.BLOCK) if row["kind"] == "block"}
    assert blocks == {region.path for region in network.regions if region.kind == "block"}
    assert not any(row["kind"] == "block" for row in rows_of([one], Per.STAGE))


# --- folding


def unfolded(items: tuple[Tree, ...], times: int = 1) -> list[tuple[str, int]]:
    """Return the operators of a tree, each with how often it is there."""
    found = []
    for item in items:
        if isinstance(item, Branch):
            found += unfolded(item.items, times * item.count)
        else:
            found.append((item.node.id, times * item.count))
    return found


def assert_folded_well(network: Network) -> None:
    """No operator is lost, and each row stands for as many as it says, all like the first."""
    folded = unfolded(tree(network))
    assert sum(times for _, times in folded) == len(network.nodes)
    for key in ("params", "buffers", "macs"):
        sums = sum(getattr(network.by_id[id], key) * times for id, times in folded)
        assert sums == sum(getattr(node, key) for node in network.nodes)
    (table,) = tables([Entry("n", "", network)], Per.LAYER)
    *rows, total = table.markdown.rows
    assert [row.cells["times"] or 1 for row in rows] == [times for _, times in folded]
    assert total.cells["params"] == network.params


@pytest.mark.parametrize("path", EVERY, ids=lambda p: p.stem)
def test_folding_loses_nothing(path: Path) -> None:
    assert_folded_well(entry(path).network)


def folded_names(backbone: str, tmp_path: Path) -> list[str]:
    spec = tmp_path / "net.arch"
    spec.write_text(f"arch 1\nmodel N {{ input [4, 8, 8]; backbone {{ {backbone} }} }}\n")
    network = compile(spec).network
    (table,) = tables([Entry("N", "", network)], Per.LAYER)
    return ["  " * row.depth + str(row.cells["layer"]) for row in table.text.rows[1:-1]]


@pytest.mark.parametrize(
    ("backbone", "names"),
    [
        ("conv(4) * 3", ["conv.0–2 ×3"]),
        ("conv(8) * 3", ["conv.0", "conv.1–2 ×2"]),  # the first has 4 channels to read
        ("conv(4) -> conv(4)", ["conv", "conv2"]),  # written twice: they have names of their own
        ("(conv(4) -> relu) * 2", ["unit.0–1 ×2", "  conv", "  relu"]),
        ("((conv(4) -> relu) * 2 -> relu) * 2", None),
        ("conv(4) * 1", ["conv.0"]),
    ],
)
def test_what_is_folded(backbone: str, names: list[str] | None, tmp_path: Path) -> None:
    found = folded_names(backbone, tmp_path)
    if names is None:
        assert found == ["unit.0–1 ×2", "  unit.0–1 ×2", "    conv", "    relu", "  relu"]
    else:
        assert found == names


def test_only_what_is_equal_is_folded(tmp_path: Path) -> None:
    """Each layer of a dense block has more channels to read than the one before."""
    found = folded_names("repeat 3 carry y = in { concat(y, y -> conv(2)) }", tmp_path)
    assert len(found) == 9 and not any("×" in name for name in found)


def test_fields_of_what_is_folded_are_those_of_the_ends() -> None:
    (table,) = tables(paper("vgg2"), Per.LAYER)
    fields = {row.cells["layer"]: row.cells["field"] for row in table.markdown.rows[:-1]}
    assert fields["backbone.s1.b1.conv_bn_relu.1–3.conv"] == "5–9"
    assert fields["backbone.s3.b3.conv_bn_relu.1–3.conv"] == "44–60"
    assert fields["backbone.s3.b3.conv_bn_relu.0.conv"] == "36"
    assert fields["head.flatten"] == "all"


@pytest.mark.parametrize(
    ("name", "fields"),
    [("vgg1_ra", (5, 14, 32)), ("vgg2_ra", (9, 26, 60)), ("resnet_ra", (43, 121, 277))],
)
def test_receptive_fields_of_taps_are_those_worked_out_by_hand(
    name: str, fields: tuple[int, int, int]
) -> None:
    (one,) = paper(name)
    rows = {row["layer"]: row for row in rows_of([one], Per.LAYER)}
    found = [rows[tap.node]["field"] for tap in one.network.taps]
    assert found == [[field, field] for field in fields]


# --- networks that nobody has seen


@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(specs())
def test_any_network_has_tables(tmp_path_factory: pytest.TempPathFactory, spec: Spec) -> None:
    path = spec.write(tmp_path_factory.mktemp("spec"))
    try:
        network = compile(path, model=spec.model, **spec.parameters).network
    except SpecFault:
        return
    one = Entry(network.name, str(path), network)
    assert_rows_add_up(one)
    assert_folded_well(network)
    for per in Per:
        made = tables([one, one], per)
        widths = [len(line) for line in render_text(made, 60).plain.splitlines()]
        assert widths
        header, *lines = csv.reader(io.StringIO(to_csv(made), newline=""))
        assert {len(line) for line in lines} == {len(header)}
        assert list(json.loads(to_json(made, per))["rows"][0]) == header
        assert read_latex(to_latex(made))
        assert len(read_markdown(to_markdown(made))) >= 2


# --- any text


COLUMNS = (Column("a", "name"), Column("b", "count", Kind.COUNT), Column("c", "note", wraps=True))
HOSTILE = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", '=HYPERLINK("http://x","y")',
    "a|b", "`a`", "``", "a`|`b", "*a*", "**", "_a_", "__a__", "a_b", "[x](http://y)", "![x](y)",
    "<b>x</b>", "<!-- x -->", "&amp;", "&", "\\", "\\|", "a\\", "~~a~~", "$x$", "$$", "# a", "- a",
    "\\end{tabular}", "\\input{/etc/passwd}", "% comment", "a & b", "a \\\\ b", "{", "}", "^^M",
    "~", "--", "---", "?`", "!`", ",,", "''", '"', "<<", ">>", "[", "*", "*[", "#", "\n", "a\nb",
    "\x1b[31m", "\u202e", "é", "漢字", "🦙", "\u2028", "1.", "http://x.y", "x" * 300, "|", "a,b",
]  # fmt: skip
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30))


def table_of(name: str, note: str) -> Table:
    record = {"a": name, "b": 7, "c": note}
    sheet = Sheet(COLUMNS, (Row(record), Row({"a": "total", "b": 7, "c": "x"}, strong=True)))
    return Table(name, (record,), sheet, sheet, sheet, notes=(note,))


@settings(max_examples=300)
@given(TEXTS, TEXTS)
def test_any_text_in_csv(name: str, note: str) -> None:
    written = to_csv([table_of(name, note)])
    assert written.endswith("\r\n") and written.count("\n") == written.count("\r\n") == 2
    header, line = csv.reader(io.StringIO(written, newline=""), strict=True)
    assert header == ["a", "b", "c"] and line[1] == "7"
    for cell, text in ((line[0], name), (line[2], note)):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))
        assert cell.removeprefix("'") in (printable(text), printable(text).removeprefix("'"))
        assert cell.isprintable()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1+1"])
def test_formulas_in_csv_are_text(text: str) -> None:
    (_, line) = csv.reader(io.StringIO(to_csv([table_of(text, "")])))
    assert line[0] == f"'{printable(text)}"


@given(TEXTS, TEXTS)
def test_any_text_in_json(name: str, note: str) -> None:
    written = to_json([table_of(name, note)], Per.BLOCK)
    assert written.isascii()
    assert json.loads(written)["rows"] == [{"a": name, "b": 7, "c": note}]


@settings(max_examples=300)
@given(TEXTS, TEXTS)
def test_any_text_in_markdown(name: str, note: str) -> None:
    read = read_markdown(to_markdown([table_of(name, note)]))
    shown = [printable(name).strip(), "7", printable(note).strip()]
    if not shown[2]:  # a column of nothing but blanks may be kept or not
        read = [[*row[:2], "".join(row[2:3])] for row in read]
    assert read[0][:2] == ["name", "count"]
    assert read[1] == shown
    assert read[2] == ["total", "7", "x"]


@settings(max_examples=300)
@given(TEXTS, TEXTS)
def test_any_text_in_latex(name: str, note: str) -> None:
    written = to_latex([table_of(name, note)])
    heading, first, last = read_latex(written)
    assert heading[:2] == ["Name", "Count"] and last[:2] == ["total", "7"]
    assert first == [read_escaped(latex.escape(t)) for t in (name, "7", note)]
    assert first == [as_ascii(printable(t)).strip() for t in (name, "7", note)]
    outside = [line for line in written.splitlines() if not line.startswith("%")]
    assert outside[0].startswith(r"\begin{tabular}") and outside[-1] == r"\end{tabular}"


@settings(max_examples=200)
@given(TEXTS, TEXTS, st.integers(1, 120))
def test_any_text_on_a_terminal(name: str, note: str, width: int) -> None:
    plain = render_text([table_of(name, note)], width).plain
    assert all(char == "\n" or char.isprintable() for char in plain)
    if name.strip() == name:
        assert any(line.startswith(printable(name)) for line in plain.splitlines())


def test_markup_is_not_obeyed() -> None:
    """Rich would read [red] as a colour, and :smile: as a picture."""
    assert "[red]a[/red] :smile:" in render_text([table_of("[red]a[/red] :smile:", "")], 80).plain


# --- reading what was written, without the code that wrote it


def read_markdown(text: str) -> list[list[str]]:
    """Return the cells of all tables as a reader sees them, with another library's parser."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    rows: list[list[str]] = []
    for token in parser.parse(text):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows and token.level == 4:
            inner = token.children or []
            allowed = {"text", "strong_open", "strong_close", "text_special"}
            assert {child.type for child in inner} <= allowed, token.content
            rows[-1].append("".join(child.content for child in inner).strip())
    return rows


_COMMANDS = {
    "textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^", "textless": "<",
    "textgreater": ">", "textbar": "|", "textquotesingle": "'",
    "textasciigrave": "`",
}  # fmt: skip


def read_escaped(text: str) -> str:
    """Return what LaTeX sets for a cell; fails where anything is left that it would obey."""
    out = []
    at = 0
    while at < len(text):
        rest = text[at:]
        if match := re.match(r"\\([a-z]+)\{\}", rest):
            out.append(_COMMANDS[match[1]])
        elif match := re.match(r"\{\\ttfamily\\char34\}", rest):
            out.append('"')
        elif match := re.match(r"\\([{}$&#_%])", rest) or re.match(r"\{([\[*])\}", rest):
            out.append(match[1])
        elif match := re.match(r"\$\\times\$", rest):
            out.append("×")
        elif match := re.match(r"(-|,)\{\}(?=\1)", rest):
            out.append(match[1])
        elif match := re.match("--", rest):
            out.append("–")
        else:
            match = re.match(r"[^\\{}$&#_%~^<>|\"'`*\[]", rest)
            assert match is not None and match[0].isascii(), rest
            out.append(match[0])
        at += match.end()
    return "".join(out).strip()


def as_ascii(text: str) -> str:
    """Return a text with the characters that LaTeX is not given by number."""
    return "".join(c if c.isascii() or c in "×–" else f"[U+{ord(c):04X}]" for c in text)


def read_latex(text: str) -> list[list[str]]:
    """Return the cells of all rows; fails where columns are not as many as a tabular has."""
    rows = []
    columns = 0
    for line in text.splitlines():
        if match := re.fullmatch(r"\\begin\{tabular\}\{([lr]+)\}", line):
            columns = len(match[1])
        elif line.endswith(r"\\"):
            # An ampersand is a border unless a backslash is before it, which itself is none.
            parts = [part.strip() for part in re.split(r"(?<!\\)&", line.removesuffix(r"\\"))]
            spans = [re.fullmatch(r"\\multicolumn\{(\d)\}\{[lc]\}\{(.*)\}", p) for p in parts]
            wide = sum(int(span[1]) if span else 1 for span in spans)
            assert wide == columns, line
            pairs = zip(spans, parts, strict=True)
            rows.append([read_escaped(span[2] if span else part) for span, part in pairs])
        else:
            assert line.startswith("%") or re.fullmatch(r"\\\w+(\{tabular\})?|", line), line
    return rows


# --- the real thing


@pytest.mark.slow
@pytest.mark.skipif(which("pdflatex") is None, reason="LaTeX is not installed")
def test_latex_compiles(tmp_path: Path) -> None:
    made = [table_of(text, text) for text in HOSTILE]
    for per in Per:
        made += tables([entry(path) for path in EVERY], per)
    parts = [to_latex([table]) for table in made]
    body = "\n\n".join(f"\\resizebox{{\\textwidth}}{{!}}{{%\n{part}}}" for part in parts)
    page = "\\documentclass{article}\\usepackage{booktabs,graphicx}"
    page += "\\begin{document}\\section{x}%s\\end{document}"
    (tmp_path / "page.tex").write_text(page % body.replace("\n% needs", "\n%"))
    call = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    run = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert run.returncode == 0, run.stdout[-3000:]


# --- character for character


GOLDEN_TABLES = {
    "table1.tex": (SIX, Per.NETWORK),
    "networks.txt": (list(PAPER), Per.NETWORK),
    "networks.md": (list(PAPER), Per.NETWORK),
    "networks.csv": (list(PAPER), Per.NETWORK),
    "resnet_ra_blocks.txt": (["resnet_ra"], Per.BLOCK),
    "resnet_ra_stages.md": (["resnet_ra"], Per.STAGE),
    "resnet_ra_layers.txt": (["resnet_ra"], Per.LAYER),
    "vgg2_ra_layers.md": (["vgg2_ra"], Per.LAYER),
    "vgg1_ra_layers.tex": (["vgg1_ra"], Per.LAYER),
    "vgg1_ra_layers.csv": (["vgg1_ra"], Per.LAYER),
    "vgg1_ra_blocks.json": (["vgg1_ra"], Per.BLOCK),
    "alexnet_blocks.md": (["zoo/alexnet"], Per.BLOCK),
    "resnet50_layers.txt": (["zoo/resnet50"], Per.LAYER),
    "zoo.tex": (["zoo/resnet50", "zoo/mobilenet_v2", "zoo/squeezenet1_1"], Per.NETWORK),
}


@pytest.mark.parametrize("name", GOLDEN_TABLES)
def test_golden(name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # where specs lie is not what is tested
    specs, per = GOLDEN_TABLES[name]
    made = tables([entry(Path(f"specs/{spec}.arch")) for spec in specs], per)
    written = {
        "txt": lambda: render_text(made, None).plain,
        "md": lambda: to_markdown(made),
        "tex": lambda: to_latex(made),
        "csv": lambda: to_csv(made),
        "json": lambda: to_json(made, per),
    }[name.rpartition(".")[2]]()
    path = GOLDEN / name
    if request.config.getoption("--update"):
        path.write_text(written, encoding="utf-8", newline="")
    with path.open(encoding="utf-8", newline="") as file:
        assert file.read() == written, "pytest --update rewrites it"


@pytest.mark.parametrize("width", [40, 60, 80, 100])
@pytest.mark.parametrize("per", Per)
def test_narrow_terminals(per: Per, width: int) -> None:
    """Lines fit from 80 columns on; whatever is left out is named; no figure is ever cut."""
    wide = render_text(tables(paper("resnet_ra"), per), None).plain
    narrow = render_text(tables(paper("resnet_ra"), per), width).plain
    if width >= 80:
        assert max(map(len, narrow.splitlines())) <= width
    for figure in ("16,040,650", "2,253,654,528"):
        assert figure in narrow
    before, after = (
        set(text.splitlines()[0 if per is Per.NETWORK else 2].split()) for text in (wide, narrow)
    )
    named = re.findall(
        r"left out, for this terminal is too narrow: ([\w, ]+)", " ".join(narrow.split("\n"))
    )
    assert before - after == {word for names in named for word in names.strip().split(", ")}


def test_escapes_of_markdown_leave_plain_names_alone() -> None:
    assert markdown.escape("backbone.s1.b1.conv_bn_relu.0") == "backbone.s1.b1.conv_bn_relu.0"
    assert markdown.escape("VGG1_RA") == "VGG1_RA"


# --- backbones from elsewhere

FOREIGN = """arch 1
model Outside(classes = 10) {
  input [3, 64, 64]
  backbone torchvision("resnet18") frozen { tap layer1; tap layer2; tap layer3 as high; tap layer4 }
  aggregate lstm(hidden = 256)
  head { linear(256) -> relu -> linear(classes) }
}
"""


def test_a_backbone_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("torchvision")
    (tmp_path / "net.arch").write_text(FOREIGN)
    network = compile(tmp_path / "net.arch").network
    one = Entry("Outside", "net.arch", network)
    assert_folded_well(network)
    shown = [line.split() for line in render_text(tables([one], Per.BLOCK), 80).plain.splitlines()]
    assert [line[0] for line in shown[4:10]] == "input resnet18 layer1 layer2 high layer4".split()
    assert shown[5][-2:] == ["torchvision,", "frozen"] and shown[8][-2:] == ["tap,", "middle"]
    layers = {row["layer"]: row for row in rows_of([one], Per.LAYER)}
    feature = layers["backbone.layer1"]
    assert (feature["kernel"], feature["stride"], feature["field"]) == (None, None, None)
    (table,) = tables([one], Per.LAYER)
    fields = {row.cells["layer"]: row.cells["field"] for row in table.markdown.rows[:-1]}
    assert fields["backbone.layer1"] == fields["map_layer1.conv"] == ""
    assert fields["head.linear"] == "all"
    both = to_latex(tables([one, *paper("vgg1")], Per.NETWORK))
    row = r"Outside & \multicolumn{3}{l}{resnet18, 20 conv} & 256d-fc, softmax \\"
    assert row in both
    assert ["Outside", "resnet18, 20 conv", "256d-fc, softmax"] in read_latex(both)
    alone = read_latex(to_latex(tables([one], Per.NETWORK)))
    assert alone[0] == ["Network", "Backbone", "Classifier"]
