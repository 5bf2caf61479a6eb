# The videos of a benchmark, part by part.


rule split_benchmark:
    """Write which usable video is in which part of a split, with counts and checks."""
    input:
        files_of(split_sources),
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
        max_unusable=unusable_options,  # no parameter: others split nothing again
    params:
        sources=options_of(split_sources),
        columns=class_columns,
        settings=benchmark_settings,
        version=STAGE_VERSIONS["splits"],
    message:
        "Splitting {wildcards.benchmark}: {output.split}"
    shell:
        "rev2net stage splits {wildcards.benchmark} --split {wildcards.split} {params.sources}"
        " {params.columns:q} {resources.max_unusable} --settings {params.settings:q}"
        " {output.split} {output.summary}"
        " > {log} 2>&1"
