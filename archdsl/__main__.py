"""Lets ``python -m archdsl`` run the command line."""

from archdsl.cli import main

main()
