# The paper's tables from scores: seconds, no GPU.


rule resolve_config:
    output:
        "work/{name}/config.json",
    log:
        "logs/resolve_config/{name}.log",
    benchmark:
        "benchmarks/runs/resolve_config/{name}.jsonl"
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
        csv="results/{name}/{table}.csv",
        markdown="results/{name}/{table}.md",
        latex="results/{name}/{table}.tex",
    log:
        "logs/build_table/{name}/{table}.log",
    benchmark:
        "benchmarks/runs/build_table/{name}/{table}.jsonl"
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
        "results/{name}/claims.csv",
    log:
        "logs/test_claims/{name}.log",
    benchmark:
        "benchmarks/runs/test_claims/{name}.jsonl"
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
        "results/{name}/fusion.csv",
    log:
        "logs/sweep_fusion/{name}.log",
    benchmark:
        "benchmarks/runs/sweep_fusion/{name}.jsonl"
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


rule publish_table:
    input:
        multiext(f"results/{CONFIG.name}/{{table}}", ".csv", ".md", ".tex"),
    output:
        multiext("results/{table}", ".csv", ".md", ".tex"),
    log:
        "logs/publish_table/{table}.log",
    benchmark:
        "benchmarks/runs/publish_table/{table}.jsonl"
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
        "benchmarks/runs/publish_result/{file}.jsonl"
    localrule: True
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(100),
        runtime=growing(10),
    shell:
        "cp {input} {output} 2> {log}"
