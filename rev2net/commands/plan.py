"""Estimate what a configuration will cost before it starts: jobs, hours, disk, memory.

    rev2net plan                                             # config.yaml, all its tables
    rev2net plan --config configs/paper.yaml --targets table5 claims
    rev2net plan --config configs/paper.yaml --save-rates here.json
    rev2net plan --config configs/paper.yaml --rates cluster.json --cores 512 --gpus 8
    rev2net plan --config configs/paper.yaml --recipes       # each method's, beside the published

Takes a minute to measure this machine: decoding, encoding, TV-L1 flow, a step of the cheapest
network of each kind; with --rates nothing is measured. Everything else follows from the
configuration: its runs, the multiply-adds of their networks, published sizes of the datasets, what
folders and lists of one's own hold, or the indexes, ledgers and splits that are there already (run
it where the workflow runs). Shards that are there, whichever configuration had them made, cost
nothing. What was measured and what is assumed stands below the table. Hours are
those of all jobs together; core hours count every core that a job holds. Expect to be wrong by a
factor of two.
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, default=Path("config.yaml"), help="default %(default)s"
    )
    parser.add_argument(
        "--targets",
        nargs="+",
        metavar="NAME",
        help="tables by name, claims, fusion, schedules, search (default: every configured table)",
    )
    parser.add_argument("--cores", type=int, help="of the machine (default: those of this one)")
    parser.add_argument("--gpus", type=int, default=1, help="of the machine (default 1)")
    parser.add_argument("--rates", type=Path, metavar="FILE", help="measure nothing, take these")
    parser.add_argument("--save-rates", type=Path, metavar="FILE", help="keep what was measured")
    parser.add_argument("--recipes", action="store_true", help="a table of the recipes, no costs")
    parser.add_argument("--json", action="store_true", help="for programs: hours and bytes")


def run(args: argparse.Namespace) -> None:
    import json

    from rev2net import config as configuration
    from rev2net import experiments
    from rev2net.errors import refuse_below
    from rev2net.files import write_text
    from rev2net.paper.claims import claims
    from rev2net.paper.tables import default_tables
    from rev2net.plan.estimate import estimate, find_warnings
    from rev2net.plan.facts import benchmark_facts, dataset_facts
    from rev2net.plan.jobs import needed_jobs
    from rev2net.plan.rates import Rates, measure
    from rev2net.plan.recipes import recipe_table
    from rev2net.plan.text import as_report, as_values
    from rev2net.printing import print_report
    from rev2net.processes import num_cores
    from rev2net.progress import note

    refuse_below(args, cores=1, gpus=1)
    config, root = configuration.load(args.config), Path()
    experiments.check(config)
    claims(config)  # one about a row that there is not is missed before any time is spent
    if args.recipes:
        print(recipe_table(config, root), end="")
        return
    jobs = needed_jobs(args.targets or default_tables(config), config)
    for name in sorted({run.benchmark for run in jobs.trainings}):
        benchmark_facts(name, 1, config, root)  # what is wrong with the data, before measuring
    if args.rates is not None:
        rates = configuration.parse_settings(Rates, str(args.rates))
    else:
        facts = dataset_facts(jobs.datasets(config)[0], config, root)
        runs = jobs.trainings | {point.run for point in jobs.points}
        rates = measure(config, runs, facts, lambda line: note(f"measuring: {line}"))
    if args.save_rates is not None:
        write_text(args.save_rates, rates.model_dump_json(indent=1) + "\n")
    plan = estimate(jobs, config, rates, root)
    found = (plan, rates, config, find_warnings(plan, config, root))
    cores = args.cores or num_cores()
    if args.json:
        print(json.dumps(as_values(*found, cores, args.gpus), indent=1))
    else:
        print_report(as_report(*found, cores, args.gpus))
