# The synthetic benchmark: videos on disk as the datasets publish theirs.


if CONFIG.mini:

    rule generate_mini:
        output:
            directory("work/{name}/datasets/{dataset}"),
        log:
            "logs/generate_mini/{name}/{dataset}.log",
        benchmark:
            "logs/timings/generate_mini/{name}/{dataset}.jsonl"
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        resources:
            mem_mb=growing(600),
            runtime=growing(30),
        params:
            root=subpath(output[0], parent=True),
            options=mini_options(),
            version=STAGE_VERSIONS["mini"],
        shell:
            "rev2net mini {params.root} --dataset {wildcards.dataset} {params.options}"
            " > {log} 2>&1"
