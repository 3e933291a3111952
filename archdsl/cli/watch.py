"""``archdsl watch``: a model's page in the browser, redrawn when a file of the spec changes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archdsl.cli.options import AllowOutside

if TYPE_CHECKING:
    from archdsl.backends.figures.page import Views
    from archdsl.ir import Network
    from archdsl.watching.state import Draw, State, Watched

NAME = "watch"


def run(
    spec: Annotated[Path, typer.Argument(help="The .arch file.", show_default=False)],
    model: Annotated[str | None, typer.Option(help="Which model, if the file has several.")] = None,
    set: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Set a model parameter."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="The port to serve; 0 is any free one.  [default: 8417, or the next free one]",
            show_default=False,
        ),
    ] = None,
    open: Annotated[bool, typer.Option(help="Open the page in a browser.")] = False,
    allow_outside: AllowOutside = False,
) -> None:
    """Serve a model's page on this machine, and redraw it when the spec or an import changes.

    While the spec has errors the page shows them, beside the last figure without. Ctrl-C ends it.
    """
    from archdsl.cli.output import parse_settings
    from archdsl.watching.state import Watched

    watched = Watched(spec, model, parse_settings(set or ()), allow_outside)
    watch(watched, PageDrawer(), port=port, open_browser=open)


class PageDrawer:
    """Draws states as pages.

    A model that is shown once more, beside what is wrong now, is not drawn once more.
    """

    def __init__(self) -> None:
        self._network: Network | None = None
        self._views: Views = {}

    def __call__(self, state: State, /) -> str:
        """Return the page of a state; raises :class:`CannotDraw`."""
        from archdsl.backends.figures.page import page

        network = state.compiled.network if state.compiled is not None else None
        views = self._drawn(network) if network is not None else {}
        return page(state.title, network, views, diagnostics=state.said, stale=state.is_stale)

    def _drawn(self, network: Network) -> Views:
        from archdsl.backends.figures.faults import FigureFault
        from archdsl.backends.figures.files import page_views, painted_views
        from archdsl.cli.output import figure_fault
        from archdsl.watching.state import CannotDraw

        if self._network is not network:
            try:
                self._views = painted_views(page_views(network))
            except FigureFault as fault:
                raise CannotDraw([figure_fault(fault)]) from None
            self._network = network
        return self._views


def watch(watched: Watched, draw: Draw, *, port: int | None, open_browser: bool = False) -> None:
    """Serve and redraw until Ctrl-C, which is how it is meant to end: status 0.

    Exits with status 2 where the port is not to be had, or the spec cannot be read.
    """
    from archdsl.cli.output import fail
    from archdsl.compiler import CallFault
    from archdsl.watching.loop import Watch
    from archdsl.watching.ports import PortFault, open_server
    from archdsl.watching.publication import Publication

    publication = Publication()
    try:
        # The port before the figure: who has to choose another need not wait for it.
        server = open_server(port, publication)
    except PortFault as fault:
        fail([fault.diagnostic], 2)
    try:
        looking = Watch(watched, draw, publication, say)
        looking.redraw()
        server.start()
        say(f"watching {looking.title} at {server.url}  (Ctrl-C ends it)")
        if open_browser:
            show(server.url)
        looking.run()
    except CallFault as fault:
        fail([fault.diagnostic], 2)
    except KeyboardInterrupt:
        if sys.stdout.isatty():
            print()  # behind the ^C that a terminal shows
    finally:
        server.stop()


def say(line: str) -> None:
    """Print a line at once, also where it goes to a file or a pipe."""
    # What the encoding of the stream lacks is no reason to end.
    encoding = sys.stdout.encoding or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def show(url: str) -> None:
    """Open a browser, or say that there is none."""
    import webbrowser

    try:
        opened = webbrowser.open(url)
    except (webbrowser.Error, OSError):
        opened = False
    if not opened:
        say("no browser could be opened: open the address yourself")
