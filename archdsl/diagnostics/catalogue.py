"""Every code of the product: a slug that names the bad thing, and a title. No code ever goes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Raised(StrEnum):
    """Where a code comes from: by reading a spec, by the call of a command, while training."""

    SPEC = "spec"
    CALL = "call"
    TRAINING = "training"


@dataclass(frozen=True, slots=True)
class Entry:
    """One code. Its page is ``docs/errors/CODE.md``."""

    code: str
    slug: str
    title: str
    raised: Raised = Raised.SPEC


_ENTRIES = (
    # The paper's rules.
    Entry("RA001", "shallow-block", "a tapped block holds fewer than 2 convolutions"),
    Entry("RA002", "crowded-stage", "a stage holds more than 2 blocks"),
    Entry("RA003", "late-tap", "a tap stands behind its stage's down-sampling"),
    Entry("RA004", "untapped-last-block", "the last block is not aggregated"),
    Entry("RA005", "coarse-tap", "a tap is coarser than the standard tensor S"),
    Entry("RA006", "no-mapping-node", "h w c = C has no solution in integers"),
    # Syntax.
    Entry("ARCH001", "unexpected-text", "something stands where it cannot"),
    Entry("ARCH002", "unbalanced-bracket", "a bracket without its partner"),
    Entry("ARCH003", "unreadable-text", "text that is no word, number or sign of the language"),
    Entry("ARCH004", "missing-edition", "the edition is missing, misplaced or unknown"),
    Entry("ARCH006", "chained-comparison", "a comparison of a comparison"),
    Entry("ARCH007", "not-utf8", "a file is not UTF-8 text"),
    # Names and arguments.
    Entry("ARCH101", "unknown-step", "a step that is neither an operator nor a def"),
    Entry("ARCH102", "unknown-name", "a name that stands for nothing here"),
    Entry("ARCH103", "unknown-argument", "an argument, setting or parameter that does not exist"),
    Entry("ARCH104", "missing-argument", "an argument without a default is not given"),
    Entry("ARCH105", "bad-argument", "a value that an argument cannot have"),
    Entry("ARCH106", "duplicate-name", "a name, item or argument that is already there"),
    Entry("ARCH107", "unused-parameter", "a parameter that changes nothing"),
    Entry("ARCH108", "dead-branch", "something is computed and never used"),
    Entry("ARCH109", "missing-file", "a file or library that cannot be read"),
    Entry("ARCH110", "missing-export", "a name that the imported file does not declare"),
    Entry("ARCH111", "import-cycle", "files that import each other"),
    Entry("ARCH112", "extra-argument", "more arguments than there are parameters"),
    Entry("ARCH113", "misused-value", "a value where a step is wanted, or a step as a value"),
    Entry("ARCH114", "bad-value", "a compile-time expression that has no value"),
    Entry("ARCH115", "missing-input", "a step that nothing flows into"),
    Entry("ARCH116", "missing-out", "a body with bindings that does not bind out"),
    Entry("ARCH118", "misplaced-part", "a stage, block, tap or allow where it cannot stand"),
    Entry("ARCH119", "unused-import", "an import that nothing needs"),
    Entry("ARCH120", "missing-model", "the file does not have the model", Raised.CALL),
    Entry("ARCH121", "circular-extends", "something that extends itself"),
    Entry("ARCH122", "incomplete-model", "a model without input or backbone"),
    Entry("ARCH123", "unused-constant", "a let that changes nothing"),
    Entry("ARCH130", "unused-allowance", "an allowance that silences nothing"),
    Entry("ARCH131", "bad-allowance", "an allowance of no rule, or without a reason"),
    Entry("ARCH132", "unknown-code", "a code that is not in this list", Raised.CALL),
    Entry("ARCH133", "unused-option", "an option that would change nothing", Raised.CALL),
    Entry("ARCH134", "unknown-operator", "an operator that does not exist", Raised.CALL),
    Entry("ARCH140", "empty-variants", "variants that vary nothing"),
    Entry("ARCH141", "missing-variants", "the file does not have the variants", Raised.CALL),
    Entry("ARCH190", "future-feature", "part of edition 1 that this version cannot compile yet"),
    # Shapes.
    Entry("ARCH201", "wrong-rank", "a vector for a feature map, or the other way round"),
    Entry("ARCH202", "concat-size-mismatch", "inputs of concat differ in size"),
    Entry("ARCH203", "join-shape-mismatch", "inputs of add or mul differ in shape"),
    Entry("ARCH204", "window-too-large", "a window larger than its input"),
    Entry("ARCH205", "uneven-groups", "groups that do not divide the channels"),
    Entry("ARCH206", "even-kernel", "padding = same with an even kernel"),
    Entry("ARCH207", "mixed-resolution", "blocks of one stage that differ in resolution"),
    Entry("ARCH208", "channel-loss", "pad_channels to fewer channels than there are"),
    Entry("ARCH209", "lonely-join", "a join of fewer than two tensors"),
    Entry("ARCH210", "open-fork", "a fork whose branches are not joined"),
    Entry("ARCH211", "slice-out-of-range", "a slice or part that the channels do not hold"),
    Entry("ARCH212", "lone-value", "a normalisation of single values"),
    Entry("ARCH213", "border-too-wide", "a border wider than the input can give"),
    # Aggregation.
    Entry("ARCH301", "blockless-tap", "a tap with no block before it"),
    Entry("ARCH302", "unknown-tap", "a path that names no tap"),
    Entry("ARCH303", "missing-tap", "an aggregator without taps"),
    Entry("ARCH304", "wrong-vector-length", "a mapping by hand that ends in the wrong length"),
    Entry("ARCH305", "unknown-setting", "a readout or normalization that does not exist"),
    Entry("ARCH306", "unused-mapping", "a mapping for which there is no tap"),
    Entry("ARCH307", "unknown-aggregator", "an aggregator that does not exist"),
    Entry("ARCH308", "hidden-size-mismatch", "a mapping node whose size is not that of S"),
    Entry("ARCH309", "linear-mapping", "a mapping node without a nonlinearity"),
    Entry("ARCH310", "unread-operator", "an operator whose value nothing reads"),
    # Contracts.
    Entry("ARCH401", "broken-contract", "an expect that does not hold"),
    Entry("ARCH402", "bad-contract", "an expect that compares nothing that can be measured"),
    Entry("ARCH403", "unknown-part", "an expect about a part that the network does not have"),
    # Backbones from elsewhere.
    Entry("ARCH501", "missing-library", "a backbone from a library that is not installed"),
    Entry("ARCH502", "unknown-backbone-library", "a backbone from neither torchvision nor timm"),
    Entry("ARCH503", "unknown-backbone", "a model that the library does not have"),
    Entry("ARCH504", "bad-backbone-argument", "a keyword or weights that the model does not have"),
    Entry("ARCH505", "unknown-backbone-module", "a tap of a module that the model does not have"),
    Entry("ARCH506", "mapless-tap", "a tap of something that is no feature map"),
    Entry("ARCH507", "underivable-taps", "taps auto for a model without feature maps"),
    Entry("ARCH508", "unfit-backbone-input", "an input that the model cannot take"),
    Entry("ARCH509", "unwritable-backbone", "taps that no straight-line code leads to"),
    # Recipes.
    Entry("ARCH601", "unknown-recipe", "a recipe that does not exist"),
    Entry("ARCH602", "bad-setting", "something that a recipe cannot set"),
    Entry("ARCH603", "unknown-dataset", "a data set that does not exist"),
    Entry("ARCH604", "image-shape-mismatch", "images that the model's input does not take"),
    Entry("ARCH605", "class-mismatch", "as many outputs as the data set has not classes"),
    Entry("ARCH606", "incomplete-recipe", "a recipe that leaves something open"),
    Entry("ARCH607", "missing-recipe", "the model names no recipe for the data", Raised.CALL),
    Entry("ARCH608", "device-unavailable", "a device that is not there", Raised.CALL),
    # Training.
    Entry("ARCH611", "data-missing", "the files of a data set are not there", Raised.TRAINING),
    Entry("ARCH612", "data-checksum", "a file that is not the official one", Raised.TRAINING),
    Entry("ARCH613", "data-damaged", "a file that is cut short or unreadable", Raised.TRAINING),
    Entry("ARCH614", "download-failed", "a data set could not be fetched", Raised.TRAINING),
    Entry("ARCH615", "run-folder-unwritable", "results cannot be written", Raised.TRAINING),
    Entry("ARCH616", "disk-full", "no space is left for results", Raised.TRAINING),
    Entry("ARCH617", "interrupted", "training was stopped by the user", Raised.TRAINING),
    Entry("ARCH618", "extra-missing", "packages for training are missing", Raised.TRAINING),
    Entry("ARCH619", "loss-not-finite", "the loss is no longer a number", Raised.TRAINING),
    Entry("ARCH620", "run-unreadable", "a folder that is not a run's", Raised.TRAINING),
    Entry("ARCH621", "run-finished", "a run with nothing left to do", Raised.TRAINING),
    Entry("ARCH622", "checkpoints-damaged", "no checkpoint of a run is whole", Raised.TRAINING),
    Entry("ARCH623", "run-mismatch", "a run to be continued with something else", Raised.TRAINING),
    Entry("ARCH624", "lock-mismatch", "a run that is not the recorded one", Raised.TRAINING),
    Entry("ARCH625", "run-in-use", "two processes for one run", Raised.TRAINING),
    Entry("ARCH626", "smoke-run", "a smoke run where a real one is meant", Raised.TRAINING),
    Entry("ARCH630", "engine-unavailable", "an engine that is not to be had", Raised.TRAINING),
    Entry("ARCH631", "precision-unavailable", "a precision that is emulated", Raised.TRAINING),
    Entry("ARCH632", "sync-unavailable", "bn = sync without a CUDA device", Raised.TRAINING),
    Entry(
        "ARCH633", "step-not-captured", "a step that no graph or compiler takes", Raised.TRAINING
    ),
    Entry("ARCH634", "rank-lost", "another process of the run is gone", Raised.TRAINING),
    Entry("ARCH635", "batch-too-small", "fewer images than processes", Raised.TRAINING),
    Entry("ARCH636", "snapshot-mismatch", "a snapshot of another run", Raised.TRAINING),
    Entry("ARCH637", "no-rendezvous", "the processes of a run do not meet", Raised.TRAINING),
    Entry(
        "ARCH638",
        "device-memory",
        "a run, or its evaluation, that a device has no memory for",
        Raised.TRAINING,
    ),
    # Recipes, once more.
    Entry("ARCH640", "unreached-epoch", "a schedule that training never comes to"),
    Entry("ARCH641", "misplaced-augmentation", "an augmentation behind which another stands"),
    Entry("ARCH642", "nothing-left", "an augmentation that blanks whole images"),
    Entry("ARCH643", "unknown-entry", "a word that no recipe knows", Raised.CALL),
    # Folders of images; evaluating and exporting runs.
    Entry("ARCH650", "folder-missing", "a folder of images is not there", Raised.TRAINING),
    Entry("ARCH651", "too-few-classes", "a folder of images with one class", Raised.TRAINING),
    Entry("ARCH652", "unfit-class", "a class without images, or another one", Raised.TRAINING),
    Entry("ARCH653", "image-unreadable", "images that cannot be read", Raised.TRAINING),
    Entry("ARCH654", "too-many-images", "more images than memory holds", Raised.TRAINING),
    Entry("ARCH655", "weights-missing", "a run without weights to use", Raised.TRAINING),
    Entry("ARCH656", "run-altered", "files of a run that are not as written", Raised.TRAINING),
    Entry("ARCH657", "other-data", "data that a run was not trained on", Raised.TRAINING),
    Entry("ARCH658", "inexact-export", "an export that computes other values", Raised.TRAINING),
    Entry("ARCH659", "export-failed", "a network that cannot be exported", Raised.TRAINING),
    # Many runs: sweeps, curves, the paper's tables.
    Entry("ARCH660", "runs-failed", "some runs of a sweep failed", Raised.TRAINING),
    Entry("ARCH661", "run-crashed", "an error that training does not foresee", Raised.TRAINING),
    Entry("ARCH662", "metrics-damaged", "a line of metrics that is unreadable", Raised.TRAINING),
    Entry("ARCH663", "bad-seeds", "seeds that are none", Raised.CALL),
    Entry("ARCH664", "ray-missing", "the package for clusters is missing", Raised.CALL),
    Entry("ARCH665", "no-cluster", "no cluster answers", Raised.CALL),
    Entry("ARCH666", "tensorboard-missing", "the package TensorBoard is missing", Raised.CALL),
    Entry("ARCH667", "unknown-network", "a network that the paper does not report", Raised.CALL),
    Entry("ARCH668", "nothing-measured", "runs without an epoch to draw", Raised.CALL),
    # Figures.
    Entry("ARCH701", "no-pen", "there is nothing to draw figures with", Raised.CALL),
    Entry("ARCH702", "graphviz-failed", "Graphviz fails, or takes too long", Raised.CALL),
    Entry("ARCH703", "too-large-page", "a page of more layers than anybody can use", Raised.CALL),
    Entry("ARCH710", "unknown-figure-format", "a file whose ending is no figure's", Raised.CALL),
    Entry("ARCH711", "unused-def", "a def to be drawn that the model does not use", Raised.CALL),
    # Watching.
    Entry("ARCH720", "port-in-use", "a port that another program serves already", Raised.CALL),
    Entry("ARCH721", "bad-port", "a port that this program may not open", Raised.CALL),
    # Limits.
    Entry("ARCH901", "too-many-operators", "a network of more than 200,000 operators"),
    Entry("ARCH902", "too-deep", "nesting deeper than 100 levels"),
    Entry("ARCH903", "too-many-files", "more than 1,000 files in one spec"),
    Entry("ARCH904", "too-long", "a file of more than 1,000,000 characters"),
    Entry("ARCH905", "outside-import", "an import that leaves the folder of the spec"),
    Entry("ARCH906", "long-name", "a name or a string that is longer than any that is meant"),
    Entry("ARCH907", "too-many-errors", "more than 200 errors in one spec"),
    Entry("ARCH908", "too-many-points", "variants of more than 1,000 points"),
    # The formatter.
    Entry("ARCH990", "unfaithful-format", "formatting would change more than form", Raised.CALL),
)

CATALOGUE: dict[str, Entry] = {entry.code: entry for entry in _ENTRIES}
"""Every code."""
