# Training, evaluation and two-stream fusion of the runs that the tables need.

THREADS = CONFIG.compute.threads + CONFIG.compute.loader_workers  # of one process


rule train_run:
    """Train one network, or go on where an interrupted training stopped."""
    input:
        unpack(run_data),
        parent=initial_weights,
    output:
        checkpoint=RUN.checkpoint,
        record=RUN.record,
        metrics=RUN.metrics,
    log:
        "logs/train_run/{name}/{run}.log",
    benchmark:
        "logs/timings/train_run/{name}/{run}.jsonl"
    threads: CONFIG.compute.processes * THREADS
    resources:
        gpu=CONFIG.resources.gpus,
        nodes=1,  # several GPUs are of one machine
        mem_mb=growing(CONFIG.resources.memory_mb),
        runtime=CONFIG.resources.minutes,  # an attempt goes on where the last one ended
        # No parameters: other numbers retrain nothing.
        workers=CONFIG.compute.loader_workers,
        checkpoint_every=checkpoint_every,
        log_every=CONFIG.log_every,
    params:
        folder=subpath(output.checkpoint, parent=True),
        shards=options_of(run_sources),
        settings=train_settings,
        version=STAGE_VERSIONS["train"],
    message:
        "Training {wildcards.run}"
    shell:
        "rev2net stage train {params.folder:q} --split {input.split} {params.shards}"
        " --workers {resources.workers} --minutes {resources.runtime}"
        " --checkpoint-every {resources.checkpoint_every} --log-every {resources.log_every}"
        " --settings {params.settings:q} > {log} 2>&1"


rule evaluate_run:
    """Score the test and validation videos of a trained network."""
    input:
        unpack(run_data),
        checkpoint=RUN.checkpoint,
    output:
        test=RUN.scores("test"),
        val=RUN.scores("val"),
        features=RUN.features,
        examples=RUN.examples,
    log:
        "logs/evaluate_run/{name}/{run}.log",
    benchmark:
        "logs/timings/evaluate_run/{name}/{run}.jsonl"
    threads: THREADS
    resources:
        gpu=min(CONFIG.resources.gpus, 1),
        mem_mb=growing(CONFIG.resources.memory_mb),
        runtime=growing(CONFIG.resources.minutes),
        workers=CONFIG.compute.loader_workers,
    params:
        folder=subpath(output.test, parent=True),
        shards=options_of(run_sources),
        settings=evaluate_settings,
        version=STAGE_VERSIONS["evaluate"],
    message:
        "Scoring {wildcards.run}"
    shell:
        "rev2net stage evaluate {params.folder:q} --split {input.split} {params.shards}"
        " --workers {resources.workers} --settings {params.settings:q} > {log} 2>&1"


rule fuse_streams:
    """Add the scores of the networks behind a two-stream row."""
    input:
        stream_scores,
    output:
        FUSED.scores("{part}"),
    log:
        "logs/fuse_streams/{name}/{fused}-{part}.log",
    benchmark:
        "logs/timings/fuse_streams/{name}/{fused}-{part}.jsonl"
    localrule: True
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(10),
    params:
        streams=weighted_stream_scores,
        version=STAGE_VERSIONS["fuse"],
    message:
        "Fusing {wildcards.fused}, {wildcards.part} videos"
    shell:
        "rev2net stage fuse {output} {params.streams:q} > {log} 2>&1"
