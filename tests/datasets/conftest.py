"""Small datasets in the published formats, and the official lists where they are at hand."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from rev2net.config import DatasetSettings
from rev2net.datasets.index import build_index

VIDEOS = {"ucf101": "UCF-101", "hmdb51": "hmdb51_org", "kinetics400": "videos"}
LISTS = {
    "ucf101": "ucfTrainTestlist",
    "hmdb51": "testTrainMulti_7030_splits",
    "kinetics400": "kinetics-400_val.csv",
}


def _settings(dataset: str, root: Path, /, **changes: object) -> DatasetSettings:
    values = {
        "format": dataset,
        "root": str(root),
        "videos": VIDEOS[dataset],
        "lists": LISTS[dataset],
        "official": False,
        "partial": False,
        "max_unusable_fraction": 0.05,
        "shards": 2,
    }
    return DatasetSettings.model_validate(values | changes)


@pytest.fixture(scope="session")
def settings() -> Callable[..., DatasetSettings]:
    """settings(dataset, root, **changes): a dataset's section with the published folder names."""
    return _settings


@pytest.fixture(scope="session")
def official(real_data: Path) -> dict[str, pd.DataFrame]:
    """The indexes of UCF101 and HMDB51 from their official lists."""
    return {
        dataset: build_index(
            dataset, _settings(dataset, real_data / dataset, official=True, partial=True)
        ).table
        for dataset in ("ucf101", "hmdb51")
    }


@pytest.fixture
def ucf_root(tmp_path: Path) -> Path:
    """Two classes of three groups of two clips; split k tests group k; every file is there."""
    root = tmp_path / "ucf101"
    lists = root / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    classes = ["Archery", "HandstandPushups"]
    (lists / "classInd.txt").write_text("1 Archery\r\n2 HandstandPushups\r\n")
    train: dict[int, list[str]] = {1: [], 2: [], 3: []}
    test: dict[int, list[str]] = {1: [], 2: [], 3: []}
    for number, name in enumerate(classes, start=1):
        (root / "UCF-101" / name).mkdir(parents=True)
        for group in (1, 2, 3):
            for clip in (1, 2):
                stem = name.replace("Handstand", "HandStand")  # the published spelling
                file = f"{name}/v_{stem}_g{group:02d}_c{clip:02d}.avi"
                (root / "UCF-101" / file).touch()
                for k in (1, 2, 3):
                    (test if k == group else train)[k].append(
                        file if k == group else f"{file} {number}"
                    )
    for k in (1, 2, 3):
        (lists / f"trainlist0{k}.txt").write_text("\r\n".join(train[k]) + "\r\n")
        (lists / f"testlist0{k}.txt").write_text("\n".join(test[k]) + "\n")
    return root


HMDB_USES = {  # file -> its use in splits 1, 2, 3
    "golf": {"#1_Swing!_golf_f_nm_np1_ri_goo_0": "120", "Film_golf_u_cm_np10_fr_med_1": "211"},
    "climb_stairs": {
        "(HQ) a;b_climb_stairs_f_cm_np1_ba_bad_12": "102",
        "Film_climb_stairs_l_nm_np2_le_med_0": "021",
    },
}


@pytest.fixture
def hmdb_root(tmp_path: Path) -> Path:
    """Two classes of two clips, one source title in both; lines end in a blank."""
    root = tmp_path / "hmdb51"
    lists = root / "testTrainMulti_7030_splits"
    lists.mkdir(parents=True)
    for name, uses in HMDB_USES.items():
        (root / "hmdb51_org" / name).mkdir(parents=True)
        for stem in uses:
            (root / "hmdb51_org" / name / f"{stem}.avi").touch()
        for k in (1, 2, 3):
            lines = [f"{stem}.avi {use[k - 1]} \n" for stem, use in uses.items()]
            (lists / f"{name}_test_split{k}.txt").write_text("".join(lines))
    return root


KINETICS_ROWS = """\
label,youtube_id,time_start,time_end,split,is_cc
using segway,R6llTwEh07w,0,10,val,0
air drumming,-_a_b_c_d_e,7,17,train,0
air drumming,12345678901,101,111,train,1
"""


@pytest.fixture
def kinetics_root(tmp_path: Path) -> Path:
    """Three clips named in the three ways, flat and in class folders."""
    root = tmp_path / "kinetics400"
    (root / "videos" / "air_drumming").mkdir(parents=True)
    (root / "kinetics-400_val.csv").write_text(KINETICS_ROWS)
    (root / "videos" / "R6llTwEh07w.mp4").touch()
    (root / "videos" / "air_drumming" / "-_a_b_c_d_e_000007_000017.mp4").touch()
    (root / "videos" / "air_drumming" / "12345678901_101_111.webm").touch()
    return root
