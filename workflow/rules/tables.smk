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
    resources:
        mem_mb=100,
        runtime=10,
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
    resources:
        mem_mb=600,
        runtime=10,
    params:
        root=subpath(input.config, parent=True),
        version=STAGE_VERSIONS["table"],
    shell:
        "rev2net table {wildcards.table} --settings {input.config} --root {params.root:q}"
        " --out {output.csv} > {log} 2>&1"


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
    resources:
        mem_mb=100,
        runtime=10,
    shell:
        "cp {input} results/ 2> {log}"
