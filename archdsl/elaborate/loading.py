"""Files and their imports: which declaration every file-level name means."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from archdsl.diagnostics import Poison, Problems, TooManyFaults, nearest
from archdsl.elaborate import file_messages, messages
from archdsl.operators import OPERATORS
from archdsl.reading import NotText, TooLarge
from archdsl.resources import resource
from archdsl.source import Source, Span
from archdsl.syntax import nodes, parse
from archdsl.syntax.feeding import MISSING_NAME
from archdsl.syntax.recursion import room_to_recurse
from archdsl.syntax.words import MAX_NAME, MAX_STRING

MAX_FILES = 1000
"""The most files a spec may consist of."""

MAX_EXTENDS = 200
"""How many models, or recipes, may extend one another in a row."""

Read: TypeAlias = Callable[[Path], str]
"""Returns the text of a file; raises OSError, TooLarge or NotText."""

Declaration: TypeAlias = nodes.Def | nodes.Model | nodes.RecipeDef | nodes.Let | nodes.Variants


@dataclass(eq=False)
class Symbol:
    """A file-level name: what it declares, in which module; ``place`` is where it is named here."""

    name: str
    item: Declaration | Poison
    module: Module
    place: Span
    imported: bool = False
    used: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the header of the def has syntax errors: its parameters are not known."""
        return isinstance(self.item, nodes.Def) and self.module.has_open_header(self.item)


@dataclass(eq=False)
class Module:
    """A file with the names that are visible in it."""

    file: nodes.File
    symbols: dict[str, Symbol] = field(default_factory=dict)

    @cached_property
    def is_vague(self) -> bool:
        """Whether an import, or the name of a declaration, could not be read."""
        return any(
            (isinstance(item, nodes.Import) and self.has_fault(item.span))
            or getattr(getattr(item, "name", None), "text", "") == MISSING_NAME
            for item in self.file.items
        )

    @cached_property
    def _lost_words(self) -> frozenset[str]:
        return frozenset(w for span in self.file.lost for w in re.findall(r"\w+", span.text))

    def has_open_header(self, item: nodes.Def | nodes.Model | nodes.RecipeDef) -> bool:
        """Whether there are syntax errors before the body: the parameters are not known then."""
        start, end = item.span.start, item.span.end
        if isinstance(item, nodes.Def):
            end = item.body.span.start
        elif isinstance(item, nodes.RecipeDef):
            end = item.settings[0].span.start if item.settings else end
        elif item.items:
            end = item.items[0].span.start
        return any(start <= fault.start <= end for fault in self.file.faults)

    def has_fault(self, span: Span) -> bool:
        """Whether a stretch of the file has syntax errors: what it means is not known then."""
        return any(span.start <= fault.start < span.end for fault in self.file.faults)

    def is_unfinished(self, span: Span) -> bool:
        """Whether the text ends within a construct: there might have been more of it."""
        return self.file.is_torn and not self.source.text[span.end :].strip()

    def may_mention(self, name: str) -> bool:
        """Whether a name stands in a part of the file that could not be read.

        It may be declared there, or used; that it is missing or unused is then not reported.
        """
        return name in self._lost_words or name == MISSING_NAME

    def may_declare(self, name: str) -> bool:
        """Whether the file may declare or import a name, as far as it could be read."""
        return self.is_vague or self.may_mention(name)

    def import_of(self, symbol: Symbol) -> nodes.Import:
        """Return the import that makes a symbol visible here."""
        imports = (item for item in self.file.items if isinstance(item, nodes.Import))
        return next(i for i in imports if symbol.place in [name.span for name in i.names])

    @property
    def source(self) -> Source:
        """The text."""
        return self.file.source

    def declared(self, kind: type) -> list[Symbol]:
        """Return the symbols of a kind that this file itself declares, in order."""
        return [s for s in self.symbols.values() if isinstance(s.item, kind) and not s.imported]


@dataclass(eq=False)
class Program:
    """A spec with everything that it imports."""

    root: Module
    modules: list[Module]


