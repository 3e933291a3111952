"""The page as it is now, and waiting for another: what drawing and serving have in common."""

from __future__ import annotations

import threading

from archdsl.watching.live import LivePage


class Publication:
    """The newest page, for any number of readers in threads of their own."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._page: LivePage | None = None
        self._is_closed = False

    @property
    def page(self) -> LivePage | None:
        """The newest page; None before the first."""
        return self._page

    @property
    def is_closed(self) -> bool:
        """Whether there will be no other page."""
        return self._is_closed

    def publish(self, page: LivePage) -> None:
        """Show another page from now on, and wake who waits for it."""
        with self._changed:
            self._page = page
            self._changed.notify_all()

    def close(self) -> None:
        """Wake everybody who waits: there will be no other page."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def wait(self, version: str | None, seconds: float) -> LivePage | None:
        """Return the newest page as soon as it is not of this version, after ``seconds`` at most.

        What is returned may be of that version: then nothing else was published.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._version != version, seconds)
            return self._page

    @property
    def _version(self) -> str | None:
        return self._page.version if self._page is not None else None
