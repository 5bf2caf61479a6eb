# How long cross-dataset trainings need to be: measured on source videos held out by groups.


if CONFIG.schedules:

    use rule split_benchmark as hold_out_source with:
        output:
            split=ensure(SOURCE_HELD_OUT, non_empty=True),
            summary=ensure(SOURCE_HELD_OUT.with_suffix(".json"), non_empty=True),
        log:
            "logs/hold_out_source/{name}/{benchmark}/split{split}.log",
        benchmark:
            "logs/timings/hold_out_source/{name}/{benchmark}/split{split}.jsonl"
        params:
            indexes=of_datasets(WORK.index("{dataset}"), option="--index"),
            ledgers=of_datasets(SHARDS.ledger, option="--ledger"),
            columns=class_columns,
            settings=held_out_source_settings,
            version=STAGE_VERSIONS["splits"],
        message:
            "Holding source videos out of {wildcards.benchmark}: {output.split}"

    use rule train_run as train_schedule with:
        input:
            unpack(measured_data),
            parent=initial_weights,
        output:
            checkpoint=MEASURED.checkpoint,
            record=MEASURED.record,
            metrics=MEASURED.metrics,
            held_out=MEASURED.held_out,
        log:
            "logs/train_schedule/{name}/{run}.log",
        benchmark:
            "logs/timings/train_schedule/{name}/{run}.jsonl"
        params:
            folder=subpath(output.checkpoint, parent=True),
            shards=measured_options,
            settings=measured_settings,
            version=STAGE_VERSIONS["train"],
        message:
            "Measuring the length of {wildcards.run}"

    rule collect_schedules:
        """Write the accuracy after each part of every training measured, and the lengths chosen."""
        input:
            curves=held_out_curves,
            config=WORK.config,
        output:
            table=report(
                "results/{name}/schedules.csv",
                caption="../report/schedules.rst",
                category="Weights",
            ),
            recipes="results/{name}/schedules.yaml",
        log:
            "logs/collect_schedules/{name}.log",
        benchmark:
            "logs/timings/collect_schedules/{name}.jsonl"
        localrule: True
        threads: 1
        resources:
            mem_mb=growing(500),
            runtime=growing(10),
        params:
            root=subpath(input.config, parent=True),
            version=STAGE_VERSIONS["schedules"],
        message:
            "Collecting the lengths: {output.table}"
        shell:
            "rev2net stage schedules --config {input.config} --root {params.root:q}"
            " --out {output.table} > {log} 2>&1"
