"""The page in a browser: opened from a file with the network off, and used."""

from __future__ import annotations

import base64
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import complaints, open_browser, open_file, requests, resize
from pages import PAPER, network, page_of, views

from archdsl.backends.figures.facts import box_facts, table_rows
from archdsl.backends.figures.page import page

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

CARD = """
const card = document.getElementById('page-card');
if (card.hidden) return null;
const lines = {};
for (const dt of card.querySelectorAll('dt')) lines[dt.textContent] = dt.nextSibling.textContent;
const r = card.getBoundingClientRect();
return {
  title: card.querySelector('h2').textContent,
  operator: card.querySelector('p:not(.more)')?.textContent ?? '',
  lines, rect: [r.left, r.top, r.right, r.bottom], window: [innerWidth, innerHeight],
};
"""
BLOCK = "backbone.s2.b2.conv_bn_relu.1.relu"


@pytest.fixture
def driver() -> Chrome:
    return open_browser()


def write(folder: Path, name: str, text: str | None = None) -> Path:
    file = folder / f"{name}.html"
    file.write_text(page_of(name) if text is None else text, encoding="utf-8")
    return file


def element(driver: Chrome, id: str) -> WebElement:
    return driver.find_element("id", id)


def hover(driver: Chrome, id: str) -> dict[str, Any] | None:
    """Point at a box; return what the card says then."""
    from selenium.webdriver import ActionChains

    ActionChains(driver, duration=0).move_to_element(element(driver, id)).perform()
    found: dict[str, Any] | None = driver.execute_script(CARD)
    return found


def press(driver: Chrome, *keys: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(driver, duration=0).send_keys(*keys).perform()


def shown(driver: Chrome) -> list[str]:
    """Return the views that can be seen."""
    script = (
        "return [...document.querySelectorAll('.view')].filter((v) => v.checkVisibility())"
        ".map((v) => v.dataset.view)"
    )
    found: list[str] = driver.execute_script(script)
    return found


def view_box(driver: Chrome, view: str) -> list[float]:
    script = f"return document.querySelector('[data-view={view}] svg').getAttribute('viewBox')"
    return [float(number) for number in driver.execute_script(script).split()]


def settle(driver: Chrome) -> None:
    """Wait until nothing moves any more."""
    driver.execute_async_script("setTimeout(arguments[0], 350)")


@pytest.mark.parametrize("name", PAPER)
def test_it_opens_from_a_file_and_asks_for_nothing(
    driver: Chrome, tmp_path: Path, name: str
) -> None:
    file = write(tmp_path, name)
    open_file(driver, file)
    assert shown(driver) == ["overview"]
    for tab in driver.find_elements("css selector", ".tabs button"):
        tab.click()
        assert shown(driver) == [tab.get_attribute("data-opens")]
    assert requests(driver) == [file.as_uri()]
    assert driver.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert complaints(driver) == []
    rows = driver.execute_script("return document.querySelectorAll('tr').length")
    assert rows == len(table_rows(network(name))) + 1


def test_the_policy_stops_what_it_does_not_name(driver: Chrome, tmp_path: Path) -> None:
    text = page_of("vgg1").replace("</body>", "<script>document.title = 'changed'</script></body>")
    open_file(driver, write(tmp_path, "changed", text))
    assert driver.title == "VGG1"
    assert any("Content Security Policy" in said for said in complaints(driver))


def test_attributes_and_the_dark_style_of_figures_survive_the_policy(
    driver: Chrome, tmp_path: Path
) -> None:
    open_file(driver, write(tmp_path, "vgg1_ra"))
    fill = (
        "return getComputedStyle(document.querySelector"
        "('[data-view=overview] .r-conv rect:last-of-type')).fill"
    )
    light = driver.execute_script(fill)
    assert light not in ("rgb(0, 0, 0)", "none", "")
    element(driver, "page-theme").click()
    dark = driver.execute_script(fill)
    assert dark != light
    ground = "return getComputedStyle(document.body).backgroundColor"
    assert driver.execute_script(ground) == "rgb(13, 17, 23)"
    assert element(driver, "page-theme").text == "Light"
    element(driver, "page-theme").click()
    assert driver.execute_script(fill) == light


def test_it_begins_as_the_reader_prefers(driver: Chrome, tmp_path: Path) -> None:
    file = write(tmp_path, "vgg1")
    for scheme in ("dark", "light"):
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        open_file(driver, file)
        assert driver.execute_script("return document.documentElement.dataset.theme") == scheme
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_the_card_shows_the_facts(driver: Chrome, tmp_path: Path) -> None:
    open_file(driver, write(tmp_path, "vgg1_ra"))
    card = hover(driver, f"overview-{BLOCK}")
    assert card is not None
    assert card["operator"] == "2 × (conv 3×3, BN, ReLU)"
    assert card["lines"]["in"] == "16×16×128"
    assert card["lines"]["out"] == "16×16×256"
    assert card["lines"]["parameters"] == "885.8 k"
    assert card["lines"]["MACs"] == "226.5 M"
    assert card["lines"]["receptive field"] == "14×14 px"
    assert card["lines"]["defined at"].startswith("vgg1.arch:11")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (400, 700), (500, 300)])
