# The videos of a benchmark, part by part.


rule split_benchmark:
    """Write which usable video is in which part of a split, with counts and checks."""
    input:
        indexes=of_datasets(WORK.index("{dataset}")),
        ledgers=of_datasets(SHARDS.ledger),
        class_map=class_map_file,
    output:
        split=ensure(SPLIT, non_empty=True),
        summary=ensure(SPLIT.with_suffix(".json"), non_empty=True),
    log:
        "logs/split_benchmark/{name}/{benchmark}/split{split}.log",
    benchmark:
        "logs/timings/split_benchmark/{name}/{benchmark}/split{split}.jsonl"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        indexes=of_datasets(WORK.index("{dataset}"), option="--index"),
        ledgers=of_datasets(SHARDS.ledger, option="--ledger"),
        columns=class_columns,
        settings=benchmark_settings,
        version=STAGE_VERSIONS["splits"],
    message:
        "Splitting {wildcards.benchmark}: {output.split}"
    shell:
        "rev2net stage splits {wildcards.benchmark} --split {wildcards.split} {params.indexes}"
        " {params.ledgers} {params.columns:q} --settings {params.settings:q}"
        " {output.split} {output.summary}"
        " > {log} 2>&1"
