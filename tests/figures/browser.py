"""A headless Chromium: it opens pages from files, and measures figures as a browser draws them.

There is one browser for each process of the tests.
"""

from __future__ import annotations

import atexit
import shutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

SIZE = (1280, 800)
"""Width and height of the window, in pixels."""
_SCRIPT = Path(__file__).with_name("faults.js")
_BINARIES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def missing() -> str:
    """Return what is missing to run a browser; nothing if all is there."""
    try:
        import selenium  # noqa: F401
    except ModuleNotFoundError:
        return "selenium is not installed"
    if shutil.which("chromedriver") is None:
        return "chromedriver is not on PATH"
    if not any(map(shutil.which, _BINARIES)):
        return "neither chromium nor chrome is on PATH"
    return ""


def open_browser() -> Chrome:
    """Return the browser of this process; the calling test is skipped where there cannot be one."""
    reason = missing()
    if reason:
        pytest.skip(f"no browser: {reason}")
    return _started()


@cache
def _started() -> Chrome:
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = next(filter(None, map(shutil.which, _BINARIES)))
    for argument in (
        "--headless=new",
        "--no-sandbox",  # tests may run as root
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--disable-background-networking",
        "--disable-component-update",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--window-size={SIZE[0]},{SIZE[1]}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_page_load_timeout(60)
    driver.set_script_timeout(60)
    atexit.register(driver.quit)
    return driver


def open_file(driver: Chrome, file: Path, *, fragment: str = "") -> None:
    """Open a file as a fresh page: no network, a window of the usual size, empty logs."""
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd(
        "Network.emulateNetworkConditions",
        {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0},
    )
    resize(driver, *SIZE)
    # From a page to its own fragment would not load it again; and nothing is remembered.
    driver.get("about:blank")
    for log in ("browser", "performance"):
        driver.get_log(log)
    driver.get(file.resolve().as_uri() + (f"#{fragment}" if fragment else ""))


def resize(driver: Chrome, width: int, height: int) -> None:
    """Make the page so many pixels wide and high."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )


def requests(driver: Chrome) -> list[str]:
    """Return the addresses that were asked for since the last call, data within pages excepted."""
    import json

    found = []
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            address = message["params"]["request"]["url"]
            if not address.startswith("data:"):
                found.append(address)
    return found


def complaints(driver: Chrome) -> list[str]:
    """Return what stood on the browser's console since the last call: errors and warnings."""
    return [entry["message"] for entry in driver.get_log("browser")]


def faults(driver: Chrome, svg: bytes, *, font: str | None = None) -> list[str]:
    """Return what is wrong with a figure as the browser draws it, a line for each fault.

    Texts over texts, outside their box, off the canvas or below a line; boxes over boxes; lines
    through boxes. ``font`` is one to use in place of the figure's own.
    """
    if not driver.current_url.startswith("about:blank"):
        driver.get("about:blank")
    script = f"return ({_script()})(arguments[0], arguments[1]);"
    found: list[Any] = driver.execute_script(script, svg.decode("utf-8"), font)
    return [str(fault) for fault in found]


@cache
def _script() -> str:
    return _SCRIPT.read_text(encoding="utf-8")
