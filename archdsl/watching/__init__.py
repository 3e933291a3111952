"""A model's page, redrawn as its spec changes: watching files, and serving that one page."""