def test_every_box_has_a_card_that_stays_in_the_window(
    driver: Chrome, tmp_path: Path, width: int, height: int
) -> None:
    open_file(driver, write(tmp_path, "vgg1_ra"))
    resize(driver, width, height)
    driver.execute_script("document.querySelector('[data-opens=overview]').click()")
    for id, facts in box_facts(network("vgg1_ra"), views("vgg1_ra")["overview"][0]).items():
        card = hover(driver, f"overview-{id}")
        if not facts.lines():
            assert card is None, "the legend has none"
            continue
        assert card is not None, id
        assert card["title"] == facts.title
        assert card["lines"] == dict(facts.lines())
        left, top, right, bottom = card["rect"]
        assert left >= 0 and top >= 0
        assert right <= card["window"][0] and bottom <= card["window"][1]


def test_pointing_leaves_what_is_upstream_and_downstream(driver: Chrome, tmp_path: Path) -> None:
    open_file(driver, write(tmp_path, "vgg1_ra"))
    hover(driver, f"overview-{BLOCK}")
    script = (
        "return [...document.querySelectorAll('[data-view=overview] .node, "
        "[data-view=overview] .edge')].filter((e) => getComputedStyle(e).opacity < 1)"
        ".map((e) => e.id.replace('overview-', ''))"
    )
    settle(driver)
    faded = set(driver.execute_script(script))
    boxes = {id for id in faded if not id.startswith("edge")}
    assert boxes == {"map_s1_b1", "v1", "step1"}
    edges = [i for i in views("vgg1_ra")["overview"][0].items if type(i).__name__ == "Edge"]
    ends = {(e.source, e.target) for i, e in enumerate(edges) if f"edge{i}" in faded}
    first = "backbone.s1.b1.conv_bn_relu.1.relu"
    assert ends == {(first, "map_s1_b1"), ("map_s1_b1", "v1"), ("v1", "step1"), ("step1", "step2")}
    hover(driver, "page-find")
    settle(driver)
    assert driver.execute_script(script) == []


def test_a_click_leads_to_the_layers_of_a_run_and_back_again(
    driver: Chrome, tmp_path: Path
) -> None:
    open_file(driver, write(tmp_path, "vgg1_ra"))
    whole = view_box(driver, "full")
    element(driver, f"overview-{BLOCK}").click()
    settle(driver)
    assert shown(driver) == ["full"]
    script = "return [...document.querySelectorAll('[data-view=full] .hit')].map((e) => e.id)"
    layers = [f"full-backbone.s2.b2.conv_bn_relu.{i}.relu" for i in (0, 1)]
    assert driver.execute_script(script) == layers
    assert view_box(driver, "full") != whole
    for id in layers:
        assert driver.execute_script(
            "const r = document.getElementById(arguments[0]).getBoundingClientRect();"
            "return r.left >= 0 && r.top >= 0 && r.right <= innerWidth && r.bottom <= innerHeight",
            id,
        )
    driver.back()
    settle(driver)
    assert shown(driver) == ["overview"]


def test_zoom_and_drag_and_fit(driver: Chrome, tmp_path: Path) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin

    open_file(driver, write(tmp_path, "resnet_ra"))
    home = view_box(driver, "overview")
    box = element(driver, "overview-input")
    before = box.rect
    origin = ScrollOrigin.from_element(box)
    ActionChains(driver, duration=50).scroll_from_origin(origin, 0, -240).perform()
    zoomed = view_box(driver, "overview")
    assert zoomed[2] < home[2]
    # What is below the mouse stays there.
    assert abs(box.rect["x"] + box.rect["width"] / 2 - before["x"] - before["width"] / 2) < 2
    ActionChains(driver, duration=50).move_to_element_with_offset(
        box, 150, 200
    ).click_and_hold().move_by_offset(-70, 0).release().perform()
    dragged = view_box(driver, "overview")
    assert dragged[0] > zoomed[0]
    assert dragged[2] == zoomed[2]
    assert shown(driver) == ["overview"], "a drag is no click"
    element(driver, "page-fit").click()
    assert view_box(driver, "overview") == home


