# The functions that find a rule's inputs, parameters and resources.


def growing(first):
    """A resource that a repeated attempt gets more of: n times `first` the n-th time."""
    return lambda wildcards, attempt: first * attempt


def of_dataset(key):
    """A function of the wildcards: what the configuration says of their dataset."""
    return lambda wildcards: getattr(CONFIG.datasets[wildcards.dataset], key)


def dataset_root(wildcards):
    """The folder of a dataset."""
    return experiments.dataset_root(wildcards.dataset, CONFIG)


def dataset_settings(wildcards):
    """A dataset's section without where its folder comes from."""
    return configuration.dump(CONFIG.datasets[wildcards.dataset].as_folder())


def archive_settings(wildcards):
    return configuration.dump(CONFIG.datasets[wildcards.dataset])


def dataset_archives(wildcards):
    """The archives that a dataset is unpacked from, or the record of their download."""
    settings = CONFIG.datasets[wildcards.dataset]
    if settings.download:
        return HERE.download(wildcards.dataset)
    return list(settings.archives)


def extraction_record(wildcards):
    """What was unpacked into the dataset's folder; nothing where it is taken as it is."""
    unpacked = CONFIG.datasets[wildcards.dataset].unpacked
    return HERE.extraction(wildcards.dataset) if unpacked else []


def all_shards(wildcards):
    """Every shard of a dataset and its part of the ledger, both kinds."""
    folder = HERE.shards(wildcards.dataset)
    numbers = range(CONFIG.datasets[wildcards.dataset].shards)
    return [
        path(kind, number)
        for path in (folder.shard, folder.ledger_part)
        for kind in ("rgb", "flow")
        for number in numbers
    ]


def asked(wildcards):
    """The run that the wildcards name."""
    run = Run.parse(wildcards.get("run") or wildcards.fused)
    experiments.check_run(run, CONFIG)
    return run


def of_datasets(pattern, option=None):
    """A function of the wildcards: `pattern` for each dataset of their benchmark.

    With an `option` it is words of a command line: `option dataset=path`.
    """

    def found(wildcards):
        benchmark = wildcards.get("benchmark") or asked(wildcards).benchmark
        paths = {
            dataset: str(pattern).format(name=CONFIG.name, dataset=dataset)
            for dataset in experiments.benchmark_datasets(benchmark, CONFIG)
        }
        if option is None:
            return list(paths.values())
        return " ".join(f"{option} {dataset}={path}" for dataset, path in paths.items())

    return found


def run_data(wildcards):
    """The split of a run (for a point of the search, another) and its datasets' shards."""
    run = asked(wildcards)
    split = HERE.held_out if wildcards.get("point") else HERE.split
    split = split(run.benchmark, run.split)
    return {
        "split": split,
        "summary": split.with_suffix(".json"),
        "rgb": of_datasets(SHARDS.index("rgb"))(wildcards),
        "flow": of_datasets(SHARDS.index("flow"))(wildcards),
    }


def initial_weights(wildcards):
    """The checkpoint that a run starts from; nothing for most."""
    run = asked(wildcards)
    source = experiments.initial_weights(run, CONFIG)
    if source is None:
        return []
    # A file that nobody brings is an input too, so that it is missed before the first job. Its
    # digest is looked at by the training: how old it is says nothing.
    return source.file if experiments.parent(run, CONFIG) else ancient(source.file)


def train_settings(wildcards):
    return configuration.dump(experiments.train_settings(asked(wildcards), CONFIG))


def evaluate_settings(wildcards):
    """How a run is scored; a point of the search sees no test video."""
    settings = experiments.evaluate_settings(asked(wildcards), CONFIG)
    parts = {"parts": ("val",)} if wildcards.get("point") else {}
    return configuration.dump(settings.model_copy(update=parts))


def stream_scores(wildcards):
    """The scores of the streams that a fused row adds."""
    streams = asked(wildcards).streams
    return [HERE.run(stream).scores(wildcards.part) for stream, _ in streams]


