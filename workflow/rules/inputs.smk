# The functions that find a rule's inputs, parameters and resources.


def growing(first):
    """A resource that a repeated attempt gets more of: n times `first` the n-th time."""
    return lambda wildcards, attempt: first * attempt


def dataset_name(wildcards):
    """The dataset whose data are made."""
    return DATASETS[wildcards.data]


def num_shards(wildcards):
    return CONFIG.datasets[dataset_name(wildcards)].shards


def dataset_root(wildcards):
    """The folder of a dataset."""
    return experiments.dataset_root(dataset_name(wildcards), CONFIG)


def dataset_settings(wildcards):
    """What the list of a dataset's videos depends on."""
    return configuration.dump(CONFIG.datasets[dataset_name(wildcards)].as_folder())


def archive_settings(wildcards):
    """The same with where its folder comes from."""
    return configuration.dump(CONFIG.datasets[dataset_name(wildcards)].undemanding())


def unusable_demand(wildcards):
    """How many of a dataset's videos may be unusable, as an option."""
    return (
        f"--max-unusable {CONFIG.datasets[dataset_name(wildcards)].allowed_unusable:g}"
    )


def dataset_demands(wildcards):
    """What a dataset's folder must fulfil: options that decide nothing of what is made of it."""
    official = CONFIG.datasets[dataset_name(wildcards)].official
    return f"{unusable_demand(wildcards)}{' --official' * official}"


def dataset_archives(wildcards):
    """The archives that a dataset is unpacked from, or the record of their download."""
    dataset = dataset_name(wildcards)
    settings = CONFIG.datasets[dataset]
    return DATA[dataset].download if settings.download else list(settings.archives)


def own_lists(wildcards):
    """The lists that a dataset of one's own is read from: edited ones are read again."""
    settings = CONFIG.datasets[dataset_name(wildcards)]
    files = (settings.lists, settings.classes) if settings.format == "list" else ()
    paths = [Path(settings.root, file) for file in files if file]
    # Of a folder the lists in it: what else comes into it is none of them.
    return [
        file
        for path in paths
        for file in (lists_inside(path) if path.is_dir() else [path])
    ]


def extraction_record(wildcards):
    """What was unpacked into the dataset's folder; nothing where it is taken as it is.

    A folder that another configuration had unpacked stays one that was.
    """
    dataset = dataset_name(wildcards)
    record = DATA[dataset].extraction
    return record if CONFIG.datasets[dataset].unpacked or record.exists() else []


def kind_of_images(wildcards):
    return wildcards.images.partition("-")[0]


def all_shards(wildcards):
    """Every shard of a dataset and kind, and its part of the ledger."""
    folder = IMAGES[dataset_name(wildcards), kind_of_images(wildcards)]
    numbers = range(num_shards(wildcards))
    return [
        path(number)
        for path in (folder.shard, folder.ledger_part)
        for number in numbers
    ]


@functools.cache
def benchmark_kinds(benchmark):
    """The kinds of images that a video must be ok in to count for a benchmark."""
    return needs.kinds_needed(benchmark, CONFIG)


def split_sources(wildcards):
    """What a split is made of: option of its command, dataset, file."""
    datasets = experiments.benchmark_datasets(wildcards.benchmark, CONFIG)
    kinds = benchmark_kinds(wildcards.benchmark)
    return [
        *(("index", dataset, DATA[dataset].index) for dataset in datasets),
        *(
            ("ledger", dataset, IMAGES[dataset, kind].ledger)
            for dataset in datasets
            for kind in kinds
        ),
    ]


def unusable_options(wildcards):
    """How many videos of each dataset of a benchmark may be unusable."""
    return " ".join(
        f"--max-unusable {dataset}={CONFIG.datasets[dataset].allowed_unusable:g}"
        for dataset in experiments.benchmark_datasets(wildcards.benchmark, CONFIG)
    )


def run_sources(wildcards):
    """The shards that a run reads: option of its command, dataset, index."""
    return sources_of(asked(wildcards))