def test_a_figure_cannot_be_lost(driver: Chrome, tmp_path: Path) -> None:
    from selenium.webdriver import Keys

    open_file(driver, write(tmp_path, "vgg1_ra"))
    home = view_box(driver, "overview")
    press(driver, *[Keys.ARROW_RIGHT] * 60, *"-" * 20)
    x, _, width, _ = view_box(driver, "overview")
    assert home[0] <= x + width / 2 <= home[0] + home[2]
    assert width <= 2 * home[2] + 0.01
    press(driver, *"+" * 40)
    assert view_box(driver, "overview")[2] > home[2] / 61
    press(driver, "0")
    assert view_box(driver, "overview") == home


def test_the_keyboard_does_what_the_mouse_does(driver: Chrome, tmp_path: Path) -> None:
    from selenium.webdriver import Keys

    open_file(driver, write(tmp_path, "vgg1_ra"))
    focused = "return document.activeElement.id"
    for _ in range(40):
        press(driver, Keys.TAB)
        if driver.execute_script(focused) == f"overview-{BLOCK}":
            break
    else:
        pytest.fail("Tab never comes to the box")
    card = driver.execute_script(CARD)
    assert card["lines"]["parameters"] == "885.8 k"
    style = "return getComputedStyle(document.activeElement).outlineStyle"
    assert driver.execute_script(style) == "solid"
    label = driver.execute_script("return document.activeElement.getAttribute('aria-label')")
    assert "885.8 k" in label and "16×16×256" in label
    press(driver, Keys.ARROW_LEFT)
    assert view_box(driver, "overview")[0] < 0
    press(driver, "0")
    press(driver, Keys.ESCAPE)
    assert driver.execute_script(CARD) is None
    press(driver, Keys.ENTER)
    settle(driver)
    assert shown(driver) == ["full"]
    press(driver, "/")
    assert driver.execute_script(focused) == "page-find"


def test_find_marks_and_visits_boxes_in_the_figure_and_rows_in_the_table(
    driver: Chrome, tmp_path: Path
) -> None:
    from selenium.webdriver import Keys

    open_file(driver, write(tmp_path, "vgg1_ra"))
    press(driver, "/")
    press(driver, "middle")
    hits = "return [...document.querySelectorAll('.hit')].map((e) => e.id)"
    assert driver.execute_script(hits) == ["overview-map_s2_b2"]
    assert element(driver, "page-found").text == "1 found"
    press(driver, Keys.ENTER)
    assert element(driver, "page-found").text == "1 of 1"
    assert driver.execute_script(CARD)["title"].endswith("middle level")
    press(driver, Keys.ESCAPE)
    assert driver.execute_script(hits) == []
    driver.find_element("css selector", "[data-opens=table]").click()
    element(driver, "page-find").send_keys("b2 relu")
    rows = "return [...document.querySelectorAll('tbody tr')].filter((r) => !r.hidden).length"
    expected = [n for n in network("vgg1_ra").nodes if "b2" in n.id and "relu" in n.id]
    assert driver.execute_script(rows) == len(expected)
    element(driver, "page-find").send_keys(" nowhere")
    assert driver.execute_script(rows) == 0
    assert element(driver, "page-found").text == "0 found"


def test_a_row_of_the_table_leads_to_its_box(driver: Chrome, tmp_path: Path) -> None:
    open_file(driver, write(tmp_path, "resnet_ra"), fragment="table")
    assert shown(driver) == ["table"]
    name = next(n.id for n in network("resnet_ra").nodes if n.id.endswith("7.main_conv2"))
    driver.find_element("link text", name).click()
    settle(driver)
    assert shown(driver) == ["full"]
    hit = driver.find_element("css selector", ".hit").get_attribute("id")
    drawing = views("resnet_ra")["full"][0]
    assert [f"full-{b.id}" for b in drawing.boxes() if name in b.nodes] == [hit]


def test_save_svg_gives_the_figure_as_it_was_drawn(driver: Chrome, tmp_path: Path) -> None:
    open_file(driver, write(tmp_path, "vgg1_ra"))
    element(driver, "page-theme").click()
    hover(driver, f"overview-{BLOCK}")
    press(driver, "+")
    # A headless browser has nowhere to put a download: it is caught on its way.
    driver.execute_script(
        "window.saved = {}; HTMLAnchorElement.prototype.click ="
        " function () { window.saved.name = this.download; window.saved.link = this.href; };"
        "const Made = Blob; window.Blob = class extends Made { constructor(parts, options) {"
        " super(parts, options); window.saved.text = parts[0]; window.saved.type = this.type; } };"
    )
    element(driver, "page-save").click()
    saved_file = driver.execute_script("return window.saved")
    assert saved_file["name"] == "vgg1_ra_overview.svg"
    assert saved_file["type"] == "image/svg+xml"
    assert saved_file["link"].startswith("blob:")
    text = saved_file["text"]
    saved, drawn = ET.fromstring(text), ET.fromstring(views("vgg1_ra")["overview"][1])
    assert [e.tag for e in saved.iter()].count("{http://www.w3.org/2000/svg}style") == 1
    assert flat(saved) == flat(drawn)


