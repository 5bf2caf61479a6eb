# The paper's tables from scores: seconds, no GPU.


rule resolve_config:
    output:
        "work/{name}/config.json",
    log:
        "logs/resolve_config/{name}.log",
    benchmark:
        "logs/timings/resolve_config/{name}.jsonl"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(100),
        runtime=growing(10),
    params:
        config=configuration.dump(CONFIG),
    shell:
        "printf '%s\\n' {params.config:q} > {output} 2> {log}"


rule build_table:
    input:
        scores=table_scores,
        config="work/{name}/config.json",
    output:
        csv=report(
            "results/{name}/{table}.csv",
            caption="../report/table.rst",
            category="Tables",
        ),
        markdown="results/{name}/{table}.md",
        latex="results/{name}/{table}.tex",
    log:
        "logs/build_table/{name}/{table}.log",
    benchmark:
        "logs/timings/build_table/{name}/{table}.jsonl"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(600),
        runtime=growing(10),
    params:
        root=subpath(input.config, parent=True),
        version=STAGE_VERSIONS["table"],
    shell:
        "rev2net table {wildcards.table} --settings {input.config} --root {params.root:q}"
        " --out {output.csv} > {log} 2>&1"


rule test_claims:
    input:
        scores=all_scores,
        config="work/{name}/config.json",
    output:
        report(
            "results/{name}/claims.csv",
            caption="../report/claims.rst",
            category="Claims",
        ),
    log:
        "logs/test_claims/{name}.log",
    benchmark:
        "logs/timings/test_claims/{name}.jsonl"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(600),
        runtime=growing(10),
    params:
        root=subpath(input.config, parent=True),
        version=STAGE_VERSIONS["table"],
    shell:
        "rev2net claims --settings {input.config} --root {params.root:q} --out {output}"
        " > {log} 2>&1"


rule sweep_fusion:
    input:
        scores=validation_scores,
        config="work/{name}/config.json",
    output:
        report(
            "results/{name}/fusion.csv",
            caption="../report/fusion.rst",
            category="Weights",
        ),
    log:
        "logs/sweep_fusion/{name}.log",
    benchmark:
        "logs/timings/sweep_fusion/{name}.jsonl"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(600),
        runtime=growing(10),
    params:
        root=subpath(input.config, parent=True),
        version=STAGE_VERSIONS["table"],
    shell:
        "rev2net sweep --settings {input.config} --root {params.root:q} --out {output}"
        " > {log} 2>&1"


rule write_report:
    input:
        report_files,
        tables=expand(
            "results/{{name}}/{table}.csv", table=paper.configured_tables(CONFIG)
        ),
        claims="results/{name}/claims.csv",
        fusion="results/{name}/fusion.csv",
        search="results/{name}/search.csv" if CONFIG.search else [],
        schedules="results/{name}/schedules.csv" if CONFIG.schedules else [],
        ledgers=expand(
            "work/{{name}}/shards/{dataset}/ledger.csv", dataset=CONFIG.datasets
        ),
        config="work/{name}/config.json",
    output:
        report(
            "results/{name}/report.html",
            caption="../report/page.rst",
            category="Report",
        ),
    log:
        "logs/write_report/{name}.log",
    benchmark:
        "logs/timings/write_report/{name}.jsonl"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        root=subpath(input.config, parent=True),
        results=subpath(input.claims, parent=True),
        version=STAGE_VERSIONS["table"],
    shell:
        "rev2net report {output} --settings {input.config} --root {params.root:q}"
        " --results {params.results:q} > {log} 2>&1"


rule publish_table:
    input:
        multiext(f"results/{CONFIG.name}/{{table}}", ".csv", ".md", ".tex"),
    output:
        multiext("results/{table}", ".csv", ".md", ".tex"),
    log:
        "logs/publish_table/{table}.log",
    benchmark:
        "logs/timings/publish_table/{table}.jsonl"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(100),
        runtime=growing(10),
    shell:
        "cp {input} results/ 2> {log}"


rule publish_result:
    input:
        f"results/{CONFIG.name}/{{file}}",
    output:
        "results/{file}",
    log:
        "logs/publish_result/{file}.log",
    benchmark:
        "logs/timings/publish_result/{file}.jsonl"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(100),
        runtime=growing(10),
    shell:
        "cp {input} {output} 2> {log}"
