"""What runs in a process of its own: Graphviz from pygraphviz's wheel, which may hang or crash.

Reads jobs as JSON from standard input, ``[[source, engine, format], ...]``; writes the number of
bytes of each result, and the bytes, to standard output. Ends with status 3 where pygraphviz is
missing or cannot be loaded.
"""

from __future__ import annotations

import json
import sys

MISSING = 3


def main() -> int:
    """Draw what standard input asks for; return the exit status."""
    try:
        from pygraphviz import AGraph
    except ImportError as error:
        print(error, file=sys.stderr)
        return MISSING
    for source, engine, kind in json.load(sys.stdin.buffer):
        drawn = AGraph(string=source).draw(format=kind, prog=engine)
        data = drawn.encode() if isinstance(drawn, str) else bytes(drawn)
        sys.stdout.buffer.write(len(data).to_bytes(8, "big") + data)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
