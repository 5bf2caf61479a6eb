# The index of a dataset: every video of its lists or folder.


rule index_dataset:
    """List the videos of a dataset."""
    input:
        generated=GENERATED,
        extracted=extraction_record,
        lists=own_lists,
    output:
        ensure(DATASET.index, non_empty=True),
    log:
        "logs/index_dataset/{data}.log",
    benchmark:
        "logs/timings/index_dataset/{data}.jsonl"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
        demands=dataset_demands,  # no parameter: others list the same videos
    params:
        dataset=dataset_name,
        root=dataset_root,
        settings=dataset_settings,
        version=STAGE_VERSIONS["index"],
    message:
        "Listing {params.dataset}: {output}"
    shell:
        "rev2net stage index {params.dataset} --root {params.root:q}"
        " --settings {params.settings:q} {resources.demands} {output} > {log} 2>&1"
