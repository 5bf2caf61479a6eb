# How long cross-dataset trainings need to be: measured on source videos held out by groups.


if CONFIG.schedules:

    use rule split_benchmark as hold_out_source with:
        output:
            split=ensure(
                "work/{name}/schedules/{benchmark}/split{split}.csv", non_empty=True
            ),
            summary=ensure(
                "work/{name}/schedules/{benchmark}/split{split}.json", non_empty=True
            ),
        log:
            "logs/hold_out_source/{name}/{benchmark}/split{split}.log",
        benchmark:
            "logs/timings/hold_out_source/{name}/{benchmark}/split{split}.jsonl"
        params:
            indexes=benchmark_options("index", "work/{name}/index/{dataset}.csv"),
            ledgers=benchmark_options(
                "ledger", "work/{name}/shards/{dataset}/ledger.csv"
            ),
            settings=held_out_source_settings,
            version=STAGE_VERSIONS["splits"],

    use rule train_run as train_schedule with:
        input:
            parent=parent_checkpoint,
            split="work/{name}/schedules/{benchmark}/split{split}.csv",
            summary="work/{name}/schedules/{benchmark}/split{split}.json",
            rgb=benchmark_files("work/{name}/shards/{dataset}/rgb.index"),
            flow=benchmark_files("work/{name}/shards/{dataset}/flow.index"),
        output:
            checkpoint="work/{name}/schedules/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/checkpoint.pt",
            record="work/{name}/schedules/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/run.json",
            metrics="work/{name}/schedules/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/metrics.jsonl",
            held_out="work/{name}/schedules/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/held-out.jsonl",
        log:
            "logs/train_schedule/{name}/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}.log",
        benchmark:
            "logs/timings/train_schedule/{name}/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}.jsonl"
        params:
            folder=subpath(output.checkpoint, parent=True),
            shards=measured_options,
            settings=measured_settings,
            version=STAGE_VERSIONS["train"],

    rule collect_schedules:
        input:
            curves=held_out_curves,
            config="work/{name}/config.json",
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
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        resources:
            mem_mb=growing(500),
            runtime=growing(10),
        params:
            root=subpath(input.config, parent=True),
            version=STAGE_VERSIONS["schedules"],
        shell:
            "rev2net schedules --settings {input.config} --root {params.root:q}"
            " --out {output.table} > {log} 2>&1"
