"""The typed, closed configuration: every key has a type, an unknown key is an error with a hint.

A configuration file is complete in itself (`config.yaml`, `configs/*.yaml`). Each stage of the
pipeline gets only its own section, as JSON: `parse_settings(FlowShardSettings, text)`.
"""

from rev2net.config.data import (
    BenchmarkName,
    BenchmarkSettings,
    CrossDataset,
    DatasetName,
    DatasetSettings,
    DownloadSource,
    FlowSettings,
    FlowShardSettings,
    FramesSettings,
    MiniSettings,
    WithinDataset,
)
from rev2net.config.recipe import (
    ClipSettings,
    LossSettings,
    NetworkSettings,
    OptimisationSettings,
    RateMultipliers,
    Recipe,
    TestSettings,
    WeightsSource,
)
from rev2net.config.section import (
    Fraction,
    Positive,
    Section,
    digest,
    dump,
    parse_settings,
    validate,
)
from rev2net.config.whole import (
    ComputeSettings,
    Config,
    CrossDatasetTables,
    EvaluateSettings,
    ResourceSettings,
    SearchSettings,
    SearchSpace,
    TrainSettings,
    WithinDatasetTables,
    load,
)

__all__ = [
    "BenchmarkName",
    "BenchmarkSettings",
    "ClipSettings",
    "ComputeSettings",
    "Config",
    "CrossDataset",
    "CrossDatasetTables",
    "DatasetName",
    "DatasetSettings",
    "DownloadSource",
    "EvaluateSettings",
    "FlowSettings",
    "FlowShardSettings",
    "Fraction",
    "FramesSettings",
    "LossSettings",
    "MiniSettings",
    "NetworkSettings",
    "OptimisationSettings",
    "Positive",
    "RateMultipliers",
    "Recipe",
    "ResourceSettings",
    "SearchSettings",
    "SearchSpace",
    "Section",
    "TestSettings",
    "TrainSettings",
    "WeightsSource",
    "WithinDataset",
    "WithinDatasetTables",
    "digest",
    "dump",
    "load",
    "parse_settings",
    "validate",
]