def weighted_stream_scores(wildcards):
    """The same with the method's published weights, as `rev2net fuse` takes them."""
    weights = [weight for _, weight in asked(wildcards).streams]
    pairs = zip(stream_scores(wildcards), weights, strict=True)
    return [f"{path}:{weight:g}" for path, weight in pairs]


def scores_of(target=None):
    """An input function: what a target is made of; without one, the table of the wildcards.

    Of a table that is not there, those that are.
    """

    def files(wildcards):
        try:
            needed = paper.scores_needed(target or wildcards.table, CONFIG)
        except UserError as error:
            others = "other results: claims.csv, fusion.csv, schedules.csv, search.csv, report.html"
            raise UserError(f"{error}; {others}")
        return [HERE.run(run).scores(part) for run, part in needed]

    return files


def report_files(wildcards):
    """What the report reads of every training, beside the scores of the tables."""
    runs = [run for run, _ in paper.scores_needed("claims", CONFIG)]
    trainings = {stream for run in runs for stream, _ in run.streams}
    folders = [HERE.run(training) for training in sorted(trainings)]
    return [
        path
        for one in folders
        for path in (one.record, one.metrics, one.features, one.examples)
    ]


def point_scores(points):
    """The validation scores of points of the search."""
    return [HERE.point(one.run.path, one.name).scores("val") for one in points]


def coarse_scores(wildcards):
    """What settles a fine point: the coarse runs of its space; nothing for a coarse one."""
    return point_scores(search.settled_by(asked(wildcards), wildcards.point, CONFIG))


def search_scores(wildcards):
    """The validation scores of every point of the search."""
    return point_scores(search.points(CONFIG))


def point_path(wildcards):
    """The folder of a search's point, relative to `work/<name>`."""
    return str(WorkFolder(Path()).point(wildcards.run, wildcards.point).path)


def benchmark_settings(wildcards):
    return configuration.dump(CONFIG.benchmarks[wildcards.benchmark])


def class_map_file(wildcards):
    """A class map of one's own, which a split depends on; nothing for a shipped one."""
    return experiments.class_map_file(wildcards.benchmark, CONFIG) or []


def class_columns(wildcards):
    """The columns of a class map that are not named like their datasets, as options."""
    columns = experiments.class_columns(wildcards.benchmark, CONFIG)
    return [f"--column={d}={column}" for d, column in columns.items() if d != column]


def held_out_settings(wildcards):
    """A benchmark with validation videos held out of its training list."""
    return configuration.dump(search.held_out(wildcards.benchmark, CONFIG))


def settled_settings(wildcards, input):
    """The file with the settings of a search's point."""
    return input.settings


def of_weights(key):
    """A function of the wildcards: what the configuration says of a checkpoint to download."""
    return lambda wildcards: getattr(WEIGHTS_TO_DOWNLOAD[wildcards.weights], key)


def weights_mirror(wildcards):
    """The option with the second address of a checkpoint, where there is one."""
    mirror = WEIGHTS_TO_DOWNLOAD[wildcards.weights].mirror
    return ["--mirror", mirror] if mirror else []


def held_out_source_settings(wildcards):
    """A pair of datasets with groups of its source's training list held out."""
    return configuration.dump(schedules.held_out(wildcards.benchmark, CONFIG))


def measured_data(wildcards):
    """What a run reads, with the split that its length is measured on."""
    run = asked(wildcards)
    split = HERE.held_out_source(run.benchmark, run.split)
    return {
        **run_data(wildcards),
        "split": split,
        "summary": split.with_suffix(".json"),
    }


def measured_settings(wildcards):
    """A run at its recipe's own length, whatever was found of it since."""
    return configuration.dump(schedules.measured_settings(asked(wildcards), CONFIG))


def measured_options(wildcards):
    """The shards, and how often is measured: the command of a training has one place for both."""
    shards = of_datasets(SHARDS.path, option="--shards")(wildcards)
    return f"{shards} --measurements {CONFIG.schedules.points}"


def held_out_curves(wildcards):
    """The records of every training that is measured."""
    folders = [HERE.measured(run.path) for run in schedules.measured_runs(CONFIG)]
    return [path for folder in folders for path in (folder.record, folder.held_out)]
