# Archives into a dataset's folder, where the configuration names some or asks for a download.


if any(settings.download for settings in CONFIG.datasets.values()):

    rule download_dataset:
        """Fetch a dataset's archives from its own site."""
        output:
            WORK.download("{dataset}"),
        log:
            "logs/download_dataset/{name}/{dataset}.log",
        benchmark:
            "logs/timings/download_dataset/{name}/{dataset}.jsonl"
        localrule: True  # the nodes of a cluster often have no network
        threads: 1
        resources:
            mem_mb=growing(500),
            runtime=growing(720),
        params:
            settings=archive_settings,
        message:
            "Downloading {wildcards.dataset}: {output}"
        shell:
            "rev2net stage download {wildcards.dataset} --settings {params.settings:q}"
            " --record {output} > {log} 2>&1"


if any(settings.unpacked for settings in CONFIG.datasets.values()):

    rule extract_dataset:
        """Unpack a dataset's archives and check what is there against its lists."""
        input:
            dataset_archives,
        output:
            ensure(WORK.extraction("{dataset}"), non_empty=True),
        log:
            "logs/extract_dataset/{name}/{dataset}.log",
        benchmark:
            "logs/timings/extract_dataset/{name}/{dataset}.jsonl"
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(240),
        params:
            settings=archive_settings,
        message:
            "Unpacking {wildcards.dataset}: {output}"
        shell:
            "rev2net stage extract {wildcards.dataset} --settings {params.settings:q}"
            " --record {output} > {log} 2>&1"
