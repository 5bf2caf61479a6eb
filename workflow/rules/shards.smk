# Decoded frames and TV-L1 flow, one job a shard; then one index a dataset and kind.


rule decode_frames:
    """Decode the videos of one shard."""
    input:
        index=WORK.index("{dataset}"),
        root=GENERATED_ROOT,
    output:
        shard=SHARDS.shard("rgb", "{shard}"),
        ledger=SHARDS.ledger_part("rgb", "{shard}"),
    log:
        "logs/decode_frames/{name}/{dataset}/{shard}.log",
    benchmark:
        "logs/timings/decode_frames/{name}/{dataset}/{shard}.jsonl"
    threads: 1
    resources:
        mem_mb=growing(600),
        runtime=growing(120),
    params:
        root=dataset_root,
        num_shards=of_dataset("shards"),
        generator=MINI_OPTIONS,
        settings=configuration.dump(CONFIG.frames),
        version=STAGE_VERSIONS["frames"],
    message:
        "Decoding shard {wildcards.shard} of {wildcards.dataset}: {output.shard}"
    shell:
        "rev2net stage frames --index {input.index} --root {params.root:q} --shard {wildcards.shard}"
        " --num-shards {params.num_shards} --settings {params.settings:q}"
        " {output.shard} {output.ledger} > {log} 2>&1"


rule compute_flow:
    """Compute the flow of the videos of one shard."""
    input:
        index=WORK.index("{dataset}"),
        root=GENERATED_ROOT,
    output:
        shard=SHARDS.shard("flow", "{shard}"),
        ledger=SHARDS.ledger_part("flow", "{shard}"),
    log:
        "logs/compute_flow/{name}/{dataset}/{shard}.log",
    benchmark:
        "logs/timings/compute_flow/{name}/{dataset}/{shard}.jsonl"
    threads: 1
    resources:
        mem_mb=growing(800),
        runtime=growing(720),
    params:
        root=dataset_root,
        num_shards=of_dataset("shards"),
        generator=MINI_OPTIONS,
        settings=configuration.dump(experiments.flow_shard_settings(CONFIG)),
        version=STAGE_VERSIONS["flow"],
    message:
        "Computing flow of shard {wildcards.shard} of {wildcards.dataset}: {output.shard}"
    shell:
        "rev2net stage flow --index {input.index} --root {params.root:q} --shard {wildcards.shard}"
        " --num-shards {params.num_shards} --settings {params.settings:q}"
        " {output.shard} {output.ledger} > {log} 2>&1"


rule merge_shards:
    """Write an index of all shards a kind, and one ledger; stop where too many videos are unusable."""
    input:
        shards=all_shards,
        index=WORK.index("{dataset}"),
    output:
        rgb=SHARDS.index("rgb"),
        flow=SHARDS.index("flow"),
        ledger=ensure(SHARDS.ledger, non_empty=True),
    log:
        "logs/merge_shards/{name}/{dataset}.log",
    benchmark:
        "logs/timings/merge_shards/{name}/{dataset}.jsonl"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        settings=dataset_settings,
        folder=subpath(output.ledger, parent=True),
        version=STAGE_VERSIONS["merge"],
    message:
        "Merging the shards of {wildcards.dataset}: {output.ledger}"
    shell:
        "rev2net stage merge {wildcards.dataset} --folder {params.folder:q} --index {input.index}"
        " --settings {params.settings:q} > {log} 2>&1"
