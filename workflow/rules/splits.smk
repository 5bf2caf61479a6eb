# The videos of a benchmark, part by part.


rule split_benchmark:
    input:
        indexes=benchmark_files("work/{name}/index/{dataset}.csv"),
        ledgers=benchmark_files("work/{name}/shards/{dataset}/ledger.csv"),
    output:
        split=ensure("work/{name}/splits/{benchmark}/split{split}.csv", non_empty=True),
        summary=ensure(
            "work/{name}/splits/{benchmark}/split{split}.json", non_empty=True
        ),
    log:
        "logs/split_benchmark/{name}/{benchmark}/split{split}.log",
    benchmark:
        "logs/timings/split_benchmark/{name}/{benchmark}/split{split}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        indexes=benchmark_options("index", "work/{name}/index/{dataset}.csv"),
        ledgers=benchmark_options("ledger", "work/{name}/shards/{dataset}/ledger.csv"),
        settings=benchmark_settings,
        version=STAGE_VERSIONS["splits"],
    shell:
        "rev2net splits {wildcards.benchmark} --split {wildcards.split} {params.indexes}"
        " {params.ledgers} --settings {params.settings:q} {output.split} {output.summary}"
        " > {log} 2>&1"
