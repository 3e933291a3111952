"""Backbones from elsewhere: the clause is checked, the model inspected, its taps are placed.

Before: ``backbone torchvision("resnet18") { tap layer1; tap layer4 }``. After: a node for the
model, whose value is the model's own output, and a node for each tapped feature.
"""

from __future__ import annotations

from archdsl import backbones
from archdsl.backbones import LIBRARIES, Facts, Refused, Request
from archdsl.diagnostics import Poison
from archdsl.elaborate import foreign_messages, messages, model_messages
from archdsl.elaborate.expanding import Expander
from archdsl.elaborate.values import Scope
from archdsl.ir import Node, RegionKind, Tap
from archdsl.ir.naming import Names
from archdsl.operators.foreign import FOREIGN
from archdsl.operators.signature import Value
from archdsl.source import Span, Use
from archdsl.syntax import nodes

PATH = "backbone"
"""The region of the backbone, which is the model itself."""


class ForeignElaborator:
    """Elaborates one backbone from elsewhere."""

    def __init__(self, item: nodes.ForeignBackbone, expander: Expander, scope: Scope) -> None:
        self.item = item
        self.expander = expander
        self.problems = expander.problems
        self.scope = scope
        self.names = Names()
        self.places: dict[str, nodes.ForeignTap] = {}
        """The taps that are named, by module."""

    def elaborate(self, start: Node) -> Node | Poison:
        """Return the model's own output; the taps are noted."""
        taps = self.taps()
        keywords = self.keywords()
        model = self.model()
        if isinstance(taps, Poison) or isinstance(keywords, Poison) or isinstance(model, Poison):
            return Poison()
        chosen = None if taps is None else tuple(taps)
        request = Request(
            self.item.library.text, model, tuple(keywords.items()), start.shape, chosen
        )
        try:
            facts = backbones.inspect(request)
        except Refused as refused:
            place = self.place_of(refused)
            return self.problems.add(foreign_messages.refused(request, refused, place))
        return self.add(request, facts, start)

    # --- the clause

    def model(self) -> str | Poison:
        """Return the model's name."""
        library, arguments = self.item.library, self.item.arguments
        if library.text not in LIBRARIES:
            return self.problems.add(foreign_messages.unknown_library(library, LIBRARIES))
        given = [argument for argument in arguments if argument.name is None]
        if not given:
            return self.problems.add(foreign_messages.no_model(library))
        if len(given) > 1:
            return self.problems.add(foreign_messages.not_named(library.text, given[1].span))
        value = self.expander.evaluator.evaluate(given[0].value, self.scope)
        if isinstance(value, str | Poison):
            return value
        wanted = f'the name of a model, such as "{foreign_messages.EXAMPLE}"'
        return self.problems.add(
            messages.bad_argument(library.text, "model", wanted, value, given[0].span, None)
        )

    def keywords(self) -> dict[str, Value] | Poison:
        """Return the model's keywords."""
        values: dict[str, Value] = {}
        first: dict[str, nodes.Argument] = {}
        given = [argument.span for argument in self.item.arguments]
        sound = True
        for argument in self.item.arguments:
            if argument.name is None:
                continue
            name = argument.name.text
            if name in first:
                library = self.item.library.text
                self.problems.add(
                    messages.argument_twice(library, name, argument, first[name], given)
                )
                sound = False
            first.setdefault(name, argument)
            value = self.expander.evaluator.evaluate(argument.value, self.scope)
            if isinstance(value, Poison):
                sound = False
            else:
                values[name] = value
        return values if sound else Poison()

    def taps(self) -> list[str] | Poison | None:
        """Return the modules to tap, None for ``taps auto``."""
        automatic: nodes.ForeignTaps | None = None
        sound = True
        for tap in self.item.taps:
            if isinstance(tap, nodes.Error):
                sound = False  # reported by the parser
            elif isinstance(tap, nodes.ForeignTaps):
                if tap.word.text != "auto":
                    self.problems.add(foreign_messages.unknown_taps(tap.word))
                    sound = False
                automatic = tap
            elif tap.module.text in self.places:
                first = self.places[tap.module.text].module.span
                self.problems.add(foreign_messages.tapped_twice(tap.module, first))
                sound = False
            else:
                self.places[tap.module.text] = tap
        if automatic is not None and len(self.item.taps) > 1:
            other = next(t for t in self.item.taps if t is not automatic)
            self.problems.add(model_messages.item_twice("way to tap", other.span, automatic.span))
            return Poison()
        if not sound:
            return Poison()
        return None if automatic is not None else list(self.places)

    def place_of(self, refused: Refused) -> Span:
        """Return the place in the clause that a refusal is about."""
        if refused.subject in self.places:
            return self.places[refused.subject].module.span
        for argument in self.item.arguments:
            if argument.name is not None and argument.name.text == refused.subject:
                return argument.span
        taps = [tap for tap in self.item.taps if isinstance(tap, nodes.ForeignTaps)]
        if refused.fault in foreign_messages.OF_TAPS and taps:
            return taps[0].span
        if refused.fault in foreign_messages.OF_LIBRARY:
            return self.item.library.span
        given = [argument for argument in self.item.arguments if argument.name is None]
        return given[0].span

    # --- the network

    def add(self, request: Request, facts: Facts, start: Node) -> Node | Poison:
        """Add the model, its features and its taps to the draft."""
        use = Use(self.item.library.span, f"{request.library} {request.model}", PATH)
        arguments: dict[str, Value] = {
            "library": request.library,
            "model": request.model,
            "version": facts.version,
            "callee": facts.callee,
            "arguments": facts.arguments,
            "frozen": self.item.frozen,
            "forward": facts.forward,
            "shape": facts.shape,
            "stride": facts.stride,
            "params": facts.params,
            "buffers": facts.buffers,
            "macs": facts.macs,
            "convolutions": facts.convolutions,
            "following": facts.following,
        }
        draft, sections = self.expander.draft, self.expander.sections
        id = f"{PATH}.{self.names.allocate('model')}"
        model = draft.add(id, FOREIGN["foreign"], (start,), arguments, use)
        for feature in facts.features:
            tap = self.places.get(feature.path)
            place = tap.span if tap else self.item.taps[0].span
            path = tap.name.text if tap and tap.name else name_of(feature.path)
            if path in sections.tap_places:
                return self.problems.add(
                    messages.duplicate_name(path, place, sections.tap_places[path])
                )
            told = Use(place, f"tap {feature.path}", PATH)
            values: dict[str, Value] = {
                "path": feature.path,
                "variable": feature.variable,
                "shape": feature.shape,
                "stride": feature.stride,
                "convolutions": feature.convolutions,
                "late": feature.late,
                "macs": feature.macs,
            }
            id = f"{PATH}.{self.names.allocate(path.replace('.', '_'))}"
            node = draft.add(id, FOREIGN["feature"], (start,), values, told)
            sections.tap_places[path] = place
            sections.taps.append(Tap(path=path, node=node.id, block=PATH, stage=PATH))
            draft.origins[f"tap:{path}"] = told
        draft.add_region(
            PATH, RegionKind.BACKBONE, start, model, Use(self.item.keyword, PATH, PATH)
        )
        return model


def name_of(module: str) -> str:
    """Return what a tap is called that has no name: its module, without dots before numbers.

    >>> name_of("features.denseblock1"), name_of("features.3.conv")
    ('features.denseblock1', 'features_3.conv')
    """
    first, *rest = module.split(".")
    return first + "".join(f"_{part}" if part.isdecimal() else f".{part}" for part in rest)
