"""What every rule tells a scheduler, and what it leaves behind for a person to read."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from snakemake.api import SnakemakeApi
from snakemake.iocontainers import InputFiles, Wildcards
from snakemake.settings.types import ConfigSettings, OutputSettings, ResourceSettings

from tests.made_data import data_folder

ROOT = Path(__file__).resolve().parents[2]
# What only copies a file takes neither time nor memory, and its timing is of no use to anybody.
COPIES = {"resolve_config", "publish_table", "publish_result"}


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The rules of the workflow by name, read by Snakemake from the paper's configuration."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("rules"))  # Snakemake leaves a folder where it is
        with SnakemakeApi(OutputSettings()) as api:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=64),
                config_settings=ConfigSettings(configfiles=[ROOT / "configs/paper.yaml"]),
                snakefile=ROOT / "Snakefile",
            )
            found = {rule.name: rule for rule in workflow._workflow.rules}
        yield {name: rule for name, rule in found.items() if rule.output}


def resources(rule: Any, attempt: int) -> dict[str, Any]:
    data = data_folder(ROOT / "configs/paper.yaml", "ucf101").path.name
    run = "ucf101/tsn/rgb.imagenet.none/split1.seed0"
    wildcards = Wildcards(fromdict={"data": data, "benchmark": "ucf101", "run": run})
    return dict(rule.expand_resources(wildcards, InputFiles(), attempt).items())


def test_the_stages_are_there(rules: dict[str, Any]) -> None:
    assert {"index_dataset", "compute_flow", "train_run", "evaluate_run", "build_table"} <= set(
        rules
    )


def test_every_rule_states_what_it_needs_and_leaves() -> None:
    """Those included, that only some configurations have."""
    found = set()
    for file in (ROOT / "workflow/rules").glob("*.smk"):
        for rule in re.split(r"^ *rule ", file.read_text(), flags=re.MULTILINE)[1:]:
            found.add(name := rule.split(":")[0])
            assert re.match(rf'{name}:\n +"""', rule), name  # what it is for
            needed = ["log", "message"]
            if name not in COPIES:
                needed += ["threads", "resources", "benchmark"]
                assert re.search(r"^ +mem_mb=growing\(", rule, flags=re.MULTILINE), rule
                assert re.search(r"^ +runtime=", rule, flags=re.MULTILINE), rule
            for directive in needed:
                assert re.search(rf"^ +{directive}:", rule, flags=re.MULTILINE), (directive, rule)
    assert found >= COPIES


def test_a_repeated_job_gets_more_memory_and_more_time(rules: dict[str, Any]) -> None:
    for name, rule in rules.items():
        if name in COPIES:
            continue
        first, third = resources(rule, attempt=1), resources(rule, attempt=3)
        assert third["mem_mb"] == 3 * first["mem_mb"], name
        # A training goes on from its last saved state: its time need not grow.
        assert third["runtime"] == (1 if name.startswith("train_") else 3) * first["runtime"], name


def test_trainings_ask_for_a_gpu_of_one_machine_and_nothing_asks_beside_them(
    rules: dict[str, Any],
) -> None:
    asking = {name for name, rule in rules.items() if resources(rule, 1).get("gpu", 0) > 0}
    assert asking == {name for name in rules if name.startswith(("train_", "evaluate_"))}
    assert resources(rules["train_run"], 1)["nodes"] == 1
    # The spelling is Slurm's executor's; it silently ignores others.
    assert not any("gpus" in resources(rule, 1) for rule in rules.values())


def test_every_rule_logs_and_is_timed_under_its_own_name(rules: dict[str, Any]) -> None:
    for name, rule in rules.items():
        assert [str(log).split("/")[:2] for log in rule.log] == [["logs", name]], name
        timed = str(rule.benchmark).startswith(f"logs/timings/{name}/")
        assert timed or name in COPIES, name
        # One log a job: it varies with exactly the output's wildcards.
        assert set(rule.log[0].get_wildcard_names()) == set(rule.wildcard_names), name


def test_every_rule_has_the_environment_that_is_named_once(rules: dict[str, Any]) -> None:
    for name, rule in rules.items():
        assert Path(str(rule.conda_env)) == ROOT / "envs/environment.yaml", name
    text = "".join(file.read_text() for file in (ROOT / "workflow").rglob("*.smk"))
    assert "conda:" not in text


def test_retries_stand_in_profiles_only() -> None:
    """On Slurm, a rule's own retry would run in what is left of the first attempt's allocation."""
    for file in (ROOT / "workflow").rglob("*.smk"):
        assert not re.search(r"^ *retries:", file.read_text(), flags=re.MULTILINE), file.name
    for profile in (ROOT / "workflow/profiles").glob("*/profile.yaml"):
        assert re.search(r"^retries: [1-9]", profile.read_text(), flags=re.MULTILINE), profile


def test_what_takes_seconds_stays_on_the_machine_that_submits(rules: dict[str, Any]) -> None:
    local = next(iter(rules.values())).workflow._localrules
    assert {"fuse_streams", "build_table", "publish_table", "resolve_config"} <= local
    assert not {"compute_flow", "decode_frames", "train_run", "evaluate_run"} & local
