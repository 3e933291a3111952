"""The live part of a watched page: a script that reloads it, and the policy that allows that."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from dataclasses import dataclass

EVENTS = "/events"
"""Where the page hears that there is another one."""

# A page that is hidden does not listen: a browser opens six connections to one server and no
# more, and a dozen open tabs would leave none for loading a page. What it missed it hears at once
# when it is shown again.
#
# The server ends a stream after each piece of news, so an error is the rule; only one that lasts
# is shown. Styles are set one by one: a policy forbids a style attribute, not that.
SCRIPT = """
(() => {
  const version = document.currentScript.dataset.version;
  const gone = document.createElement("p");
  gone.setAttribute("role", "status");
  gone.textContent = "archdsl watch has ended: this page is as it was then.";
  Object.assign(gone.style, {
    position: "fixed", right: "12px", bottom: "12px", margin: "0", padding: "6px 10px",
    font: "13px sans-serif", color: "#fff", background: "#8a1c1c", borderRadius: "4px",
    zIndex: "1000", display: "none",
  });
  document.body.append(gone);
  let events = null, late = 0;
  const heard = () => { clearTimeout(late); late = 0; gone.style.display = "none"; };
  const silence = () => {
    late = late || setTimeout(() => { gone.style.display = "block"; }, 1500);
  };
  const stop = () => { if (events) { events.close(); events = null; } };
  const listen = () => {
    if (events || document.hidden) return;
    events = new EventSource("/events");
    events.onmessage = (event) => {
      heard();
      if (event.data === version) return;
      stop();
      location.reload();
    };
    events.onerror = () => {
      silence();
      if (events && events.readyState === EventSource.CLOSED) {
        stop();
        setTimeout(listen, 1000);
      }
    };
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { stop(); heard(); } else listen();
  });
  addEventListener("pagehide", stop);
  addEventListener("pageshow", listen);
  listen();
})();
"""

_META = re.compile(
    r"""<meta\s+http-equiv=["']?Content-Security-Policy["']?\s+content="([^"]*)"\s*/?>\s*""",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class LivePage:
    """A page as it is served: its bytes, its policy for the header, a name for its content."""

    body: bytes
    policy: str
    version: str


def live(page: str) -> LivePage:
    """Return a page that reloads itself when there is another one.

    The page's own policy is taken out of its ``<meta>`` and comes back, as the header's, with
    what the live part needs and no more: this script, by its hash, and connections to where the
    page came from. In a header it also says that no other page may frame this one. Raises
    ValueError for a page that has no policy: all that it holds would be allowed.
    """
    found = _META.findall(page)
    if len(found) != 1:
        raise ValueError(f"a page has one policy in a <meta>, not {len(found)}")
    version = hashlib.sha256(page.encode()).hexdigest()[:20]
    script = f'<script data-version="{version}">{SCRIPT}</script>\n'
    bare = _META.sub("", page)
    start = bare.lower().rfind("</body>")
    at = start if start >= 0 else len(bare)
    return LivePage(
        (bare[:at] + script + bare[at:]).encode(), _opened(html.unescape(found[0])), version
    )


def sha256(text: str) -> str:
    """Return a script or style as a source of a policy: ``'sha256-...'``."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _opened(policy: str) -> str:
    """Return a policy that admits the live part too."""
    directives: dict[str, list[str]] = {}
    for directive in policy.split(";"):
        if words := directive.split():
            directives.setdefault(words[0].lower(), words[1:])  # of two, browsers obey the first
    scripts = directives.get("script-src", directives.get("default-src", []))
    directives["script-src"] = [s for s in scripts if s != "'none'"] + [sha256(SCRIPT)]
    directives["connect-src"] = ["'self'"]
    directives["frame-ancestors"] = ["'none'"]
    return "; ".join(" ".join([name, *sources]) for name, sources in directives.items())
