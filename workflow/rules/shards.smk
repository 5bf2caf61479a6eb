# Decoded frames and TV-L1 flow, one job a shard; then one index a dataset and kind.


rule decode_frames:
    input:
        index="work/{name}/index/{dataset}.csv",
        root=GENERATED_ROOT,
    output:
        shard="work/{name}/shards/{dataset}/rgb/{shard}.h5",
        ledger="work/{name}/shards/{dataset}/rgb/{shard}.csv",
    log:
        "logs/decode_frames/{name}/{dataset}/{shard}.log",
    benchmark:
        "logs/timings/decode_frames/{name}/{dataset}/{shard}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(600),
        runtime=growing(120),
    params:
        root=dataset_root,
        num_shards=num_shards,
        generator=mini_options(),
        settings=configuration.dump(CONFIG.frames),
        version=STAGE_VERSIONS["frames"],
    shell:
        "rev2net frames --index {input.index} --root {params.root:q} --shard {wildcards.shard}"
        " --num-shards {params.num_shards} --settings {params.settings:q}"
        " {output.shard} {output.ledger} > {log} 2>&1"


rule compute_flow:
    input:
        index="work/{name}/index/{dataset}.csv",
        root=GENERATED_ROOT,
    output:
        shard="work/{name}/shards/{dataset}/flow/{shard}.h5",
        ledger="work/{name}/shards/{dataset}/flow/{shard}.csv",
    log:
        "logs/compute_flow/{name}/{dataset}/{shard}.log",
    benchmark:
        "logs/timings/compute_flow/{name}/{dataset}/{shard}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(800),
        runtime=growing(720),
    params:
        root=dataset_root,
        num_shards=num_shards,
        generator=mini_options(),
        settings=configuration.dump(experiments.flow_shard_settings(CONFIG)),
        version=STAGE_VERSIONS["flow"],
    shell:
        "rev2net flow --index {input.index} --root {params.root:q} --shard {wildcards.shard}"
        " --num-shards {params.num_shards} --settings {params.settings:q}"
        " {output.shard} {output.ledger} > {log} 2>&1"


rule merge_shards:
    input:
        shards=dataset_shards,
        ledgers=dataset_ledgers,
        index="work/{name}/index/{dataset}.csv",
    output:
        rgb="work/{name}/shards/{dataset}/rgb.index",
        flow="work/{name}/shards/{dataset}/flow.index",
        ledger=ensure("work/{name}/shards/{dataset}/ledger.csv", non_empty=True),
    log:
        "logs/merge_shards/{name}/{dataset}.log",
    benchmark:
        "logs/timings/merge_shards/{name}/{dataset}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        settings=dataset_settings,
        folder=subpath(output.ledger, parent=True),
        version=STAGE_VERSIONS["merge"],
    shell:
        "rev2net merge {wildcards.dataset} --folder {params.folder:q} --index {input.index}"
        " --settings {params.settings:q} > {log} 2>&1"
