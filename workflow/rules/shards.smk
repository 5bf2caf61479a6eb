# Decoded frames and TV-L1 flow, one job a shard; then one index a dataset and kind.


rule decode_frames:
    """Decode the videos of one shard."""
    input:
        index=DATASET.index,
        generated=GENERATED,
    output:
        shard=SHARDS.shard("{shard}"),
        ledger=SHARDS.ledger_part("{shard}"),
    log:
        "logs/decode_frames/{data}/{images}/{shard}.log",
    benchmark:
        "logs/timings/decode_frames/{data}/{images}/{shard}.jsonl"
    wildcard_constraints:
        images=images_of("rgb"),
    threads: 1
    resources:
        mem_mb=growing(600),
        runtime=growing(120),
        time_limit=f"{CONFIG.frames.time_limit:g}",  # no parameter: another decodes nothing again
    params:
        dataset=dataset_name,
        root=dataset_root,
        num_shards=num_shards,
        settings=configuration.dump(experiments.stored_frames(CONFIG)),
        version=STAGE_VERSIONS["frames"],
    message:
        "Decoding shard {wildcards.shard} of {params.dataset}: {output.shard}"
    shell:
        "rev2net stage frames --dataset {params.dataset} --index {input.index}"
        " --root {params.root:q} --shard {wildcards.shard} --num-shards {params.num_shards}"
        " --settings {params.settings:q} --time-limit {resources.time_limit}"
        " {output.shard} {output.ledger} > {log} 2>&1"


rule compute_flow:
    """Compute the flow of the videos of one shard."""
    input:
        index=DATASET.index,
        generated=GENERATED,
    output:
        shard=SHARDS.shard("{shard}"),
        ledger=SHARDS.ledger_part("{shard}"),
    log:
        "logs/compute_flow/{data}/{images}/{shard}.log",
    benchmark:
        "logs/timings/compute_flow/{data}/{images}/{shard}.jsonl"
    wildcard_constraints:
        images=images_of("flow"),
    threads: 1
    resources:
        mem_mb=growing(800),
        runtime=growing(720),
        time_limit=f"{CONFIG.frames.time_limit:g}",
    params:
        dataset=dataset_name,
        root=dataset_root,
        num_shards=num_shards,
        settings=configuration.dump(experiments.flow_shard_settings(CONFIG)),
        version=STAGE_VERSIONS["flow"],
    message:
        "Computing flow of shard {wildcards.shard} of {params.dataset}: {output.shard}"
    shell:
        "rev2net stage flow --dataset {params.dataset} --index {input.index}"
        " --root {params.root:q} --shard {wildcards.shard} --num-shards {params.num_shards}"
        " --settings {params.settings:q} --time-limit {resources.time_limit}"
        " {output.shard} {output.ledger} > {log} 2>&1"


rule merge_shards:
    """Write an index and a ledger of all shards of a kind; stop where too many videos are unusable."""
    input:
        shards=all_shards,
        index=DATASET.index,
    output:
        index=SHARDS.index,
        ledger=ensure(SHARDS.ledger, non_empty=True),
    log:
        "logs/merge_shards/{data}/{images}.log",
    benchmark:
        "logs/timings/merge_shards/{data}/{images}.jsonl"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
        demands=unusable_demand,  # no parameter: another one merges nothing again
    params:
        dataset=dataset_name,
        kind=kind_of_images,
        num_shards=num_shards,
        folder=subpath(output.ledger, strip_suffix=".csv"),
        version=STAGE_VERSIONS["merge"],
    message:
        "Merging the {params.kind} shards of {params.dataset}: {output.index}"
    shell:
        "rev2net stage merge {params.dataset} --kind {params.kind} --index {input.index}"
        " --num-shards {params.num_shards} {resources.demands} {params.folder:q} > {log} 2>&1"
