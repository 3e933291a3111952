"""The live part: what it adds to a page and to its policy, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from archdsl.watching.live import EVENTS, SCRIPT, live

PAGE = (
    '<html><head><meta http-equiv="Content-Security-Policy" content="{}">\n</head>'
    "<body><p>&lt;/body&gt;</p></body></html>"
)
OWN = "'sha256-" + base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode() + "'"


def policy(text: str) -> dict[str, str]:
    found = live(PAGE.format(text)).policy
    return dict(part.split(" ", 1) for part in found.split("; "))


def test_the_policy_admits_the_script_and_its_connection_alone() -> None:
    found = policy("default-src 'none'; script-src 'sha256-abc='; style-src 'sha256-x='")
    assert found == {
        "default-src": "'none'",
        "script-src": f"'sha256-abc=' {OWN}",
        "style-src": "'sha256-x='",
        "connect-src": "'self'",
        "frame-ancestors": "'none'",
    }


def test_a_page_without_scripts() -> None:
    assert policy("default-src 'none'")["script-src"] == OWN
    assert policy("script-src 'none'")["script-src"] == OWN


def test_entities_in_the_policy() -> None:
    found = policy("default-src &#39;none&#39;;script-src &#x27;sha256-a&#x27;;")
    assert found["script-src"] == f"'sha256-a' {OWN}"


def test_the_page_is_as_it_was_but_for_policy_and_script() -> None:
    found = live(PAGE.format("default-src 'none'"))
    text = found.body.decode()
    script = f'<script data-version="{found.version}">{SCRIPT}</script>\n'
    assert text.count(script + "</body></html>") == 1
    assert "Content-Security" not in text
    assert text.replace(script, "") == re.sub(r"<meta.*?>\n", "", PAGE)


def test_a_version_is_a_name_for_the_content() -> None:
    first, again, other = (live(PAGE.format(f"default-src {x}")) for x in "aab")
    assert first == again and first.version != other.version


@pytest.mark.parametrize("page", ["<html><body></body></html>", PAGE.format("a") * 2])
def test_a_page_has_one_policy(page: str) -> None:
    with pytest.raises(ValueError, match="one policy"):
        live(page)


def test_the_script_is_one_element_and_knows_its_address() -> None:
    assert "</" not in SCRIPT and "<!--" not in SCRIPT
    assert f'new EventSource("{EVENTS}")' in SCRIPT
