"""The typed, closed configuration: every key has a type, an unknown key is an error with a hint.

A configuration file is complete in itself (`config.yaml`, `configs/*.yaml`). Each stage of the
pipeline gets only its own section, as JSON: `parse_settings(FlowShardSettings, text)`.
"""

from rev2net.config.data import (
    Benchmark,
    BenchmarkSettings,
    CrossDataset,
    DatasetFormat,
    DatasetSettings,
    DownloadSource,
    FlowSettings,
    FlowShardSettings,
    FramesSettings,
    MiniSettings,
    Name,
    WithinDataset,
)
from rev2net.config.methods import METHODS, Method, MethodSettings
from rev2net.config.own_tables import ClaimSettings, TableRow, TableSettings
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
    dump_as_written,
    parse_settings,
    validate,
)
from rev2net.config.whole import (
    ComputeSettings,
    Config,
    CrossDatasetTables,
    EvaluateSettings,
    ResourceSettings,
    ScheduleLength,
    ScheduleSettings,
    SearchSettings,
    SearchSpace,
    TrainSettings,
    WithinDatasetTables,
    load,
    run_digest,
)
