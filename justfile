# List the recipes.
default:
    @just --list

# What CI runs.
check: lint test

# Style and types.
lint:
    ruff check .
    ruff format --check .
    mypy

# The tests, without the slow ones.
test:
    pytest

# The slow tests, too.
test-all:
    pytest -m "slow or not slow"

# Draw the gallery anew; look at it before committing it.
gallery:
    pytest -n 0 tests/figures/test_gallery.py --update

# Write expectations anew; read the diff before committing it.
update:
    pytest --update
