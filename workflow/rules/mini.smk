# The synthetic benchmark: videos on disk as the datasets publish theirs.

# The generator's settings as `rev2net mini` takes them; empty for downloaded datasets.
MINI_OPTIONS = ""

if CONFIG.mini:
    MINI_OPTIONS = (
        f"--classes {CONFIG.mini.classes} --groups {CONFIG.mini.groups}"
        f" --clips {CONFIG.mini.clips} --frames {CONFIG.mini.frames[0]} {CONFIG.mini.frames[1]}"
        f" --height {CONFIG.mini.height} --seed {CONFIG.mini.seed}"
    )

    rule generate_mini:
        """Write the videos of one dataset."""
        output:
            directory(WORK.dataset("{dataset}")),
        log:
            "logs/generate_mini/{name}/{dataset}.log",
        benchmark:
            "logs/timings/generate_mini/{name}/{dataset}.jsonl"
        threads: 1
        resources:
            mem_mb=growing(600),
            runtime=growing(30),
        params:
            root=subpath(output[0], parent=True),
            options=MINI_OPTIONS,
            version=STAGE_VERSIONS["mini"],
        message:
            "Generating {wildcards.dataset}: {output}"
        shell:
            "rev2net stage mini {params.root} --dataset {wildcards.dataset} {params.options}"
            " > {log} 2>&1"