def flat(root: ET.Element) -> list[tuple[str, dict[str, str], str]]:
    """Return the elements of a tree; the style comes first, wherever it stands."""
    found = [(e.tag, dict(e.attrib), (e.text or "").strip()) for e in root.iter()]
    return sorted(found, key=lambda each: not each[0].endswith("style"))


def test_one_view_is_enough(driver: Chrome, tmp_path: Path) -> None:
    only = {"full": views("vgg1_ra")["full"]}
    text = page("VGG-1-RA", network("vgg1_ra"), only)
    open_file(driver, write(tmp_path, "one", text))
    assert shown(driver) == ["full"]
    card = hover(driver, f"full-{BLOCK}")
    assert card is not None and card["lines"]["out"] == "16×16×256"
    element(driver, f"full-{BLOCK}").click()
    assert "pinned" in (element(driver, "page-card").get_attribute("class") or "")
    hover(driver, "page-find")
    assert driver.execute_script(CARD) is not None, "it stays"
    press(driver, "\ue00c")
    assert driver.execute_script(CARD) is None
    assert complaints(driver) == []


def test_a_narrow_window_has_the_narrow_view_and_all_buttons(
    driver: Chrome, tmp_path: Path
) -> None:
    file = write(tmp_path, "vgg1_ra")
    open_file(driver, file)
    resize(driver, 400, 800)
    driver.get("about:blank")
    driver.get(file.as_uri())
    assert shown(driver) == ["column"]
    assert driver.execute_script("return document.documentElement.scrollWidth") <= 400
    for button in driver.find_elements("css selector", "button"):
        rect = button.rect
        assert rect["x"] >= 0 and rect["x"] + rect["width"] <= 400, button.text


def test_diagnostics_stand_beside_a_grey_figure(driver: Chrome, tmp_path: Path) -> None:
    said = "error[ARCH203]: add: inputs differ\n   6 |   <b>out</b>"
    text = page("VGG1", network("vgg1"), views("vgg1"), diagnostics=said, stale=True)
    open_file(driver, write(tmp_path, "stale", text))
    pre = driver.find_element("tag name", "pre")
    assert pre.is_displayed()
    assert driver.execute_script("return arguments[0].textContent", pre) == said
    svg = driver.find_element("css selector", "[data-view=overview] svg")
    assert svg.value_of_css_property("filter") == "grayscale(1)"
    assert svg.rect["x"] + svg.rect["width"] <= pre.rect["x"]
    text = page("VGG1", None, {}, diagnostics=said)
    open_file(driver, write(tmp_path, "none", text))
    assert driver.find_element("tag name", "pre").is_displayed()
    assert complaints(driver) == []


def test_a_page_that_is_loaded_again_shows_what_it_showed(driver: Chrome, tmp_path: Path) -> None:
    open_file(driver, write(tmp_path, "vgg1_ra"))
    press(driver, "+", "+")
    zoomed = view_box(driver, "overview")
    element(driver, "page-theme").click()
    theme = driver.execute_script("return document.documentElement.dataset.theme")
    driver.refresh()
    assert view_box(driver, "overview") == zoomed
    assert driver.execute_script("return document.documentElement.dataset.theme") == theme


def test_it_prints_the_figure_and_the_table(driver: Chrome, tmp_path: Path) -> None:
    open_file(driver, write(tmp_path, "vgg1_ra"))
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert shown(driver) == ["overview", "table"]
    assert not element(driver, "page-find").is_displayed()
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    printed = driver.execute_cdp_cmd("Page.printToPDF", {})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")


def test_without_scripts_all_views_are_there(driver: Chrome, tmp_path: Path) -> None:
    open_file(driver, write(tmp_path, "vgg1_ra"))
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        driver.refresh()
        found = driver.find_elements("css selector", ".view")
        assert [view.is_displayed() for view in found] == [True] * 4
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_the_facts_in_the_page_are_those_of_the_network(driver: Chrome, tmp_path: Path) -> None:
    open_file(driver, write(tmp_path, "resnet_ra"))
    data = json.loads(
        driver.execute_script("return document.getElementById('page-data').textContent")
    )
    for view, (drawing, _) in views("resnet_ra").items():
        found = {id: dict(box["lines"]) for id, box in data["views"][view]["boxes"].items()}
        expected = box_facts(network("resnet_ra"), drawing)
        lines = {id: dict(facts.lines()) for id, facts in expected.items()}
        assert found == {id: said for id, said in lines.items() if said}
        ids = {element.get("id") for element in ET.fromstring(views("resnet_ra")[view][1]).iter()}
        assert {f"{view}-{id}" for id in found} <= ids
