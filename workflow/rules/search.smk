# The coarse-to-fine search: trainings on a training list without its validation videos.


if CONFIG.search:

    use rule split_benchmark as hold_out_validation with:
        output:
            split=ensure(HELD_OUT, non_empty=True),
            summary=ensure(HELD_OUT.with_suffix(".json"), non_empty=True),
        log:
            "logs/hold_out_validation/{name}/{benchmark}/split{split}.log",
        benchmark:
            "logs/timings/hold_out_validation/{name}/{benchmark}/split{split}.jsonl"
        params:
            sources=options_of(split_sources),
            columns=class_columns,
            settings=held_out_settings,
            version=STAGE_VERSIONS["splits"],
        message:
            "Holding validation videos out of {wildcards.benchmark}: {output.split}"

    rule settle_search_point:
        """Write the settings of a training; those of a fine one depend on the coarse ones."""
        input:
            coarse_scores,
        output:
            POINT.settings,
        log:
            "logs/settle_search_point/{name}/{run}/{point}.log",
        benchmark:
            "logs/timings/settle_search_point/{name}/{run}/{point}.jsonl"
        localrule: True
        threads: 1
        resources:
            mem_mb=growing(500),
            runtime=growing(10),
        params:
            settings=point_settings,
            factors=searched_keys,
            version=STAGE_VERSIONS["search"],
        message:
            "Settling {wildcards.point} of {wildcards.run}"
        shell:
            "rev2net stage search point {output} --settings {params.settings:q}"
            " --fine {params.factors} --coarse {input} > {log} 2>&1"

    use rule train_run as train_search_point with:
        input:
            unpack(run_data),
            parent=initial_weights,
            settings=POINT.settings,
        output:
            checkpoint=POINT.checkpoint,
            record=POINT.record,
            metrics=POINT.metrics,
        log:
            "logs/train_search_point/{name}/{run}/{point}.log",
        benchmark:
            "logs/timings/train_search_point/{name}/{run}/{point}.jsonl"
        params:
            folder=subpath(output.checkpoint, parent=True),
            shards=options_of(run_sources),
            settings=settled_settings,
            version=STAGE_VERSIONS["train"],
        message:
            "Training {wildcards.point} of {wildcards.run}"

    use rule evaluate_run as evaluate_search_point with:
        input:
            unpack(run_data),
            checkpoint=POINT.checkpoint,
        output:
            val=POINT.scores("val"),
        log:
            "logs/evaluate_search_point/{name}/{run}/{point}.log",
        benchmark:
            "logs/timings/evaluate_search_point/{name}/{run}/{point}.jsonl"
        params:
            folder=subpath(output.val, parent=True),
            shards=options_of(run_sources),
            settings=evaluate_settings,
            version=STAGE_VERSIONS["evaluate"],
        message:
            "Scoring {wildcards.point} of {wildcards.run}"

    rule collect_search:
        """Write one row a training of the search, the choice marked, and the choice as recipes."""
        input:
            scores=search_scores,
            config=WORK.config,
        output:
            table=report(
                "results/{name}/search.csv",
                caption="../report/search.rst",
                category="Weights",
            ),
            recipes="results/{name}/search.yaml",
        log:
            "logs/collect_search/{name}.log",
        benchmark:
            "logs/timings/collect_search/{name}.jsonl"
        localrule: True
        threads: 1
        resources:
            mem_mb=growing(500),
            runtime=growing(10),
        params:
            root=subpath(input.config, parent=True),
            version=STAGE_VERSIONS["search"],
        message:
            "Collecting the search: {output.table}"
        shell:
            "rev2net stage search collect --config {input.config} --root {params.root:q}"
            " --out {output.table} > {log} 2>&1"
