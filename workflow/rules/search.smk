# The coarse-to-fine search: trainings on a training list without its validation videos.


if CONFIG.search:

    use rule split_benchmark as hold_out_validation with:
        output:
            split=ensure(
                "work/{name}/search/{benchmark}/split{split}.csv", non_empty=True
            ),
            summary=ensure(
                "work/{name}/search/{benchmark}/split{split}.json", non_empty=True
            ),
        log:
            "logs/hold_out_validation/{name}/{benchmark}/split{split}.log",
        benchmark:
            "logs/timings/hold_out_validation/{name}/{benchmark}/split{split}.jsonl"
        params:
            indexes=benchmark_options("index", "work/{name}/index/{dataset}.csv"),
            ledgers=benchmark_options(
                "ledger", "work/{name}/shards/{dataset}/ledger.csv"
            ),
            settings=held_out_settings,
            version=STAGE_VERSIONS["splits"],

    rule settle_search_point:
        input:
            coarse=coarse_scores,
            config="work/{name}/config.json",
        output:
            "work/{name}/search/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/{point}/settings.json",
        log:
            "logs/settle_search_point/{name}/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/{point}.log",
        benchmark:
            "logs/timings/settle_search_point/{name}/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/{point}.jsonl"
        localrule: True
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        resources:
            mem_mb=growing(500),
            runtime=growing(10),
        params:
            root=subpath(input.config, parent=True),
            point=search_folder,
            version=STAGE_VERSIONS["search"],
        shell:
            "rev2net search point {params.point:q} --settings {input.config}"
            " --root {params.root:q} > {log} 2>&1"

    use rule train_run as train_search_point with:
        input:
            parent=parent_checkpoint,
            settings="work/{name}/search/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/{point}/settings.json",
            split="work/{name}/search/{benchmark}/split{split}.csv",
            summary="work/{name}/search/{benchmark}/split{split}.json",
            rgb=benchmark_files("work/{name}/shards/{dataset}/rgb.index"),
            flow=benchmark_files("work/{name}/shards/{dataset}/flow.index"),
        output:
            checkpoint="work/{name}/search/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/{point}/checkpoint.pt",
            record="work/{name}/search/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/{point}/run.json",
            metrics="work/{name}/search/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/{point}/metrics.jsonl",
        log:
            "logs/train_search_point/{name}/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/{point}.log",
        benchmark:
            "logs/timings/train_search_point/{name}/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/{point}.jsonl"
        params:
            folder=subpath(output.checkpoint, parent=True),
            shards=benchmark_options("shards", "work/{name}/shards/{dataset}"),
            settings=settled_settings,
            version=STAGE_VERSIONS["train"],

    use rule evaluate_run as evaluate_search_point with:
        input:
            checkpoint="work/{name}/search/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/{point}/checkpoint.pt",
            split="work/{name}/search/{benchmark}/split{split}.csv",
            summary="work/{name}/search/{benchmark}/split{split}.json",
            rgb=benchmark_files("work/{name}/shards/{dataset}/rgb.index"),
            flow=benchmark_files("work/{name}/shards/{dataset}/flow.index"),
        output:
            val="work/{name}/search/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/{point}/scores-val.h5",
        log:
            "logs/evaluate_search_point/{name}/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/{point}.log",
        benchmark:
            "logs/timings/evaluate_search_point/{name}/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/{point}.jsonl"
        params:
            folder=subpath(output.val, parent=True),
            shards=benchmark_options("shards", "work/{name}/shards/{dataset}"),
            settings=validation_settings,
            version=STAGE_VERSIONS["evaluate"],

    rule collect_search:
        input:
            scores=search_scores,
            config="work/{name}/config.json",
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
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        resources:
            mem_mb=growing(500),
            runtime=growing(10),
        params:
            root=subpath(input.config, parent=True),
            version=STAGE_VERSIONS["search"],
        shell:
            "rev2net search collect --settings {input.config} --root {params.root:q}"
            " --out {output.table} > {log} 2>&1"
