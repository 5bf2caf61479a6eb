# Tables from scores, the paper's and the configuration's own: seconds, no GPU.


rule resolve_config:
    """Write down the configuration that everything below its folder is made with."""
    output:
        WORK.config,
    log:
        "logs/resolve_config/{name}.log",
    localrule: True
    params:
        config=configuration.dump_as_written(CONFIG),
    message:
        "Writing the configuration: {output}"
    shell:
        "printf '%s\\n' {params.config:q} > {output} 2> {log}"


rule build_table:
    """Write one table as CSV, Markdown and LaTeX."""
    input:
        scores=scores_of(),
        config=WORK.config,
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
    threads: 1
    resources:
        mem_mb=growing(600),
        runtime=growing(10),
    params:
        root=subpath(input.config, parent=True),
        version=STAGE_VERSIONS["table"],
    message:
        "Building {wildcards.table}: {output.csv}"
    shell:
        "rev2net stage table {wildcards.table} --config {input.config} --root {params.root:q}"
        " --out {output.csv} > {log} 2>&1"


rule test_claims:
    """Test claims on the scores of the rows that they compare."""
    input:
        scores=scores_of("claims"),
        config=WORK.config,
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
    threads: 1
    resources:
        mem_mb=growing(600),
        runtime=growing(10),
    params:
        root=subpath(input.config, parent=True),
        version=STAGE_VERSIONS["table"],
    message:
        "Testing the claims: {output}"
    shell:
        "rev2net stage claims --config {input.config} --root {params.root:q} --out {output}"
        " > {log} 2>&1"


rule sweep_fusion:
    """Write how two-stream rows depend on the weight of flow."""
    input:
        scores=scores_of("fusion"),
        config=WORK.config,
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
    threads: 1
    resources:
        mem_mb=growing(600),
        runtime=growing(10),
    params:
        root=subpath(input.config, parent=True),
        version=STAGE_VERSIONS["table"],
    message:
        "Sweeping the weight of flow: {output}"
    shell:
        "rev2net stage sweep --config {input.config} --root {params.root:q} --out {output}"
        " > {log} 2>&1"


rule write_report:
    """Write one page of tables, claims, figures and provenance."""
    input:
        report_files,
        tables=expand(
            "results/{{name}}/{table}.csv", table=paper.configured_tables(CONFIG)
        ),
        claims="results/{name}/claims.csv",
        fusion="results/{name}/fusion.csv",
        search="results/{name}/search.csv" if CONFIG.search else [],
        schedules="results/{name}/schedules.csv" if CONFIG.schedules else [],
        ledgers=[
            IMAGES[images].ledger
            for images in needs.images_needed(CONFIG.benchmarks, CONFIG)
        ],
        config=WORK.config,
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
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        root=subpath(input.config, parent=True),
        results=subpath(input.claims, parent=True),
        version=STAGE_VERSIONS["table"],
    message:
        "Writing the report: {output}"
    shell:
        "rev2net stage report {output} --config {input.config} --root {params.root:q}"
        " --results {params.results:q} > {log} 2>&1"


rule publish_table:
    """Copy a table of this configuration to where the last one made is looked for."""
    input:
        multiext(f"results/{CONFIG.name}/{{table}}", ".csv", ".md", ".tex"),
    output:
        multiext("results/{table}", ".csv", ".md", ".tex"),
    log:
        "logs/publish_table/{table}.log",
    localrule: True
    message:
        "Publishing {wildcards.table}: {output}"
    shell:
        "cp {input} results/ 2> {log}"


rule publish_result:
    """The same of what is no table."""
    input:
        f"results/{CONFIG.name}/{{file}}",
    output:
        "results/{file}",
    log:
        "logs/publish_result/{file}.log",
    localrule: True
    message:
        "Publishing {output}"
    shell:
        "cp {input} {output} 2> {log}"
