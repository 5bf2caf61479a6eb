# The synthetic benchmark: videos on disk as the datasets publish theirs.

if CONFIG.mini:
    # The generator's settings as `rev2net stage mini` takes them.
    MINI_OPTIONS = (
        f"--classes {CONFIG.mini.classes} --groups {CONFIG.mini.groups}"
        f" --clips {CONFIG.mini.clips} --frames {CONFIG.mini.frames[0]} {CONFIG.mini.frames[1]}"
        f" --height {CONFIG.mini.height} --seed {CONFIG.mini.seed}"
    )

    rule generate_mini:
        """Write the videos of one dataset."""
        output:
            directory(DATASET.videos),
        log:
            "logs/generate_mini/{data}.log",
        benchmark:
            "logs/timings/generate_mini/{data}.jsonl"
        threads: 1
        resources:
            mem_mb=growing(600),
            runtime=growing(30),
        params:
            dataset=dataset_name,
            options=MINI_OPTIONS,
            version=STAGE_VERSIONS["mini"],
        message:
            "Generating {params.dataset}: {output}"
        shell:
            "rev2net stage mini {output} --dataset {params.dataset} {params.options}"
            " > {log} 2>&1"