class Loader:
    """Reads a file, then what it imports, once each.

    Imports are found relative to the folder in which the importing file really lies: links are
    followed. They stay within the folder of the first file, its root, unless told otherwise.
    """

    def __init__(self, read: Read, problems: Problems, *, allow_outside: bool = False) -> None:
        self.read = read
        self.problems = problems
        self.allow_outside = allow_outside
        self.modules: dict[str, Module] = {}
        self.loading: list[str] = []
        self.is_full = False
        self.root = Path()
        self.shown_root = ""

    def load(self, source: Source) -> Program:
        """Load a text and its imports. Faults are reported; what could be read is returned."""
        path = _real(source.path) if source.path else None
        self.root = path.parent if path else _real(Path())
        self.shown_root = os.path.dirname(source.name) if path else ""  # noqa: PTH120 - a name
        with room_to_recurse(), suppress(TooManyFaults):
            self.module(source, _key(path) if path else source.name)
        modules = list(self.modules.values())
        return Program(modules[0], modules)

    def module(self, source: Source, key: str) -> Module:
        """Return the module of a text, with all that it imports loaded."""
        before = Problems()
        module = Module(parse(source, before))
        self.modules[key] = module
        self.problems.extend(before.sorted())
        self.loading.append(key)
        self.check_edition(module)
        for item in module.file.items:
            if isinstance(item, nodes.Import):
                self.import_names(item, module)
            elif isinstance(item, Declaration):
                self.declare(Symbol(item.name.text, item, module, item.name.span), module)
        self.loading.pop()
        return module

    def check_edition(self, module: Module) -> None:
        """Report an edition that is missing, misplaced or unknown."""
        items = module.file.items
        if not items:
            # A text that was refused for its size is searched no further than its first line.
            lost = (span.text for span in module.file.lost)
            if not any(re.search(r"\barch\b", text) for text in lost):
                self.problems.add(file_messages.no_edition(Span(module.source, 0, 0)))
            return
        first = items[0]
        if not isinstance(first, nodes.Edition | nodes.Error) and not module.may_mention("arch"):
            self.problems.add(file_messages.no_edition(_first_word(first.span)))
        for item in items:
            if isinstance(item, nodes.Edition):
                if item is not first:
                    self.problems.add(file_messages.edition_not_first(item.span))
                elif item.number.text != "1":
                    self.problems.add(file_messages.unknown_edition(item.number))

    def declare(self, symbol: Symbol, module: Module) -> None:
        """Make a name visible in a file; one that is taken is reported."""
        known = module.symbols.get(symbol.name)
        if known is not None:
            if symbol.name != MISSING_NAME:
                fix = None
                if symbol.imported and known.imported and symbol.item is known.item:
                    fix = file_messages.without(module.import_of(symbol), symbol.place)
                self.problems.add(
                    messages.duplicate_name(symbol.name, symbol.place, known.place, fix)
                )
            return
        if symbol.name == "in":
            self.problems.add(messages.bound_in(symbol.place))
            return
        is_step = isinstance(symbol.item, nodes.Def | nodes.Model)
        if is_step and symbol.name in OPERATORS:
            self.problems.add(messages.reserved_name(symbol.name, symbol.place))
        module.symbols[symbol.name] = symbol

    def import_names(self, item: nodes.Import, module: Module) -> None:
        """Make the names of an import visible."""
        found = None if module.has_fault(item.span) else self.resolve_origin(item, module)
        for name in item.names:
            if found is None:
                symbol = Symbol(name.text, Poison(), module, name.span, imported=True, used=True)
                self.declare(symbol, module)
                continue
            there = found.symbols.get(name.text)
            if there is None:
                if not found.may_mention(name.text):
                    choices = [s.name for s in found.symbols.values() if not s.imported]
                    self.problems.add(file_messages.no_such_export(name, item.origin, choices))
                    self.take_as_meant(name, choices, found, module)
                symbol = Symbol(name.text, Poison(), module, name.span, imported=True, used=True)
            else:
                there.used = True
                symbol = Symbol(name.text, there.item, there.module, name.span, imported=True)
            self.declare(symbol, module)

    def take_as_meant(
        self, name: nodes.Name, choices: list[str], found: Module, module: Module
    ) -> None:
        """Import what a misspelt name was probably meant to be: it is used under that name."""
        meant = nearest(name.text, choices)
        if meant is not None and meant not in module.symbols:
            there = found.symbols[meant]
            there.used = True
            module.symbols[meant] = Symbol(
                meant, there.item, there.module, name.span, imported=True, used=True
            )

    def resolve_origin(self, item: nodes.Import, module: Module) -> Module | None:
        """Return the module that an import names, or None where a fault was reported."""
        if isinstance(item.origin, nodes.Path):
            is_long = any(len(name.span.text) > MAX_NAME for name in item.origin.names)
            return None if is_long else self.library(item.origin)  # reported by the parser
        if len(item.origin.span.text) > MAX_STRING + len('""'):
            return None  # likewise
        place, relative = item.origin.span, str(item.origin.value)
        if refused := file_messages.bad_import(relative, place):
            self.problems.add(refused)
            return None
        base = _real(module.source.path).parent if module.source.path else self.root
        path = _real(base / relative)
        if not self.allow_outside and (Path(relative).anchor or not path.is_relative_to(self.root)):
            self.problems.add(file_messages.outside(relative, place, path, base, self.root))
            return None
        key = _key(path)
        if found := self.known(key, place):
            return found if isinstance(found, Module) else None
        name = self.shown(path)
        try:
            text = self.read(path)
        except NotText as fault:
            self.problems.add(file_messages.not_utf8(name, fault, place))
        except TooLarge:
            self.problems.add(file_messages.too_many_bytes(name, place))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self.problems.add(file_messages.cannot_read(name, place, reason))
        else:
            return self.module(Source(name, text, path), key)
        return None

    def library(self, origin: nodes.Path) -> Module | None:
        """Return a module of the standard library."""
        first, _, name = origin.text.partition(".")
        if first != "std" or name not in _std_modules():
            known = _std_modules()
            self.problems.add(file_messages.unknown_library(origin.text, origin.span, known))
            return None
        if found := self.known(origin.text, origin.span):
            return found if isinstance(found, Module) else None
        path = f"std/{name}.arch"
        text = resource(f"specs/{path}").read_text(encoding="utf-8")
        return self.module(Source(path, text), origin.text)

    def known(self, key: str, place: Span) -> Module | Poison | None:
        """Return a module that is loaded, Poison where it cannot be, or None: not loaded yet."""
        if key in self.loading:
            chain = [self.modules[k].source.name for k in self.loading[self.loading.index(key) :]]
            return self.problems.add(file_messages.import_cycle(place, [*chain, chain[0]]))
        if key in self.modules:
            return self.modules[key]
        if len(self.modules) >= MAX_FILES:
            if self.is_full:
                return Poison()  # one message is enough
            self.is_full = True
            return self.problems.add(file_messages.too_many_files(place, MAX_FILES))
        return None

    def shown(self, path: Path) -> str:
        """Return the name of a file as one would write it beside the first file's."""
        with suppress(ValueError):  # on another drive
            return str(Path(self.shown_root, os.path.relpath(path, self.root)))
        return str(path)


def _real(path: Path) -> Path:
    """Return where a file lies, links followed."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links
        return path.absolute()


def _key(path: Path) -> str:
    """Return what is the same for all spellings of one file: letter case, hard links."""
    try:
        file, folder = path.stat(), path.parent.stat()
    except (OSError, ValueError):
        return str(path)
    return f"{file.st_dev}:{file.st_ino} in {folder.st_dev}:{folder.st_ino}"


def _std_modules() -> list[str]:
    return sorted(
        entry.name.removesuffix(".arch")
        for entry in resource("specs/std").iterdir()
        if entry.name.endswith(".arch")
    )


def _first_word(span: Span) -> Span:
    text = span.text
    length = next((i for i, c in enumerate(text) if not (c.isalnum() or c == "_")), len(text))
    return Span(span.source, span.start, span.start + max(length, 1))
