"""The page in a browser: it follows the spec by itself, and nothing is refused or complained of."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from watched_process import ROOT, WatchProcess, replace

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

SPECS = ROOT / "specs"


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    selenium = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service

    binary = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("no chromium with chromedriver on PATH")
    options = selenium.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = selenium.Chrome(options=options, service=Service(driver))
    yield chrome
    chrome.quit()


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """ResNet-RA with what it imports."""
    shutil.copytree(SPECS, tmp_path / "specs", ignore=shutil.ignore_patterns("zoo", "std"))
    return tmp_path / "specs" / "resnet_ra.arch"


def until(browser: Chrome, script: str, seconds: float = 10) -> None:
    """Wait until an expression of the page is true; a page that is loading is asked again."""
    from selenium.common.exceptions import WebDriverException

    end = time.monotonic() + seconds
    while True:
        try:
            if browser.execute_script(f"return {script}"):
                return
        except WebDriverException:
            pass
        if time.monotonic() > end:
            shown = browser.execute_script("return document.body.innerText.slice(0, 2000)")
            raise AssertionError(f"not {script} in:\n{shown}")
        time.sleep(0.01)


def edited(path: Path, change: Callable[[str], str]) -> float:
    """Change a file; return the time."""
    replace(path, change(path.read_text()))
    return time.monotonic()


def opened(browser: Chrome, watch: WatchProcess, fragment: str = "") -> None:
    """Open the page, with nothing on the console but what it will complain of."""
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get(f"http://localhost:{watch.port}/{fragment}")


DRAWN = "document.querySelectorAll('.figure svg .node').length > 20"
EDITED = r"/LSTM\s160/.test(document.getElementById('page-main').textContent)"


def test_the_page_follows_the_spec(browser: Chrome, spec: Path) -> None:
    with WatchProcess(str(spec), "--port", "0", cwd=spec.parent, real=True) as watch:
        opened(browser, watch, "#full")
        until(browser, DRAWN)
        view_box = "document.querySelector('[data-view=full] svg').getAttribute('viewBox')"
        browser.execute_script("document.getElementById('page-in').click()")
        zoomed = browser.execute_script(f"return {view_box}")

        start = edited(spec, lambda text: text.replace("hidden = 256", "hidden = 160"))
        until(browser, EDITED)
        took = time.monotonic() - start
        print(f"an edit is seen after {took:.2f} s")
        assert took < 2  # one second, on a machine that does nothing else
        until(browser, f"{view_box} === '{zoomed}'")  # where it was

        edited(spec, lambda text: text.replace("relu", "rleu"))
        until(browser, "document.body.classList.contains('stale')")
        said = browser.execute_script("return document.querySelector('.diagnostics').innerText")
        assert "error[ARCH" in said and "rleu" in said
        until(browser, EDITED)

        edited(spec, lambda text: text.replace("rleu", "relu"))
        until(browser, "!document.querySelector('.diagnostics')")
        assert browser.get_log("browser") == []  # no script or style refused, nothing not found


def test_a_view_that_was_not_moved_shows_all_of_another_figure(browser: Chrome, spec: Path) -> None:
    with WatchProcess(str(spec), "--port", "0", cwd=spec.parent, real=True) as watch:
        opened(browser, watch)
        until(browser, DRAWN)
        replace(spec, (spec.parent / "vgg1_ra.arch").read_text())
        until(browser, "document.title === 'VGG1_RA'")
        svg = "document.querySelector('.figure svg')"
        assert browser.execute_script(
            f"return {svg}.getAttribute('viewBox').split(' ')[2] + 'pt' === "
            f"{svg}.getAttribute('width')"
        )


@pytest.mark.slow
def test_more_tabs_than_a_browser_has_connections(browser: Chrome, spec: Path) -> None:
    """Tabs in the background do not listen: they leave room for the one that is looked at."""
    with WatchProcess(str(spec), "--port", "0", cwd=spec.parent) as watch:
        opened(browser, watch)
        first = browser.current_window_handle
        until(browser, "document.getElementById('params')")
        for _ in range(7):
            browser.switch_to.new_window("tab")
            opened(browser, watch)
            until(browser, "document.getElementById('params')")
        before = browser.execute_script("return document.getElementById('params').innerText")
        edited(spec, lambda text: text.replace("hidden = 256", "hidden = 160"))
        until(browser, f"document.getElementById('params').innerText !== '{before}'", 3)
        for handle in browser.window_handles:
            browser.switch_to.window(handle)  # it is told as soon as it is looked at
            until(browser, f"document.getElementById('params').innerText !== '{before}'", 3)
            if handle != first:
                browser.close()
        browser.switch_to.window(first)


def test_a_spec_with_errors_from_the_start(browser: Chrome, spec: Path) -> None:
    good = spec.read_text()
    spec.write_text(good.replace("relu", "rleu</pre><script>document.title='owned'</script>"))
    with WatchProcess(str(spec), "--port", "0", cwd=spec.parent, real=True) as watch:
        opened(browser, watch)
        until(browser, "document.body.innerText.includes('</pre><script>')")
        assert browser.title != "owned"
        replace(spec, good)
        until(browser, DRAWN)
        assert browser.get_log("browser") == []

        # The end of the process is told on the page.
        assert watch.interrupt() == 0
        status = "document.querySelector('p[role=status]')"
        until(browser, f"getComputedStyle({status}).display === 'block'")
