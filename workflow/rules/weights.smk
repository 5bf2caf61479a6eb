# Published checkpoints, where the configuration says from where to download them.


if WEIGHTS_TO_DOWNLOAD:

    rule download_weights:
        output:
            "{weights}",
        log:
            "logs/download_weights/{weights}.log",
        benchmark:
            "logs/timings/download_weights/{weights}.jsonl"
        wildcard_constraints:
            weights="|".join(re.escape(path) for path in WEIGHTS_TO_DOWNLOAD),
        localrule: True  # the nodes of a cluster often have no network
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        resources:
            mem_mb=growing(500),
            runtime=growing(60),
        params:
            url=lambda wildcards: WEIGHTS_TO_DOWNLOAD[wildcards.weights].url,
            mirror=weights_mirror,
            sha256=lambda wildcards: WEIGHTS_TO_DOWNLOAD[wildcards.weights].sha256,
        shell:
            "rev2net weights {output:q} --url {params.url:q} {params.mirror:q} --sha256 {params.sha256} > {log} 2>&1"
