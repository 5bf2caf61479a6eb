"""The tidy table holds hand-worked numbers, empty cells with reasons, and refuses mixed files."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from rev2net.config import Config, CrossDataset, digest
from rev2net.digests import seal
from rev2net.errors import UserError
from rev2net.runs.identity import Run
from rev2net.tables.build import COLUMNS, build

LABELS = [0, 1, 1, 2]  # v0 and v1 in one source group, v2 and v3 in another

# Worked by hand for the two seeds of `both_seeds`, five videos expected:
#                  seed 0      seed 1      mean    std             worse and better group
# top1             3 of 4      2 of 4      62.50   12.5 x sqrt 2   g1 (50 + 0) / 2, g0 100
# mean_class       100 100 0   100 50 0    58.33   8.33 x sqrt 2   g1 classes 50 and 0, g0 100
# top5             3 of 4      3 of 4      75.00   0               g1 50, g0 100
# top1_of_expected 3 of 5      2 of 5      50.00   10 x sqrt 2     4/5 of top1's
GOLDEN = """\
table5,I3D,i3d,rgb,scratch,mkmmd,hmdb-ucf,mini,top1,62.5,17.6777,25.0,100.0,2,1,56.4,,4,5,{same}
table5,I3D,i3d,rgb,scratch,mkmmd,hmdb-ucf,mini,mean_class,58.3333,11.7851,25.0,100.0,2,1,,,4,5,{same}
table5,I3D,i3d,rgb,scratch,mkmmd,hmdb-ucf,mini,top5,75.0,0.0,50.0,100.0,2,1,,,4,5,{same}
table5,I3D,i3d,rgb,scratch,mkmmd,hmdb-ucf,mini,top1_of_expected,50.0,14.1421,20.0,80.0,2,1,,,4,5,{same}
table5,I3D,i3d,rgb,scratch,mkmmd,hmdb-ucf,mini,top1_in_domain,87.5,17.6777,75.0,100.0,2,1,,,4,4,{same}
"""
PROVENANCE = (
    '"commit=abc1234;config={config};split=1d1d1d1d1d1d;class_map=ucf101_hmdb51:small:0123456789ab;checkpoint=0c0c0c0c0c0c,1c1c1c1c1c1c;'
    "runs=hmdb-ucf/i3d/rgb.scratch.mkmmd/split1.seed0,"
    'hmdb-ucf/i3d/rgb.scratch.mkmmd/split1.seed1"'
)


@pytest.fixture
def both_seeds(work: Any, i3d_rgb: Run) -> list[Path]:
    """The test and val scores of one cell, two seeds."""
    second = replace(i3d_rgb, seed=1)
    return [
        work.add(i3d_rgb, LABELS, [1, 1, 1, 6], videos_expected=5),
        work.add(second, LABELS, [1, 1, 2, 6], videos_expected=5),
        work.add(i3d_rgb, LABELS, [1, 1, 1, 1], part="val"),
        work.add(second, LABELS, [1, 1, 1, 2], part="val"),
    ]


def row_of(frame: pd.DataFrame, metric: str = "top1", **cell: str) -> Any:
    """The one row of the I3D RGB cell, or of another."""
    cell = {"method": "i3d", "input": "rgb", "benchmark": "hmdb-ucf", "metric": metric} | cell
    for column, value in cell.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1
    return frame.iloc[0]


@pytest.mark.usefixtures("both_seeds")
def test_hand_worked_cell_as_csv(work: Any, config: Config) -> None:
    frame = build("table5", config, work.root)
    measured = frame[frame["measured"].notna()]
    provenance = PROVENANCE.format(config=digest(config))
    same = f"official-split1; 1 clip x 1 crop,{provenance}"
    header = ",".join(COLUMNS)
    assert measured.to_csv(index=False) == f"{header}\n{GOLDEN.format(same=same)}"


def test_columns_are_those_of_the_formats_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
    assert f"\n{','.join(COLUMNS)}\n" in page


def test_order_of_videos_in_a_seed_changes_nothing(
    both_seeds: list[Path], work: Any, config: Config
) -> None:
    before = build("table5", config, work.root)
    with h5py.File(both_seeds[1], "a") as file:
        for name in ("scores", "label", "video_id", "group"):
            file[name][...] = file[name][()][[2, 0, 3, 1]]
        seal(file)
    pd.testing.assert_frame_equal(build("table5", config, work.root), before)


@pytest.mark.usefixtures("both_seeds")
def test_every_cell_of_the_paper_stands_there(work: Any, config: Config) -> None:
    frame = build("table5", config, work.root)
    top1 = frame[frame["metric"] == "top1"]
    assert len(top1) == 14
    assert top1["paper"].tolist()[-2:] == [63.1, 46.8]
    assert top1["measured"].notna().sum() == 1


def test_a_cell_without_all_runs_is_empty_and_says_why(
    both_seeds: list[Path], work: Any, config: Config
) -> None:
    both_seeds[1].unlink()
    row = row_of(build("table5", config, work.root))
    assert row[["measured", "std", "ci_low", "ci_high", "videos_evaluated"]].isna().all()
    assert row["paper"] == 56.4
    assert row["provenance"].startswith(
        "empty=missing 1 of 2 scores files, "
        "first runs/hmdb-ucf/i3d/rgb.scratch.mkmmd/split1.seed1/scores-test.h5;config="
    )


def test_half_of_the_in_domain_scores_are_no_accuracy(
    both_seeds: list[Path], work: Any, config: Config
) -> None:
    both_seeds[3].unlink()
    row = row_of(build("table5", config, work.root), "top1_in_domain")
    assert np.isnan(row["measured"])
    assert "split1.seed1/scores-val.h5" in row["provenance"]
    both_seeds[2].unlink()
    assert "top1_in_domain" not in set(build("table5", config, work.root)["metric"])


@pytest.mark.usefixtures("both_seeds")
def test_a_benchmark_that_holds_nothing_out_has_no_in_domain_row(
    work: Any, config: Config, i3d_rgb: Run
) -> None:
    for seed in (0, 1):
        work.add(replace(i3d_rgb, seed=seed), [], [], part="val")
    assert "top1_in_domain" not in set(build("table5", config, work.root)["metric"])


def test_a_cell_without_usable_videos_is_empty(work: Any, config: Config, i3d_rgb: Run) -> None:
    for seed in (0, 1):
        work.add(replace(i3d_rgb, seed=seed), [], [], videos_expected=360)
    row = row_of(build("table5", config, work.root))
    assert np.isnan(row["measured"])
    assert (row["videos_evaluated"], row["videos_expected"]) == (0, 360)
    assert row["provenance"].startswith("empty=no usable video;")


def test_splits_weigh_alike_and_one_seed_has_no_spread(
    work: Any, config: Config, i3d_rgb: Run
) -> None:
    benchmarks = {
        name: benchmark.model_copy(update={"protocol": "all-videos"})  # official-split1 has one
        if isinstance(benchmark, CrossDataset)
        else benchmark
        for name, benchmark in config.benchmarks.items()
    }
    config = config.model_copy(update={"seeds": (0,), "splits": (1, 2), "benchmarks": benchmarks})
    work.add(i3d_rgb, [0], [1])
    work.add(replace(i3d_rgb, split=2), [0, 0, 1, 1], [2, 2, 1, 1], videos_expected=6)
    frame = build("table5", config, work.root)
    row = row_of(frame)
    assert row["measured"] == 75  # of splits with 100 and 50; pooled videos would give 60
    # g0 alone: splits with 100 and 0; g1 alone: 100 in the only split that has it.
    assert (row["ci_low"], row["ci_high"]) == (50, 100)
    assert np.isnan(row["std"])
    assert (row["seeds"], row["splits"]) == (1, 2)
    assert (row["videos_evaluated"], row["videos_expected"]) == (5, 7)
    assert row_of(frame, "top1_of_expected")["measured"] == 66.6667  # of 1 / 1 and 2 / 6


def test_top5_needs_more_than_five_classes(work: Any, config: Config, i3d_rgb: Run) -> None:
    for seed in (0, 1):
        work.add(replace(i3d_rgb, seed=seed), LABELS, [1, 1, 1, 2], num_classes=5)
    frame = build("table5", config, work.root)
    assert frame[frame["measured"].notna()]["metric"].tolist() == [
        "top1",
        "mean_class",
        "top1_of_expected",
    ]


@pytest.mark.usefixtures("both_seeds")
def test_delta_only_where_the_paper_is_reproduced(work: Any, config: Config) -> None:
    assert build("table5", config, work.root)["delta"].isna().all()
    config = config.model_copy(update={"reproduces_paper": True})
    frame = build("table5", config, work.root)
    assert row_of(frame)["delta"] == pytest.approx(62.5 - 56.4)
    assert frame["delta"].notna().sum() == 1


def test_two_stream_cells_read_fused_scores(work: Any, config: Config, i3d_rgb: Run) -> None:
    for seed in (0, 1):
        run = replace(i3d_rgb, input="rgb+flow", seed=seed)
        path = work.add(run, LABELS, [1, 1, 1, 1], checkpoint=f"{'a' * 64},{'b' * 64}")
        assert path.relative_to(work.root).parts[0] == "fused"
    row = row_of(build("table5", config, work.root), input="rgb+flow")
    assert row["measured"] == 100
    assert "checkpoint=aaaaaaaaaaaa,bbbbbbbbbbbb;" in row["provenance"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"method": "tsm"}, "method is 'tsm', 'i3d' expected there"),
        ({"benchmark": "ucf-hmdb"}, "benchmark is 'ucf-hmdb', 'hmdb-ucf' expected there"),
        ({"split": 3}, "split is 3, 1 expected there"),
        ({"part": "val"}, "part is 'val', 'test' expected there"),
        ({"configuration": "paper"}, "configuration is 'paper', 'mini' expected there"),
    ],
)
def test_scores_of_another_run_are_refused(
    work: Any, config: Config, i3d_rgb: Run, change: dict[str, Any], complaint: str
) -> None:
    for seed in (0, 1):
        path = work.path(replace(i3d_rgb, seed=seed))
        stored = work.add(replace(i3d_rgb, seed=seed), LABELS, [1, 1, 1, 1], **change)
        path.parent.mkdir(parents=True, exist_ok=True)
        stored.rename(path)
    with pytest.raises(UserError) as error:
        build("table5", config, work.root)
    assert str(error.value) == f"{work.path(i3d_rgb)}: {complaint}"


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"video_id": ["v0", "v1", "v2", "x"]}, "1 videos only in the first (v3)"),
        ({"class_names": list("acbdef")}, "class 0 is 'class 0' in the first and 'a'"),
        ({"split_digest": "older"}, "split_digest is"),
        ({"videos_expected": 5}, "videos_expected is 4 in the first and 5"),
        ({"label": np.array([0, 1, 1, 5])}, "label of v3 is 2 in the first and 5"),
    ],
)
def test_rows_measured_on_different_videos_are_refused(
    work: Any, config: Config, i3d_rgb: Run, change: dict[str, Any], difference: str
) -> None:
    tsn = replace(i3d_rgb, method="tsn")
    for seed in (0, 1):
        work.add(replace(i3d_rgb, seed=seed), LABELS, [1, 1, 1, 1])
        work.add(replace(tsn, seed=seed), LABELS, [1, 1, 1, 1])
    work.add(replace(i3d_rgb, seed=1), LABELS, [1, 1, 1, 1], **change)
    with pytest.raises(UserError) as error:
        build("table5", config, work.root)
    assert str(work.path(tsn)) in str(error.value)
    assert str(work.path(replace(i3d_rgb, seed=1))) in str(error.value)
    assert difference in str(error.value)


def test_an_unknown_table_is_refused(work: Any, config: Config) -> None:
    with pytest.raises(UserError, match="table5"):
        build("tabel5", config, work.root)


def test_scores_made_with_other_settings_are_refused(
    work: Any, config: Config, i3d_rgb: Run
) -> None:
    """A changed recipe or test protocol makes stored scores stale, whatever their folder says."""
    for seed in (0, 1):
        work.add(replace(i3d_rgb, seed=seed), [0, 1], [1, 1])
    recipe = config.recipes["i3d.rgb"]
    longer = recipe.optimisation.model_copy(update={"steps": 9999})
    more = recipe.test.model_copy(update={"clips": 3})
    for change in ({"optimisation": longer}, {"test": more}):
        recipes = {**config.recipes, "i3d.rgb": recipe.model_copy(update=change)}
        with pytest.raises(UserError, match="other settings than configuration 'mini' has now"):
            build("table5", config.model_copy(update={"recipes": recipes}), work.root)


def test_a_fused_row_of_streams_that_were_made_again_is_refused(
    work: Any, config: Config, i3d_rgb: Run
) -> None:
    fused = replace(i3d_rgb, input="rgb+flow")
    for seed in (0, 1):
        work.add(replace(fused, seed=seed), [0, 1], [1, 1])
    work.add(replace(i3d_rgb, input="flow"), [0, 1], [1, 1], checkpoint="ab" * 32)
    with pytest.raises(UserError, match=r"scores-test\.h5: fused of another version of .*flow"):
        build("table5", config, work.root)
