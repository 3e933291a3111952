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

# Write expectations anew; read the diff before committing it.
update:
    pytest --update
