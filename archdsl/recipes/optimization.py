"""Declarations of how the weights are changed: optimizers, schedules, warm-up."""

from __future__ import annotations

from archdsl.operators.signature import Boolean, Integers, Number, Parameter, Word
from archdsl.recipes.entry import Entry
from archdsl.recipes.kinds import Two

_DECAY = Parameter(
    "decay",
    Word(("all", "weights")),
    "what weight_decay is of: all parameters, or the kernels and matrices alone",
    "all",
    named=True,
)
_SHARE = "share of lr"

OPTIMIZERS = (
    Entry(
        "sgd",
        "optimizer",
        "stochastic gradient descent",
        (
            Parameter("lr", Number(0, above=True), "learning rate, before the schedule"),
            Parameter("momentum", Number(0, 1, below=True), "momentum", 0.0),
            Parameter("weight_decay", Number(0), "L2 penalty, added to the gradient", 0.0),
            Parameter("nesterov", Boolean(), "Nesterov's momentum", False),
            _DECAY,
        ),
        source="Sutskever et al. 2013; torch.optim.SGD",
        details="Weights, as decay means them, have two axes or more and are called so by their "
        "module: those of convolutions, linear and recurrent layers. Biases, and the scales and "
        "shifts of normalisations and of layers, are not. The paper says nothing of it; all is "
        "what its weight decay means in torch.",
    ),
    Entry(
        "adamw",
        "optimizer",
        "Adam with weight decay apart from the gradient",
        (
            Parameter("lr", Number(0, above=True), "learning rate, before the schedule", 1e-3),
            Parameter(
                "betas",
                Two(Number(0, 1, below=True)),
                "decay of the averages of the gradient and of its square",
                (0.9, 0.999),
                unit="per step",
            ),
            Parameter("eps", Number(0, above=True), "added to the denominator", 1e-8, named=True),
            Parameter("weight_decay", Number(0), "share of a parameter taken off, times lr", 1e-2),
            _DECAY,
        ),
        source="Loshchilov and Hutter 2019; torch.optim.AdamW",
    ),
)

SCHEDULES = (
    Entry(
        "constant",
        "schedule",
        "the learning rate stays as it is",
        source="torch.optim.lr_scheduler.ConstantLR with factor 1",
    ),
    Entry(
        "step",
        "schedule",
        "the learning rate is multiplied by factor at the start of each epoch in at (from 0)",
        (
            Parameter("at", Integers(1), "epochs, increasing", unit="epochs"),
            Parameter("factor", Number(0, above=True), "multiplier", 0.1),
        ),
        source="section IV.C of the paper; torch.optim.lr_scheduler.MultiStepLR",
        details="An epoch in at that a recipe never comes to is a warning (ARCH640).",
    ),
    Entry(
        "cosine",
        "schedule",
        "the learning rate falls along half a cosine, step by step, over the whole training",
        (Parameter("final", Number(0, 1), "where it ends", 0.0, unit=_SHARE),),
        source="Loshchilov and Hutter 2017, without restarts; "
        "torch.optim.lr_scheduler.CosineAnnealingLR, stepped at every step",
        details="Behind a warm-up it begins where that ends.",
    ),
    Entry(
        "one_cycle",
        "schedule",
        "the learning rate rises to lr and falls again, step by step, over the whole training",
        (
            Parameter("peak", Number(0, 1), "when it is lr", 0.3, unit="share of training"),
            Parameter("start", Number(0, 1), "where it begins", 0.04, unit=_SHARE),
            Parameter("final", Number(0, 1), "where it ends", 4e-6, unit=_SHARE),
            Parameter(
                "shape", Word(("cosine", "linear")), "how it rises and falls", "cosine", named=True
            ),
        ),
        source="Smith and Topin 2018; torch.optim.lr_scheduler.OneCycleLR with two phases, "
        "momentum left alone, stepped at every step",
    ),
)

WARMUPS = (
    Entry(
        "linear",
        "warmup",
        "the learning rate rises evenly, step by step, before the schedule",
        (
            Parameter("length", Number(0, above=True), "how long, in epochs or steps"),
            Parameter("unit", Word(("epochs", "steps")), "what length counts", "epochs"),
            Parameter(
                "start", Number(0, 1, above=True), "where it begins", 0.01, named=True, unit=_SHARE
            ),
        ),
        source="Goyal et al. 2017, section 2.2; torch.optim.lr_scheduler.LinearLR, followed by "
        "the schedule as in SequentialLR",
        details="cosine and one_cycle are over the steps behind the warm-up; the epochs of step "
        "are counted from the beginning, warm-up and all.",
    ),
)
