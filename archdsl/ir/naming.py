"""Names of submodules: from names in a spec to attributes that a PyTorch module can have."""

from __future__ import annotations

import keyword
import re
from functools import lru_cache

# Attributes of nn.Module that a submodule must not hide. A test compares the list with torch.
MODULE_ATTRIBUTES = frozenset(
    """T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda
    double dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter
    get_submodule half ipu load_state_dict modules mtia named_buffers named_children named_modules
    named_parameters parameters register_backward_hook register_buffer register_forward_hook
    register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
    register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
    set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu
    zero_grad""".split()
)


def attribute(name: str) -> str:
    """Return a name as an attribute of a module; taken or reserved ones get an underscore.

    >>> attribute("class"), attribute("train"), attribute("conv")
    ('class_', 'train_', 'conv')
    """
    if keyword.iskeyword(name) or name in MODULE_ATTRIBUTES:
        return name + "_"
    return "x" + name if name.startswith("_") else name


@lru_cache(maxsize=10_000)
def snake_case(name: str) -> str:
    """Return a def's name as the name of a submodule.

    >>> snake_case("ConvBNReLU"), snake_case("Basic"), snake_case("SE")
    ('conv_bn_relu', 'basic', 'se')
    """
    words = re.sub(r"([A-Z])([a-z])LU", lambda m: f"{m[1]}{m[2]}lu", name)
    words = re.sub(r"(?<=[A-Z])([A-Z][a-z])", r"_\1", words)
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", words)
    return words.lower()


class Names:
    """The names given out within one region: the second ``conv`` is ``conv2``.

    The first has no number, so adding another renames nothing that is there already.
    """

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self._next: dict[str, int] = {}  # where to go on looking: a long row asks often

    def allocate(self, wanted: str) -> str:
        """Return ``wanted``, or ``wanted`` with the next free number."""
        name = attribute(wanted)
        number = self._next.get(wanted, 2)
        while name in self.taken:
            name = attribute(f"{wanted}{number}")
            number += 1
        self._next[wanted] = number
        self.taken.add(name)
        return name
