# The index of a dataset: every video of its official lists.


rule index_dataset:
    input:
        root=GENERATED_ROOT,
        extracted=extraction_record,
    output:
        ensure("work/{name}/index/{dataset}.csv", non_empty=True),
    log:
        "logs/index_dataset/{name}/{dataset}.log",
    benchmark:
        "logs/timings/index_dataset/{name}/{dataset}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        root=dataset_root,
        settings=dataset_settings,
        version=STAGE_VERSIONS["index"],
    shell:
        "rev2net index {wildcards.dataset} --root {params.root:q}"
        " --settings {params.settings:q} {output} > {log} 2>&1"