@functools.cache
def sources_of(run):
    """The same of a run, which is asked for its inputs and for its parameters."""
    kinds = experiments.run_kinds(run, CONFIG)
    if lacking := set(kinds) - set(benchmark_kinds(run.benchmark)):
        raise UserError(
            f"run {run.path} reads {', '.join(sorted(lacking))}, which no table of configuration "
            f"{CONFIG.name!r} reads on {run.benchmark}: its videos would be others than those of "
            f"the tables; add a row for {run.method}.{run.input} to one of them"
        )
    return [
        (kind, dataset, IMAGES[dataset, kind].index)
        for kind in kinds
        for dataset in experiments.benchmark_datasets(run.benchmark, CONFIG)
    ]


def files_of(sources):
    """An input function: the files of sources."""
    return lambda wildcards: [path for _, _, path in sources(wildcards)]


def options_of(sources):
    """A function of the wildcards: sources as options, `--option dataset=path`."""

    def words(wildcards):
        return " ".join(
            f"--{word} {name}={path}" for word, name, path in sources(wildcards)
        )

    return words


def asked(wildcards):
    """The run that the wildcards name."""
    return checked_run(wildcards.get("run") or wildcards.fused)


@functools.cache
def checked_run(path):
    """The run of a path, whose words the configuration knows."""
    run = Run.parse(path)
    experiments.check_run(run, CONFIG)
    return run


def run_data(wildcards):
    """The split of a run (for a point of the search, another) and its datasets' shards."""
    run = asked(wildcards)
    split = HERE.held_out if wildcards.get("point") else HERE.split
    split = split(run.benchmark, run.split)
    return {
        "split": split,
        "summary": split.with_suffix(".json"),
        "images": files_of(run_sources)(wildcards),
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
    """What a training depends on; what changes no number comes to it as a resource."""
    settings = experiments.train_settings(asked(wildcards), CONFIG)
    return configuration.dump(settings.of_numbers)


def checkpoint_every(wildcards):
    return experiments.recipe_of(asked(wildcards), CONFIG).optimisation.checkpoint_every


def evaluate_settings(wildcards):
    """How a run is scored; a point of the search sees no test video."""
    settings = experiments.evaluate_settings(asked(wildcards), CONFIG).of_numbers
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
            needed = needs.scores_needed(target or wildcards.table, CONFIG)
        except UserError as error:
            others = "other results: claims.csv, fusion.csv, schedules.csv, search.csv, report.html"
            raise UserError(f"{error}; {others}")
        return [HERE.run(run).scores(part) for run, part in needed]

    return files


def all_tables(wildcards):
    """What is made where nothing is asked for: every table."""
    return [f"results/{table}.csv" for table in paper.default_tables(CONFIG)]


def report_files(wildcards):
    """What the report reads of every training, beside the scores of the tables."""
    trainings = {stream for run in paper.all_runs(CONFIG) for stream, _ in run.streams}
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


def searched_point(wildcards):
    """The point of the search that the wildcards name."""
    point = WorkFolder(Path()).point(wildcards.run, wildcards.point)
    return search.find_point(str(point.path), CONFIG)


def point_settings(wildcards):
    """What the training of a point depends on; of a fine one, with factors for values."""
    settings = search.point_settings(searched_point(wildcards), CONFIG)
    return configuration.dump(settings.of_numbers)


def searched_keys(wildcards):
    """The settings of a fine point that are factors; nothing of a coarse one."""
    point = searched_point(wildcards)
    return [key for key, _ in point.values] if point.stage == "fine" else []


def benchmark_settings(wildcards):
    return configuration.dump(experiments.split_settings(wildcards.benchmark, CONFIG))


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
    settings = schedules.measured_settings(asked(wildcards), CONFIG)
    return configuration.dump(settings.of_numbers)


def measured_options(wildcards):
    """The shards, and how often is measured: the command of a training has one place for both."""
    return (
        f"{options_of(run_sources)(wildcards)} --measurements {CONFIG.schedules.points}"
    )


def held_out_curves(wildcards):
    """The records of every training that is measured."""
    folders = [HERE.measured(run.path) for run in schedules.measured_runs(CONFIG)]
    return [path for folder in folders for path in (folder.record, folder.held_out)]
