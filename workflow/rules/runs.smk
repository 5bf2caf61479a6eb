# Training, evaluation and two-stream fusion of the runs that the tables need.


rule train_run:
    input:
        parent=parent_checkpoint,
        split="work/{name}/splits/{benchmark}/split{split}.csv",
        summary="work/{name}/splits/{benchmark}/split{split}.json",
        rgb=benchmark_files("work/{name}/shards/{dataset}/rgb.index"),
        flow=benchmark_files("work/{name}/shards/{dataset}/flow.index"),
    output:
        checkpoint="work/{name}/runs/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/checkpoint.pt",
        record="work/{name}/runs/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/run.json",
        metrics="work/{name}/runs/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/metrics.jsonl",
    log:
        "logs/train_run/{name}/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}.log",
    benchmark:
        "logs/timings/train_run/{name}/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}.jsonl"
    conda:
        "../../envs/gpu.yaml" if CONFIG.resources.gpus else "../../envs/cpu.yaml"
    threads: training_threads()
    resources:
        gpu=CONFIG.resources.gpus,
        nodes=1,  # several GPUs are of one machine
        mem_mb=growing(CONFIG.resources.memory_mb),
        runtime=CONFIG.resources.minutes,  # an attempt goes on where the last one ended
    params:
        folder=subpath(output.checkpoint, parent=True),
        shards=benchmark_options("shards", "work/{name}/shards/{dataset}"),
        settings=train_settings,
        version=STAGE_VERSIONS["train"],
    shell:
        "rev2net train {params.folder:q} --split {input.split} {params.shards}"
        " --minutes {resources.runtime} --settings {params.settings:q} > {log} 2>&1"


rule evaluate_run:
    input:
        checkpoint="work/{name}/runs/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/checkpoint.pt",
        split="work/{name}/splits/{benchmark}/split{split}.csv",
        summary="work/{name}/splits/{benchmark}/split{split}.json",
        rgb=benchmark_files("work/{name}/shards/{dataset}/rgb.index"),
        flow=benchmark_files("work/{name}/shards/{dataset}/flow.index"),
    output:
        test="work/{name}/runs/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/scores-test.h5",
        val="work/{name}/runs/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/scores-val.h5",
        features="work/{name}/runs/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/features.h5",
        examples="work/{name}/runs/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}/examples.h5",
    log:
        "logs/evaluate_run/{name}/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}.log",
    benchmark:
        "logs/timings/evaluate_run/{name}/{benchmark}/{method}/{stream}.{init}.{adapt}/split{split}.seed{seed}.jsonl"
    conda:
        "../../envs/gpu.yaml" if CONFIG.resources.gpus else "../../envs/cpu.yaml"
    threads: CONFIG.compute.threads + CONFIG.compute.loader_workers
    resources:
        gpu=min(CONFIG.resources.gpus, 1),
        mem_mb=growing(CONFIG.resources.memory_mb),
        runtime=growing(CONFIG.resources.minutes),
    params:
        folder=subpath(output.test, parent=True),
        shards=benchmark_options("shards", "work/{name}/shards/{dataset}"),
        settings=evaluate_settings,
        version=STAGE_VERSIONS["evaluate"],
    shell:
        "rev2net evaluate {params.folder:q} --split {input.split} {params.shards}"
        " --settings {params.settings:q} > {log} 2>&1"


rule fuse_streams:
    input:
        stream_scores,
    output:
        "work/{name}/fused/{benchmark}/{method}/{fused}.{init}.{adapt}/split{split}.seed{seed}/scores-{part}.h5",
    log:
        "logs/fuse_streams/{name}/{benchmark}/{method}/{fused}.{init}.{adapt}/split{split}.seed{seed}-{part}.log",
    benchmark:
        "logs/timings/fuse_streams/{name}/{benchmark}/{method}/{fused}.{init}.{adapt}/split{split}.seed{seed}-{part}.jsonl"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(10),
    params:
        streams=weighted_stream_scores,
        version=STAGE_VERSIONS["fuse"],
    shell:
        "rev2net fuse {output} {params.streams:q} > {log} 2>&1"
