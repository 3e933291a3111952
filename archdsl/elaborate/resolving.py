"""Names in declarations: files, defs, models, recipes. Every fault in a name is found here."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics import Poison, Problems, nearest
from archdsl.elaborate import file_messages, messages, recipe_messages
from archdsl.elaborate.checking_steps import Resolution as Resolution
from archdsl.elaborate.checking_steps import Step as Step
from archdsl.elaborate.checking_steps import StepChecker
from archdsl.elaborate.checking_values import ValueChecker
from archdsl.elaborate.contracts import check_contract
from archdsl.elaborate.loading import MAX_EXTENDS, Module, Program, Symbol
from archdsl.elaborate.scopes import Entry, Names, Sort, mark_used, parts
from archdsl.elaborate.values import FUNCTIONS
from archdsl.recipes import DATASETS, ENTRIES
from archdsl.recipes.recipe import PLACES, SCALARS
from archdsl.syntax import nodes


class Resolver:
    """Checks the names of all modules of a program."""

    def __init__(self, program: Program, problems: Problems) -> None:
        self.program = program
        self.problems = problems
        self.is_too_tall = False
        self.resolution = Resolution()
        self.values = ValueChecker(problems)
        self.steps = StepChecker(self.resolution, self.values, problems)

    def resolve(self) -> Resolution:
        """Check every declaration of every module."""
        for module in self.program.modules:
            self.module(module)
        for module in self.program.modules:
            self.report_unused(module)
        return self.resolution

    def report_unused(self, module: Module) -> None:
        """Warn of imports and constants that nothing uses.

        A file without models may be there for the constants that others import from it.
        """
        if module.file.is_torn:
            return
        has_models = bool(module.declared(nodes.Model))
        for symbol in module.symbols.values():
            if symbol.used or module.may_mention(symbol.name):
                continue
            if symbol.imported:
                item = module.import_of(symbol)
                self.problems.add(file_messages.unused_import(symbol.name, symbol.place, item))
            elif isinstance(symbol.item, nodes.Let) and has_models:
                self.problems.add(messages.unused_constant(symbol.name, symbol.place))

    def module(self, module: Module) -> None:
        """Check the declarations of a file."""
        top = Names(module)
        for symbol in module.symbols.values():
            if symbol.imported and isinstance(symbol.item, nodes.Let):
                top.entries[symbol.name] = Entry(symbol.place, Sort.CONSTANT)
        for item in module.file.items:
            if isinstance(item, nodes.Let):
                self.values.check(item.value, top)
                top.entries.setdefault(item.name.text, Entry(item.name.span, Sort.CONSTANT))
        for item in module.file.items:
            match item:
                case nodes.Def():
                    self.definition(item, top)
                case nodes.Model():
                    self.model(item, module, top)
                case nodes.RecipeDef():
                    self.recipe(item, top)
                case nodes.Variants():
                    self.variants(item, module, top)
        for name, entry in top.entries.items():
            if entry.used and name in module.symbols:
                module.symbols[name].used = True

    # --- defs and models

    def definition(self, item: nodes.Def, top: Names) -> None:
        """Check a def."""
        names = Names(top.module, top, is_vague=top.module.has_open_header(item))
        self.parameters(item.parameters, names)
        names.input(item.name.span)
        self.steps.body(item.body, names, fed=True)
        self.report_unused_parameters(item, names)

    def report_unused_parameters(self, item: nodes.Def | nodes.Model, names: Names) -> None:
        """Report parameters that change nothing."""
        module = names.module
        if not module.has_open_header(item) and not module.is_unfinished(item.span):
            for name, entry in names.unused(Sort.PARAMETER):
                self.problems.add(messages.unused_parameter(name, entry.place, item.name.text))

    def parameters(self, parameters: tuple[nodes.Parameter, ...], names: Names) -> None:
        """Declare parameters; each may use those before it in its default."""
        for parameter in parameters:
            if parameter.default is not None:
                self.values.check(parameter.default, names)
            name = parameter.name
            known = names.entries.get(name.text)
            if name.text == "in":
                self.problems.add(messages.bound_in(name.span))
            elif known is not None:
                self.problems.add(messages.duplicate_name(name.text, name.span, known.place))
            else:
                names.entries[name.text] = Entry(name.span, Sort.PARAMETER)

    def model(self, item: nodes.Model, module: Module, top: Names) -> None:
        """Check a model."""
        names = Names(module, top)
        self.parameters(item.parameters, names)
        names.is_vague = self.is_open(item, module)
        for parameter in self.inherited_parameters(item, module):
            entry = names.entries.get(parameter.name.text)
            if entry is not None:
                entry.used = True  # a new default for the base's parameter
            else:
                name = parameter.name
                names.entries[name.text] = Entry(name.span, Sort.PARAMETER, used=True)
        for part in item.items:
            if isinstance(part, nodes.Let):
                self.values.let(part, names)
        for part in item.items:
            self.model_item(part, names)
        self.report_unused_parameters(item, names)
        self.values.report_unused_lets(names)

    def is_open(self, item: nodes.Model, module: Module) -> bool:
        """Whether the header of a model, or of one that it extends, could not be read whole."""
        seen: list[nodes.Model] = []
        while item not in seen and len(seen) <= MAX_EXTENDS:
            if module.has_open_header(item):
                return True
            seen.append(item)
            if item.base is None:
                return False
            symbol = module.symbols.get(item.base.text)
            if symbol is None or not isinstance(symbol.item, nodes.Model):
                return True
            item, module = symbol.item, symbol.module
        return False

    def inherited_parameters(self, item: nodes.Model, module: Module) -> list[nodes.Parameter]:
        """Return the parameters of all bases, resolving the chain of ``extends``."""
        found: list[nodes.Parameter] = []
        first, seen = item, [item]
        while item.base is not None:
            symbol = self.find_model(item.base, module, "extend")
            if symbol is None:
                break
            assert isinstance(symbol.item, nodes.Model)
            if len(seen) > MAX_EXTENDS:
                if not self.is_too_tall:  # of all that extend one another, the first is enough
                    self.problems.add(messages.extends_too_often(item.base, MAX_EXTENDS))
                self.is_too_tall = True
                self.resolution.bases.pop(first, None)
                break
            if symbol.item in seen:
                circle = seen[seen.index(symbol.item) :]
                bases = [model.base for model in circle if model.base is not None]
                self.problems.add(messages.circular_extends(messages.first_of(bases)))
                self.resolution.bases.pop(first, None)
                break
            self.resolution.bases[item] = symbol
            item, module = symbol.item, symbol.module
            seen.append(item)
            found += item.parameters
        return found

    def find_model(self, name: nodes.Name, module: Module, purpose: str) -> Symbol | None:
        """Return the symbol of a model, or None where there is none; that is reported."""
        symbol = module.symbols.get(name.text)
        if symbol is not None and isinstance(symbol.item, nodes.Model | Poison):
            symbol.used = True
            return symbol if isinstance(symbol.item, nodes.Model) else None
        if symbol is not None or not module.may_declare(name.text):
            choices = [s.name for s in module.symbols.values() if isinstance(s.item, nodes.Model)]
            self.problems.add(messages.unknown_model(name, purpose, choices))
            count_meant_as_used(name, choices, module)
        return None

    def model_item(self, part: nodes.ModelItem, names: Names) -> None:
        """Check one item of a model; its constants have been declared."""
        match part:
            case nodes.Input():
                self.values.check(part.shape, names)
            case nodes.Backbone():
                inner = Names(names.module, names, inside="backbone")
                inner.input(part.keyword)
                self.steps.body(part.body, inner, fed=True)
            case nodes.Head():
                inner = Names(names.module, names)
                inner.input(part.keyword)
                self.steps.body(part.body, inner, fed=True)
            case nodes.Aggregate():
                self.aggregate(part, names)
            case nodes.Expect():
                check_contract(part, names, self.values)
            case nodes.ForeignBackbone():
                self.values.all(tuple(a.value for a in part.arguments), names)
            case nodes.Allow():
                self.steps.allow(part)
            case nodes.Train():
                if part.dataset.text not in DATASETS:
                    self.problems.add(recipe_messages.unknown_dataset(part.dataset, DATASETS))
                self.find_recipe(part.recipe, names.module)

    def aggregate(self, part: nodes.Aggregate, names: Names) -> None:
        """Check the names in an aggregate clause; its taps and words are checked when expanded."""
        for argument in part.arguments:
            if names.module.has_fault(part.header):
                mark_used(argument.value, names)
            else:
                self.values.check(argument.value, names)
        for override in part.overrides:
            if not isinstance(override, nodes.Map):
                continue
            if is_settings(override.body):
                for statement in override.body.statements:
                    if isinstance(statement, nodes.Bind):
                        words = ("none", "batch", "relu")
                        self.values.check(statement.value, names, words=words)
            else:
                inner = Names(names.module, names)
                inner.input(override.target.span)
                self.steps.body(override.body, inner, fed=True)

    def variants(self, item: nodes.Variants, module: Module, top: Names) -> None:
        """Check the names in a grid; whether they are parameters is checked when all is known."""
        self.find_model(item.model, module, "vary")
        for line in item.grid:
            if isinstance(line, nodes.Vary):
                self.values.check(line.values, top)

    # --- recipes

    def find_recipe(self, name: nodes.Name, module: Module) -> None:
        """Report a recipe that is not there; mark one that is as used."""
        symbol = module.symbols.get(name.text)
        if symbol is not None and isinstance(symbol.item, nodes.RecipeDef | Poison):
            symbol.used = True
        elif symbol is not None or not module.may_declare(name.text):
            symbols = module.symbols.values()
            choices = [s.name for s in symbols if isinstance(s.item, nodes.RecipeDef)]
            self.problems.add(recipe_messages.unknown_recipe(name, choices))
            count_meant_as_used(name, choices, module)

    def recipe(self, item: nodes.RecipeDef, top: Names) -> None:
        """Check the names in a recipe's values; what may be set is checked when it is built."""
        if item.base is not None:
            self.find_recipe(item.base, top.module)
        for setting in item.settings:
            if isinstance(setting, nodes.SetEntry):
                if setting.name.text in PLACES:
                    for call in parts(setting.value):
                        if isinstance(call, nodes.Call) and call.callee.text not in FUNCTIONS:
                            self.entry_arguments(call, top)
                elif setting.name.text in SCALARS:
                    words = SCALARS[setting.name.text].kind.words
                    self.values.check(setting.value, top, words=words)
                else:
                    mark_used(setting.value, top)
            elif isinstance(setting, nodes.SetValue):
                words = words_of_setting(tuple(name.text for name in setting.path.names))
                self.values.check(setting.value, top, words=words)

    def entry_arguments(self, call: nodes.Call, top: Names) -> None:
        """Check the names in the arguments of an optimizer, a schedule or an augmentation."""
        entry = ENTRIES.get(call.callee.text)
        parameters = {p.name: p for p in entry.parameters} if entry else {}
        in_order = [p for p in parameters.values() if not p.named]
        for argument in call.arguments:
            if argument.name is not None:
                parameter = parameters.get(argument.name.text)
            else:
                parameter = in_order.pop(0) if in_order else None
            # What is misspelt before the word is reported by itself.
            words = parameter.kind.words if parameter else _ALL_WORDS
            self.values.check(argument.value, top, words=words)


_ALL_WORDS = tuple(
    word for entry in ENTRIES.values() for p in entry.parameters for word in p.kind.words
)


def words_of_setting(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words that may be a setting's value, whichever entry its place has."""
    if len(path) == 1 and path[0] in SCALARS:
        return SCALARS[path[0]].kind.words
    entries = [entry for entry in ENTRIES.values() if entry.place == path[0]]
    parameters = [p for e in entries for p in e.parameters if p.name == path[-1]]
    if not parameters:
        return _ALL_WORDS  # it is reported that there is no such setting
    return tuple(word for parameter in parameters for word in parameter.kind.words)


def count_meant_as_used(name: nodes.Name, choices: Sequence[str], module: Module) -> None:
    """Count what a misspelt name was probably meant to be as used: that is one mistake, not two."""
    meant = nearest(name.text, choices)
    if meant is not None:
        module.symbols[meant].used = True


def is_settings(body: nodes.Body) -> bool:
    """Whether the body of a ``map`` sets options of a derived node (rather than writing one)."""
    binds = [s for s in body.statements if isinstance(s, nodes.Bind)]
    others = [s for s in body.statements if not isinstance(s, nodes.Bind | nodes.Error)]
    return not others and all(b.name.text != "out" for b in binds)
