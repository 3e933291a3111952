"""Names and arguments, checked before anything is expanded.

Every body is checked, used or not, taken or not, so a typo in an untaken branch is found. The
result says what each call means and which argument is which; expansion looks nothing up twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from archdsl.diagnostics import Poison, Problems
from archdsl.elaborate import binding, messages, recipe_messages
from archdsl.elaborate.loading import Module, Program, Symbol
from archdsl.elaborate.values import ATTRIBUTES, FUNCTIONS
from archdsl.operators import NOT_YET, OPERATORS
from archdsl.operators.operator import Operator
from archdsl.operators.signature import Parameter
from archdsl.recipes import DATASETS
from archdsl.recipes.recipe import SCALARS
from archdsl.source import Span
from archdsl.syntax import nodes

Target: TypeAlias = Operator | Symbol
"""What a step calls: an operator, or the symbol of a def."""


@dataclass(frozen=True, slots=True)
class Step:
    """A resolved call: its target, and its arguments by parameter (of a join: its operands)."""

    target: Target
    arguments: dict[str, nodes.Argument]
    operands: tuple[nodes.Expr, ...] = ()


@dataclass
class Resolution:
    """What every step means. A step that is not here has been reported."""

    steps: dict[nodes.Expr, Step] = field(default_factory=dict)
    bases: dict[nodes.Model, Symbol] = field(default_factory=dict)


@dataclass(eq=False)
class _Entry:
    """A name in scope."""

    place: Span
    is_tensor: bool
    used: bool = False


@dataclass(eq=False)
class _Names:
    """A lexical scope, and where in a model it stands."""

    module: Module
    outer: _Names | None = None
    entries: dict[str, _Entry] = field(default_factory=dict)
    inside: str = ""
    """``backbone``, ``stage``, ``block`` or empty: which of stage, block, tap may stand here."""

    def find(self, name: str) -> _Entry | None:
        scope: _Names | None = self
        while scope is not None:
            if name in scope.entries:
                return scope.entries[name]
            scope = scope.outer
        return None

    def all_names(self, *, tensors: bool) -> list[str]:
        found: list[str] = []
        scope: _Names | None = self
        while scope is not None:
            found += [n for n, e in scope.entries.items() if e.is_tensor == tensors]
            scope = scope.outer
        return found


class Resolver:
    """Checks the names of all modules of a program."""

    def __init__(self, program: Program, problems: Problems) -> None:
        self.program = program
        self.problems = problems
        self.resolution = Resolution()

    def resolve(self) -> Resolution:
        """Check every declaration of every module."""
        for module in self.program.modules:
            self.resolve_module(module)
        for module in self.program.modules:
            for symbol in module.symbols.values():
                if symbol.imported and not symbol.used and not module.broken:
                    self.problems.add(messages.unused_import(symbol.name, symbol.place))
        return self.resolution

    def resolve_module(self, module: Module) -> None:
        top = _Names(module)
        for item in module.file.items:
            if isinstance(item, nodes.Let):
                self.check_value(item.value, top)
                if item.name.text not in top.entries:
                    top.entries[item.name.text] = _Entry(item.name.span, is_tensor=False)
        for symbol in module.symbols.values():
            if symbol.imported and isinstance(symbol.item, nodes.Let):
                top.entries.setdefault(symbol.name, _Entry(symbol.place, is_tensor=False))
        for item in module.file.items:
            if isinstance(item, nodes.Def):
                self.check_def(item, top)
            elif isinstance(item, nodes.Model):
                self.check_model(item, module, top)
            elif isinstance(item, nodes.RecipeDef):
                self.check_recipe(item, top)
        for name, entry in top.entries.items():
            if entry.used:
                module.symbols[name].used = True

    # --- defs and models

    def check_def(self, item: nodes.Def, top: _Names) -> None:
        names = _Names(top.module, top)
        self.check_parameters(item.parameters, names)
        parameters = dict(names.entries)
        names.entries["in"] = _Entry(item.name.span, is_tensor=True, used=True)
        self.check_body(item.body, names, fed=True)
        if not top.module.broken:
            for name, entry in parameters.items():
                if not entry.used:
                    self.problems.add(messages.unused_parameter(name, entry.place, item.name.text))

    def check_parameters(self, parameters: tuple[nodes.Parameter, ...], names: _Names) -> None:
        for parameter in parameters:
            if parameter.default is not None:
                self.check_value(parameter.default, names)
            known = names.entries.get(parameter.name.text)
            if known is not None:
                self.problems.add(
                    messages.duplicate_name(parameter.name.text, parameter.name.span, known.place)
                )
                continue
            names.entries[parameter.name.text] = _Entry(parameter.name.span, is_tensor=False)

    def check_model(self, item: nodes.Model, module: Module, top: _Names) -> None:
        names = _Names(module, top)
        self.check_parameters(item.parameters, names)
        own = dict(names.entries)
        redefined = set()
        for parameter in self.inherited_parameters(item, module):
            if parameter.name.text in own:
                redefined.add(parameter.name.text)  # a new default for the base's parameter
            else:
                names.entries[parameter.name.text] = _Entry(parameter.name.span, is_tensor=False)
        for part in item.items:
            self.check_model_item(part, names)
        if module.broken:
            return
        for name, entry in own.items():
            if not entry.used and name not in redefined:
                self.problems.add(messages.unused_parameter(name, entry.place, item.name.text))

    def inherited_parameters(self, item: nodes.Model, module: Module) -> list[nodes.Parameter]:
        """Return the parameters of all bases, resolving the chain of ``extends``."""
        found: list[nodes.Parameter] = []
        seen = [item]
        while item.base is not None:
            symbol = module.symbols.get(item.base.text)
            if symbol is None or not isinstance(symbol.item, nodes.Model | Poison):
                if not (symbol is None and module.broken):
                    choices = [
                        s.name for s in module.symbols.values() if isinstance(s.item, nodes.Model)
                    ]
                    self.problems.add(messages.unknown_base(item.base, "model", choices))
                break
            symbol.used = True
            if isinstance(symbol.item, Poison):
                break
            if symbol.item in seen:
                self.problems.add(messages.circular_extends(item.base))
                break
            self.resolution.bases[item] = symbol
            item, module = symbol.item, symbol.module
            seen.append(item)
            found += item.parameters
        return found

    def check_model_item(self, part: nodes.ModelItem, names: _Names) -> None:
        match part:
            case nodes.Input():
                self.check_value(part.shape, names)
            case nodes.Let():
                self.check_let(part, names)
            case nodes.Backbone():
                inner = _Names(names.module, names, inside="backbone")
                inner.entries["in"] = _Entry(part.keyword, is_tensor=True, used=True)
                self.check_body(part.body, inner, fed=True)
            case nodes.Head():
                inner = _Names(names.module, names)
                inner.entries["in"] = _Entry(part.keyword, is_tensor=True, used=True)
                self.check_body(part.body, inner, fed=True)
            case nodes.Aggregate():
                self.check_aggregate(part, names)
            case nodes.Expect():
                self.problems.add(messages.not_yet("expect", part.span))
            case nodes.ForeignBackbone():
                what = f"a backbone from {part.library.text}"
                self.problems.add(messages.not_yet(what, part.span))
            case nodes.Allow():
                self.check_allow(part)
            case nodes.Train():
                self.check_train(part, names.module)

    def check_train(self, part: nodes.Train, module: Module) -> None:
        if part.dataset.text not in DATASETS:
            self.problems.add(recipe_messages.unknown_dataset(part.dataset, list(DATASETS)))
        self.find_recipe(part.recipe, module)

    def find_recipe(self, name: nodes.Name, module: Module) -> None:
        """Report a recipe that is not there; mark one that is as used."""
        symbol = module.symbols.get(name.text)
        if symbol is not None and isinstance(symbol.item, nodes.RecipeDef | Poison):
            symbol.used = True
        elif not module.broken:
            choices = [
                s.name for s in module.symbols.values() if isinstance(s.item, nodes.RecipeDef)
            ]
            self.problems.add(recipe_messages.unknown_recipe(name, choices))

    def check_recipe(self, item: nodes.RecipeDef, top: _Names) -> None:
        """Check the names in a recipe's values; what may be set is checked when it is built."""
        if item.base is not None:
            self.find_recipe(item.base, top.module)
        for setting in item.settings:
            if isinstance(setting, nodes.Error):
                continue
            is_entry = isinstance(setting, nodes.SetEntry)
            if is_entry and setting.name.text in ("optimizer", "schedule", "augment"):
                for call in _calls(setting.value):
                    for argument in call.arguments:
                        self.check_value(argument.value, top)
            elif isinstance(setting, nodes.SetValue) or setting.name.text in SCALARS:
                self.check_value(setting.value, top)

    def check_aggregate(self, part: nodes.Aggregate, names: _Names) -> None:
        for argument in part.arguments:
            self.check_value(argument.value, names)
        for override in part.overrides:
            if isinstance(override, nodes.Map):
                if is_settings(override.body):
                    for statement in override.body.statements:
                        assert isinstance(statement, nodes.Bind)
                        self.check_value(statement.value, names, words=("none", "batch", "relu"))
                else:
                    inner = _Names(names.module, names)
                    inner.entries["in"] = _Entry(override.span, is_tensor=True, used=True)
                    self.check_body(override.body, inner, fed=True)

    def check_allow(self, part: nodes.Allow) -> None:
        if part.code.text not in messages.RULES:
            self.problems.add(messages.cannot_allow(part.code))
        elif not part.reason.strip():
            self.problems.add(messages.no_reason(part.span))

    def check_let(self, item: nodes.Let, names: _Names) -> None:
        self.check_value(item.value, names)
        self.declare(item.name, names, is_tensor=False)

    # --- bodies

    def declare(self, name: nodes.Name, names: _Names, *, is_tensor: bool) -> _Entry:
        known = names.find(name.text)
        if known is not None:
            self.problems.add(messages.duplicate_name(name.text, name.span, known.place))
        entry = _Entry(name.span, is_tensor)
        names.entries[name.text] = entry
        return entry

    def check_body(self, body: nodes.Body, names: _Names, *, fed: bool) -> None:
        """Check a body; its names are added to ``names``, a scope of its own."""
        if any(isinstance(s, nodes.Bind) for s in body.statements):
            self.check_graph(body, names)
            return
        first = True
        for statement in body.statements:
            match statement:
                case nodes.Let():
                    self.check_let(statement, names)
                case nodes.Allow():
                    self.check_allow(statement)
                    if names.inside not in ("stage", "block"):
                        self.problems.add(messages.misplaced("allow", statement.span))
                case nodes.Error():
                    first = False
                case nodes.Bind():
                    pass
                case _:
                    self.check_step(statement, names, fed=fed or not first, head=first)
                    first = False
        if first and not fed:
            self.problems.add(messages.empty_body(body.span))

    def check_graph(self, body: nodes.Body, names: _Names) -> None:
        bound: list[tuple[nodes.Bind, _Entry]] = []
        out: _Entry | None = None
        broken = False
        for statement in body.statements:
            match statement:
                case nodes.Let():
                    self.check_let(statement, names)
                case nodes.Allow():
                    self.check_allow(statement)
                case nodes.Error():
                    broken = True
                case nodes.Bind():
                    self.check_step(statement.value, names, fed=False)
                    if statement.name.text == "in":
                        self.problems.add(messages.bound_in(statement.name.span))
                        continue
                    entry = self.declare(statement.name, names, is_tensor=True)
                    if statement.name.text == "out":
                        out = entry
                    else:
                        bound.append((statement, entry))
                case _:
                    self.check_step(statement, names, fed=False)
                    self.problems.add(messages.result_unused(statement.span))
        if out is None and not broken:
            self.problems.add(messages.no_out(body.span, bound[-1][0].name if bound else None))
        for bind, entry in bound:
            if not entry.used and out is not None and not broken and not _has_tap(bind.value):
                self.problems.add(messages.dead_branch(bind.name))

    # --- steps

    def check_step(self, expr: nodes.Expr, names: _Names, *, fed: bool, head: bool = False) -> None:
        """Check an expression that yields a tensor.

        ``fed``: something flows into it. ``head``: it opens a fed body or branch, so it may also
        name a tensor to begin with (``in -> ...``).
        """
        match expr:
            case nodes.Pipeline():
                for i, step in enumerate(expr.steps):
                    self.check_step(step, names, fed=fed or i > 0, head=head and i == 0)
            case nodes.Named():
                self.check_step(expr.step, names, fed=fed, head=head)
                if not isinstance(expr.step, nodes.Tap):
                    self.declare(expr.name, names, is_tensor=True).used = True
            case nodes.Path():
                self.check_bare_step(expr, names, fed=fed, head=head)
            case nodes.Call():
                self.check_call(expr, names, fed=fed)
            case nodes.Infix(operator="*"):
                self.check_value(expr.right, names)
                inner = _Names(names.module, names)
                self.check_step(expr.left, inner, fed=fed)
                if not fed and not isinstance(expr.left, nodes.Error):
                    self.no_input(expr.left, names)
            case nodes.Group():
                inner = _Names(names.module, names, inside=names.inside)
                if fed:
                    inner.entries["in"] = _Entry(expr.span, is_tensor=True, used=True)
                self.check_body(expr.body, inner, fed=fed)
            case nodes.Fork():
                for branch in expr.branches:
                    inner = _Names(names.module, names)
                    if fed:
                        inner.entries["in"] = _Entry(expr.span, is_tensor=True, used=True)
                    self.check_step(branch, inner, fed=fed, head=True)
            case nodes.Choice():
                self.check_choice(expr, names, fed=fed)
            case nodes.Stage() | nodes.Block():
                self.check_part(expr, names, fed=fed)
            case nodes.Tap():
                if names.inside not in ("stage", "block"):
                    self.problems.add(messages.misplaced("tap", expr.span))
                elif not fed:
                    self.problems.add(messages.no_input("tap", expr.span))
            case nodes.Repeat():
                self.problems.add(messages.not_yet("repeat ... carry", expr.span))
            case nodes.Error():
                pass
            case _:
                self.problems.add(messages.not_a_step(expr.span))

    def no_input(self, expr: nodes.Expr, names: _Names) -> None:
        self.problems.add(messages.no_input(expr.span.text.split("(")[0], expr.span))

    def check_bare_step(self, expr: nodes.Path, names: _Names, *, fed: bool, head: bool) -> None:
        name = expr.names[0].text
        entry = names.find(name)
        if (head or not fed) and entry is not None and len(expr.names) == 1 and entry.is_tensor:
            entry.used = True
            return
        if len(expr.names) > 1:
            self.problems.add(messages.not_a_step(expr.span))
            return
        if fed or name in OPERATORS or name in NOT_YET or name in names.module.symbols:
            self.check_target(expr, expr, (), names, fed=fed)
        elif entry is not None:
            self.problems.add(messages.value_as_step(expr))
        else:
            if not names.module.broken:
                choices = names.all_names(tensors=True)
                self.problems.add(messages.unknown_tensor(expr, choices))

    def check_call(self, expr: nodes.Call, names: _Names, *, fed: bool) -> None:
        if len(expr.callee.names) > 1:
            self.problems.add(messages.not_a_step(expr.callee.span))
            return
        self.check_target(expr, expr.callee, expr.arguments, names, fed=fed)

    def check_target(
        self,
        expr: nodes.Expr,
        callee: nodes.Path,
        arguments: tuple[nodes.Argument, ...],
        names: _Names,
        *,
        fed: bool,
    ) -> None:
        """Check a call of an operator or a def, and record what it means."""
        target = self.find_target(callee, names)
        joins = isinstance(target, Operator) and target.joins
        if not fed and not joins and not isinstance(target, Poison):
            self.problems.add(messages.no_input(callee.text, expr.span))
            target = Poison()
        if isinstance(target, Poison):
            for argument in arguments:
                if not isinstance(argument.value, nodes.Pipeline):
                    self.mark_used(argument.value, names)
            return
        if joins:
            self.check_join(expr, target, arguments, names, fed=fed)  # type: ignore[arg-type]
            return
        parameters = target.parameters if isinstance(target, Operator) else ()
        if isinstance(target, Operator):
            wanted = binding.slots(parameters)
        else:
            assert isinstance(target.item, nodes.Def)
            wanted = [binding.Slot(p.name.text, p.default is None) for p in target.item.parameters]
        bound = binding.bind(callee.text, callee.span, arguments, wanted, self.problems)
        by_name = {p.name: p for p in parameters}
        good = not isinstance(bound, Poison)
        pairs = bound.items() if not isinstance(bound, Poison) else [("", a) for a in arguments]
        for name, argument in pairs:
            parameter = by_name.get(name)
            words = parameter.kind.words if parameter else ()
            fits = self.check_value(argument.value, names, words=words)
            if fits and parameter is not None:
                fits = self.check_literal(callee.text, parameter, argument.value)
            good = good and fits
        if good:
            assert not isinstance(bound, Poison)
            self.resolution.steps[expr] = Step(target, bound)

    def find_target(self, callee: nodes.Path, names: _Names) -> Target | Poison:
        name = callee.text
        if name in OPERATORS:
            return OPERATORS[name]
        symbol = names.module.symbols.get(name)
        if symbol is not None and isinstance(symbol.item, nodes.Def | Poison):
            symbol.used = True
            return symbol if isinstance(symbol.item, nodes.Def) else symbol.item
        if symbol is not None and isinstance(symbol.item, nodes.Model):
            return self.problems.add(messages.model_as_step(callee))
        if name in NOT_YET:
            return self.problems.add(messages.not_yet(f"the operator {name}", callee.span))
        if names.module.broken:
            return Poison()  # it may stand in what could not be read
        entry = names.find(name)
        if entry is not None:
            entry.used = True
            return self.problems.add(messages.value_as_step(callee))
        defs = [s.name for s in names.module.symbols.values() if isinstance(s.item, nodes.Def)]
        return self.problems.add(messages.unknown_operator(callee, [*OPERATORS, *NOT_YET, *defs]))

    def check_join(
        self,
        expr: nodes.Expr,
        target: Operator,
        arguments: tuple[nodes.Argument, ...],
        names: _Names,
        *,
        fed: bool,
    ) -> None:
        for argument in arguments:
            if argument.name is not None:
                self.problems.add(messages.unknown_argument(target.name, argument.name, []))
                return
            self.check_step(argument.value, names, fed=False)
        if not fed and len(arguments) < 2:
            self.problems.add(messages.join_needs_two(target.name, expr.span))
            return
        operands = tuple(argument.value for argument in arguments)
        self.resolution.steps[expr] = Step(target, {}, operands)

    def check_choice(self, expr: nodes.Choice, names: _Names, *, fed: bool) -> None:
        self.check_value(expr.condition, names)
        for branch in (expr.yes, expr.no):
            if isinstance(branch, nodes.Choice):
                self.check_choice(branch, names, fed=fed)
            elif branch is not None:
                inner = _Names(names.module, names, inside=names.inside)
                if fed:
                    inner.entries["in"] = _Entry(expr.span, is_tensor=True, used=True)
                self.check_body(branch, inner, fed=fed)
        if expr.no is None and not fed:
            self.problems.add(messages.no_else(expr.span))

    def check_part(self, expr: nodes.Stage | nodes.Block, names: _Names, *, fed: bool) -> None:
        kind, wanted = (
            ("stage", "backbone") if isinstance(expr, nodes.Stage) else ("block", "stage")
        )
        if names.inside != wanted:
            self.problems.add(messages.misplaced(kind, expr.name.span))
        elif not fed:
            self.problems.add(messages.no_input(f"{kind} {expr.name.text}", expr.name.span))
        inner = _Names(names.module, names, inside=kind)
        inner.entries["in"] = _Entry(expr.name.span, is_tensor=True, used=True)
        self.check_body(expr.body, inner, fed=True)
        self.declare(expr.name, names, is_tensor=True).used = True

    # --- compile-time values

    def check_value(self, expr: nodes.Expr, names: _Names, *, words: tuple[str, ...] = ()) -> bool:
        """Check a compile-time expression; return whether its names are right."""
        match expr:
            case nodes.Literal():
                return True
            case nodes.ListOf():
                return all([self.check_value(item, names) for item in expr.items])
            case nodes.Path():
                return self.check_value_name(expr, names, words)
            case nodes.Prefix():
                return self.check_value(expr.operand, names)
            case nodes.Infix():
                return all([self.check_value(e, names) for e in (expr.left, expr.right)])
            case nodes.Ternary():
                parts = (expr.condition, expr.yes, expr.no)
                return all([self.check_value(e, names, words=words) for e in parts])
            case nodes.Call():
                return self.check_function(expr, names)
            case nodes.Error():
                return False
        self.problems.add(messages.not_a_value(expr.span))
        return False

    def check_value_name(self, expr: nodes.Path, names: _Names, words: tuple[str, ...]) -> bool:
        first = expr.names[0]
        entry = names.find(first.text)
        if entry is None:
            if len(expr.names) == 1 and expr.text in words:
                return True
            symbol = names.module.symbols.get(first.text)
            if symbol is not None and isinstance(symbol.item, Poison):
                return False
            if not names.module.broken:
                choices = [*names.all_names(tensors=False), *words]
                self.problems.add(messages.unknown_value(first, choices))
            return False
        entry.used = True
        if len(expr.names) == 1 and entry.is_tensor:
            self.problems.add(messages.tensor_as_value(expr))
            return False
        if len(expr.names) > 1 and not entry.is_tensor:
            self.problems.add(messages.no_attributes(expr))
            return False
        if len(expr.names) > 1 and (len(expr.names) > 2 or expr.names[1].text not in ATTRIBUTES):
            self.problems.add(messages.unknown_attribute(expr.names[1], ATTRIBUTES))
            return False
        return True

    def check_function(self, expr: nodes.Call, names: _Names) -> bool:
        function = FUNCTIONS.get(expr.callee.text)
        good = all([self.check_value(a.value, names) for a in expr.arguments])
        if function is None:
            self.problems.add(messages.unknown_function(expr.callee, list(FUNCTIONS)))
            return False
        named = next((a for a in expr.arguments if a.name is not None), None)
        count = len(expr.arguments)
        too_many = function.most is not None and count > function.most
        if named is not None or count < function.least or too_many:
            self.problems.add(messages.function_arguments(expr, function.least, function.most))
            return False
        return good

    def check_literal(self, what: str, parameter: Parameter, expr: nodes.Expr) -> bool:
        """Check an argument whose value is plain to see; others are checked when expanded."""
        negative = isinstance(expr, nodes.Prefix) and expr.operator == "-"
        inner = expr.operand if isinstance(expr, nodes.Prefix) and negative else expr
        if not isinstance(inner, nodes.Literal):
            return True
        value = inner.value
        if negative and isinstance(value, int | float) and not isinstance(value, bool):
            value = -value
        checked = binding.check_value(what, parameter, value, expr.span, self.problems)
        return not isinstance(checked, Poison)

    def mark_used(self, expr: nodes.Expr, names: _Names) -> None:
        """Mark the names in the arguments of a call that means nothing, without reporting more."""
        stack: list[object] = [expr]
        while stack:
            part = stack.pop()
            if isinstance(part, nodes.Path):
                entry = names.find(part.names[0].text)
                if entry is not None:
                    entry.used = True
            elif isinstance(part, tuple):
                stack.extend(part)
            elif hasattr(part, "__slots__") and not isinstance(part, Span | nodes.Name):
                stack.extend(getattr(part, slot) for slot in part.__slots__)


def is_settings(body: nodes.Body) -> bool:
    """Whether the body of a ``map`` sets options of a derived node (rather than writing one)."""
    binds = [s for s in body.statements if isinstance(s, nodes.Bind)]
    return len(binds) == len(body.statements) and all(b.name.text != "out" for b in binds)


def _has_tap(expr: object) -> bool:
    stack = [expr]
    while stack:
        part = stack.pop()
        if isinstance(part, nodes.Tap | nodes.Stage | nodes.Block):
            return True
        if isinstance(part, tuple):
            stack.extend(part)
        elif hasattr(part, "__slots__") and not isinstance(part, Span | nodes.Name):
            stack.extend(getattr(part, slot) for slot in part.__slots__)
    return False


def _calls(expr: nodes.Expr) -> list[nodes.Call]:
    """Return the calls of an optimizer, a schedule or a row of augmentations."""
    if isinstance(expr, nodes.Call):
        return [expr]
    if isinstance(expr, nodes.Pipeline):
        return [call for step in expr.steps for call in _calls(step)]
    if isinstance(expr, nodes.Group):
        return [call for s in expr.body.statements for call in _calls(s)]  # type: ignore[arg-type]
    return []
