"""A scores file comes back as it was written; a broken one is refused by name."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from rev2net.errors import UserError
from rev2net.runs.scores import disagreement, read_scores, write_scores


def test_what_was_written_is_read_back(tmp_path: Path, make_scores: Any) -> None:
    written = make_scores()
    write_scores(tmp_path / "new folder" / "scores-test.h5", written)
    read = read_scores(tmp_path / "new folder" / "scores-test.h5")
    np.testing.assert_array_equal(read.scores, written.scores)
    np.testing.assert_array_equal(read.label, written.label)
    for name in vars(written).keys() - {"scores", "label"}:
        assert getattr(read, name) == getattr(written, name), name
        assert type(getattr(read, name)) is type(getattr(written, name)), name


def test_stored_layout_is_the_documented_one(tmp_path: Path, make_scores: Any) -> None:
    write_scores(tmp_path / "s.h5", make_scores())
    with h5py.File(tmp_path / "s.h5") as file:
        assert {name: (file[name].shape, file[name].dtype.kind) for name in file} == {
            "scores": ((4, 3), "f"),
            "video_id": ((4,), "O"),
            "label": ((4,), "i"),
            "group": ((4,), "O"),
        }
        assert file["scores"].dtype == np.float32
        assert file["label"].dtype == np.int64
        assert file.attrs["class_names"] == '["climb", "golf", "punch"]'
        assert file.attrs["seed"] == 0


def test_a_part_without_videos_is_legal(tmp_path: Path, make_scores: Any) -> None:
    nothing: dict[str, Any] = {"scores": np.zeros((0, 3)), "label": np.zeros(0, int)}
    write_scores(tmp_path / "s.h5", make_scores(**nothing, video_id=[], group=[]))
    read = read_scores(tmp_path / "s.h5")
    assert (len(read), read.scores.shape, read.videos_expected) == (0, (0, 3), 5)


def test_same_content_is_the_same_bytes(tmp_path: Path, make_scores: Any) -> None:
    for name in ("one.h5", "two.h5"):
        write_scores(tmp_path / name, make_scores())
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


NAN_IN_ROW_1 = np.array([[3, 1, 0], [0, np.nan, 1], [2, 1, 0], [0, 1, 4]])
REFUSED = [
    ({"scores": NAN_IN_ROW_1}, "1 of 4 videos have NaN or infinite scores (first: v_a2)"),
    ({"video_id": ["v_a1", "v_a2", "v_a2", "v_b2"]}, "more than once (first: v_a2)"),
    ({"label": np.array([0, 1, 3, 2])}, "label of v_b1 is 3, allowed: 0 to 2"),
    ({"class_names": ["climb", "golf"]}, "shape (4, 3), (4, 2) expected"),
    ({"class_names": ["climb", "golf", "golf"]}, "class names repeat"),
    ({"group": ["a"]}, "4 videos, but 4 labels and 1 groups"),
    ({"space": "softmax"}, "space is 'softmax', allowed: logit, probability"),
    ({"videos_expected": 3}, "4 videos, but videos_expected is 3"),
]


@pytest.mark.parametrize(("change", "complaint"), REFUSED)
def test_wrong_content_is_not_written(
    tmp_path: Path, make_scores: Any, change: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(UserError) as error:
        write_scores(tmp_path / "s.h5", make_scores(**change))
    assert complaint in str(error.value)
    assert str(tmp_path / "s.h5") in str(error.value)
    assert not list(tmp_path.iterdir())


def test_an_interrupted_write_leaves_the_old_file(
    tmp_path: Path, make_scores: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scores(tmp_path / "s.h5", make_scores(seed=1))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_scores(tmp_path / "s.h5", make_scores(seed=2))
    assert read_scores(tmp_path / "s.h5").seed == 1
    assert [path.name for path in tmp_path.iterdir()] == ["s.h5"]


def test_a_file_changed_afterwards_is_checked_again(tmp_path: Path, make_scores: Any) -> None:
    write_scores(tmp_path / "s.h5", make_scores())
    with h5py.File(tmp_path / "s.h5", "a") as file:
        file["scores"][2, 1] = np.inf
        del file.attrs["digest"]
    with pytest.raises(UserError, match=r"s\.h5: 1 of 4 videos have NaN .*first: v_b1"):
        read_scores(tmp_path / "s.h5")


def test_what_is_no_scores_file_is_named(tmp_path: Path, make_scores: Any) -> None:
    with pytest.raises(UserError, match=r"absent\.h5: no such scores file"):
        read_scores(tmp_path / "absent.h5")
    (tmp_path / "text.h5").write_text("top1 58.3\n")
    with pytest.raises(UserError, match=r"text\.h5: not a scores file"):
        read_scores(tmp_path / "text.h5")
    for kind, name in (("dataset", "group"), ("attribute", "seed")):
        write_scores(tmp_path / "s.h5", make_scores())
        with h5py.File(tmp_path / "s.h5", "a") as file:
            del (file if kind == "dataset" else file.attrs)[name]
            del file.attrs["digest"]
        with pytest.raises(UserError, match=rf"s\.h5: not a scores file .*{name}") as error:
            read_scores(tmp_path / "s.h5")
        assert "\n" not in str(error.value)


def test_disagreement_ignores_the_order_of_videos(make_scores: Any) -> None:
    one, order = make_scores(), [2, 0, 3, 1]
    shuffled = make_scores(
        scores=one.scores[order],
        label=one.label[order],
        video_id=[one.video_id[row] for row in order],
        group=[one.group[row] for row in order],
        method="i3d",
    )
    assert disagreement(one, shuffled, ["split"]) is None
    assert disagreement(one, shuffled, ["method"]) == (
        "method is 'tsn' in the first and 'i3d' in the second"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"class_names": ["climb", "punch", "golf"]}, "class 1 is 'golf' in the first and 'punch'"),
        ({"class_names": ["climb"]}, "3 classes in the first and 1 in the second"),
        (
            {"video_id": ["v_a1", "v_a2", "v_b1", "v_c1"]},
            "1 videos only in the first (größe_b2), 1 videos only in the second (v_c1)",
        ),
        ({"label": np.array([0, 1, 2, 2])}, "label of v_b1 is 1 in the first and 2 in the second"),
        ({"group": ["a", "a", "b", "c"]}, "group of größe_b2 is 'b' in the first and 'c'"),
    ],
)
def test_disagreement_is_put_in_words(make_scores: Any, change: dict[str, Any], words: str) -> None:
    assert words in str(disagreement(make_scores(), make_scores(**change), []))
