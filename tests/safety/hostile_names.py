"""Names that mean something to Python, to torch, or to a module, and names that nearly collide."""

from __future__ import annotations

import builtins
import keyword

TORCH = ("torch", "nn", "F", "Tensor", "LSTM", "initialise", "math", "Sequential", "ModuleList")
MODULE = (
    "self super forward training parameters train eval modules state_dict load_state_dict children "
    "apply to half type add_module register_buffer buffers named_parameters zero_grad cuda cpu "
    "_modules _parameters _buffers _forward_hooks _backward_hooks _version dump_patches call_super_"
    "init T_destination __init__ __class__ __dict__ __call__ __getattr__ __setattr__ __slots__ "
    "__doc__ __module__ __name__ __file__ __builtins__ __import__ __annotations__ __debug__"
).split()
LOCALS = "x y x2 y2 image states outputs inputs module in_channels in_features count stride".split()
COLLIDING = (
    "conv conv2 conv_2 conv2_ conv_ _conv __conv xconv x_conv Conv CONV cOnV ConvBn conv_bn "
    "Conv_BN convBn a_b aB AB Ab A_B backbone head input map_s1 unit unit2 branch1 branch2 block "
    "stage tap out class_ lambda_ train_ x_ _ __ ___ _1 x1 main l I O l1 unknown "
    "aggregator lstm readout"
).split()
LONG = ("a" * 200, "A" * 200, "aB" * 100, "_" * 200, "a_" * 100, "x1" * 100)

HOSTILE = sorted(
    {
        *keyword.kwlist,
        *keyword.softkwlist,
        *(name for name in dir(builtins) if name.isidentifier()),
        *TORCH,
        *MODULE,
        *LOCALS,
        *COLLIDING,
        *LONG,
    }
)
