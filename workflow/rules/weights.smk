# Published checkpoints, where the configuration says from where to download them.

if WEIGHTS_TO_DOWNLOAD:

    rule download_weights:
        """Fetch a checkpoint and check its digest."""
        output:
            "{weights}",
        log:
            "logs/download_weights/{weights}.log",
        benchmark:
            "logs/timings/download_weights/{weights}.jsonl"
        wildcard_constraints:
            weights="|".join(re.escape(path) for path in WEIGHTS_TO_DOWNLOAD),
        localrule: True  # the nodes of a cluster often have no network
        threads: 1
        resources:
            mem_mb=growing(500),
            runtime=growing(60),
        params:
            url=of_weights("url"),
            mirror=weights_mirror,
            sha256=of_weights("sha256"),
        message:
            "Downloading {output}"
        shell:
            "rev2net stage weights {output:q} --url {params.url:q} {params.mirror:q} --sha256 {params.sha256} > {log} 2>&1"
