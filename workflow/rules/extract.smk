# Archives into a dataset's folder, where the configuration names some or asks for a download.


if any(settings.download for settings in CONFIG.datasets.values()):

    rule download_dataset:
        output:
            "work/{name}/downloads/{dataset}.json",
        log:
            "logs/download_dataset/{name}/{dataset}.log",
        benchmark:
            "logs/timings/download_dataset/{name}/{dataset}.jsonl"
        localrule: True  # the nodes of a cluster often have no network
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        resources:
            mem_mb=growing(500),
            runtime=growing(720),
        params:
            settings=archive_settings,
        shell:
            "rev2net download {wildcards.dataset} --settings {params.settings:q}"
            " --record {output} > {log} 2>&1"


if any(settings.unpacked for settings in CONFIG.datasets.values()):

    rule extract_dataset:
        input:
            dataset_archives,
        output:
            ensure("work/{name}/extract/{dataset}.json", non_empty=True),
        log:
            "logs/extract_dataset/{name}/{dataset}.log",
        benchmark:
            "logs/timings/extract_dataset/{name}/{dataset}.jsonl"
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(240),
        params:
            settings=archive_settings,
        shell:
            "rev2net extract {wildcards.dataset} --settings {params.settings:q}"
            " --record {output} > {log} 2>&1"
