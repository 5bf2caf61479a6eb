# The index of a dataset: every video of its official lists.


rule index_dataset:
    """List the videos of a dataset's official lists."""
    input:
        root=GENERATED_ROOT,
        extracted=extraction_record,
    output:
        ensure(WORK.index("{dataset}"), non_empty=True),
    log:
        "logs/index_dataset/{name}/{dataset}.log",
    benchmark:
        "logs/timings/index_dataset/{name}/{dataset}.jsonl"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        root=dataset_root,
        settings=dataset_settings,
        version=STAGE_VERSIONS["index"],
    message:
        "Listing {wildcards.dataset}: {output}"
    shell:
        "rev2net stage index {wildcards.dataset} --root {params.root:q}"
        " --settings {params.settings:q} {output} > {log} 2>&1"
