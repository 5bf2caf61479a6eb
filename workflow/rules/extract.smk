# Archives into a dataset's folder, where the configuration names some or asks for a download.


if any(settings.download for settings in CONFIG.datasets.values()):

    rule download_dataset:
        """Fetch a dataset's archives from its own site."""
        output:
            DATASET.download,
        log:
            "logs/download_dataset/{data}.log",
        benchmark:
            "logs/timings/download_dataset/{data}.jsonl"
        localrule: True  # the nodes of a cluster often have no network
        threads: 1
        resources:
            mem_mb=growing(500),
            runtime=growing(720),
        params:
            dataset=dataset_name,
            settings=archive_settings,
        message:
            "Downloading {params.dataset}: {output}"
        shell:
            "rev2net stage download {params.dataset} --settings {params.settings:q}"
            " --record {output} > {log} 2>&1"


UNPACKED = [name for name, settings in CONFIG.datasets.items() if settings.unpacked]

if UNPACKED:

    rule extract_dataset:
        """Unpack a dataset's archives and check what is there against its lists."""
        input:
            dataset_archives,
        output:
            ensure(DATASET.extraction, non_empty=True),
        log:
            "logs/extract_dataset/{data}.log",
        benchmark:
            "logs/timings/extract_dataset/{data}.jsonl"
        wildcard_constraints:
            data=any_of(DATA[name].path.name for name in UNPACKED),
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(240),
            demands=dataset_demands,  # no parameter: others unpack nothing again
        params:
            dataset=dataset_name,
            settings=archive_settings,
        message:
            "Unpacking {params.dataset}: {output}"
        shell:
            "rev2net stage extract {params.dataset} --settings {params.settings:q}"
            " {resources.demands} --record {output} > {log} 2>&1"
