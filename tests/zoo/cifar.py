"""The CIFAR networks once more, written straight from their papers with torch alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn, relu


def conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)


class Residual(nn.Module):
    """He et al. 2016, Fig. 2; shortcuts of option A: zeros for the new channels."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv3x3(inputs, outputs, stride), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = conv3x3(outputs, outputs), nn.BatchNorm2d(outputs)
        self.stride, self.added = stride, outputs - inputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))
        shortcut = x[:, :, :: self.stride, :: self.stride]
        zeros = torch.zeros(x.shape[0], self.added, *shortcut.shape[2:], device=x.device)
        return relu(y + torch.cat([shortcut, zeros], 1))


def resnet56() -> nn.Module:
    """Section 4.2: 6n + 2 layers with n = 9, 16, 32 and 64 filters."""
    rows: list[nn.Module] = [conv3x3(3, 16), nn.BatchNorm2d(16), nn.ReLU()]
    inputs = 16
    for outputs in (16, 32, 64):
        for i in range(9):
            rows.append(Residual(inputs, outputs, 2 if i == 0 and outputs > 16 else 1))
            inputs = outputs
    return nn.Sequential(*rows, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class Wide(nn.Module):
    """Zagoruyko and Komodakis 2016, Fig. 1d without dropout: BN-ReLU-conv, twice."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv3x3(inputs, outputs, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(outputs), conv3x3(outputs, outputs)
        self.shortcut = None
        if inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        active = relu(self.bn1(x))
        y = self.conv2(relu(self.bn2(self.conv1(active))))
        return y + (x if self.shortcut is None else self.shortcut(active))


def wrn_28_10() -> nn.Module:
    """Table 1: 6n + 4 layers with n = 4, ten times 16, 32 and 64 filters."""
    rows: list[nn.Module] = [conv3x3(3, 16)]
    inputs = 16
    for outputs in (160, 320, 640):
        for i in range(4):
            rows.append(Wide(inputs, outputs, 2 if i == 0 and outputs > 160 else 1))
            inputs = outputs
    rows += [nn.BatchNorm2d(640), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*rows, nn.Linear(640, 10))


class Dense(nn.Module):
    """Huang et al. 2017, section 3: BN-ReLU-conv 1x1 to 4 k channels, BN-ReLU-conv 3x3 to k."""

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, 4 * growth, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(4 * growth), conv3x3(4 * growth, growth)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(relu(self.bn2(self.conv1(relu(self.bn1(x))))))
        return torch.cat([x, y], 1)


def densenet_bc_100_12() -> nn.Module:
    """Depth 100: three blocks of (100 - 4) / 6 layers, k = 12, 2 k channels first, half kept."""
    growth = 12
    channels = 2 * growth
    rows: list[nn.Module] = [conv3x3(3, channels)]
    for block in range(3):
        for _ in range(16):
            rows.append(Dense(channels, growth))
            channels += growth
        rows += [nn.BatchNorm2d(channels), nn.ReLU()]
        if block < 2:
            rows += [nn.Conv2d(channels, channels // 2, 1, bias=False), nn.AvgPool2d(2)]
            channels //= 2
    rows += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)]
    return nn.Sequential(*rows)
