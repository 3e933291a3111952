"""Models of other libraries: a spec names them, and can make them do nothing else."""

from __future__ import annotations

from time import process_time

import pytest
from markdown_cases import check_text

pytest.importorskip("timm")
pytest.importorskip("torchvision")

MODEL = "arch 1\nmodel M {{ input [3, 224, 224]\nbackbone {}\nhead {{ linear(10) }} }}\n"


@pytest.mark.parametrize(
    ("backbone", "code", "message"),
    [
        ('timm("hf-hub:someone/model")', "ARCH503", "timm has no model `hf-hub:someone/model`"),
        ('timm("local-dir:/etc")', "ARCH503", "timm has no model"),
        ('torchvision("os.system")', "ARCH503", "torchvision has no model"),
        ('timm("resnet18", checkpoint_path = "/etc/passwd")', "ARCH504", "no keyword"),
        ('timm("resnet18", pretrained_cfg = "/etc/passwd")', "ARCH504", "no keyword"),
        ('timm("resnet18", cache_dir = "/tmp")', "ARCH504", "no keyword"),
        ('timm("resnet18", num_classes = 10G)', "", "at most 1,000,000"),
        ('timm("vit_tiny_patch16_224", depth = 900000)', "", "more than 20,000 modules"),
    ],
)
def test_what_a_library_must_not_do_is_refused(backbone: str, code: str, message: str) -> None:
    check_text(MODEL.format('timm("resnet18")'))  # the library is loaded
    started = process_time()
    (diagnostic,) = check_text(MODEL.format(backbone))
    assert process_time() - started < 20
    assert diagnostic.code.startswith(code or "ARCH50")
    assert message in " ".join([diagnostic.message, *diagnostic.notes, diagnostic.help or ""])
