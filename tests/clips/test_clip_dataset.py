"""Clips from shards: the right images, the same whatever the workers, labels where they belong."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from rev2net.clips.dataset import (
    ClipShape,
    DrawSampler,
    Sample,
    Shards,
    TestClips,
    TrainingClips,
    read_split,
)
from rev2net.clips.sampling import Augmentation, Crop
from rev2net.clips.transforms import to_batch
from rev2net.errors import UserError
from rev2net.models.spec import input_spec
from tests.small_dataset import BOUND, FRAME_SETTINGS, FRAMES, WIDTH, SmallData

CPU, SIZE = torch.device("cpu"), 24
WHOLE = Augmentation(scales=(1.0,), distortion=0, corners=False, flip=False)
JITTER = Augmentation(scales=(1.0, 0.75), distortion=1, corners=False, flip=True)


def open_shards(data: SmallData, bound: float = BOUND) -> Shards:
    return Shards.open(data.indexes, ("rgb", "flow"), FRAME_SETTINGS, bound)


def test_a_clip_holds_the_stored_frames_and_their_flow(small_data: SmallData) -> None:
    entries = read_split(small_data.split, ["train"])["train"]
    shape = ClipShape(("rgb", "flow"), segments=False, length=FRAMES)
    clips = TrainingClips(entries, open_shards(small_data), shape, WHOLE, seed=0)
    sample = clips[2, 7]
    frames, flow = small_data.rgb["ucf101_2"], small_data.flow["ucf101_2"]
    crop = sample.crops["rgb"].numpy()
    height = crop.shape[1]
    lefts = [
        left
        for left in range(frames.shape[2] - height + 1)
        if np.array_equal(crop, frames[:, :, left : left + height])
    ]
    assert len(lefts) == 1  # the whole height, at one place
    part = slice(lefts[0], lefts[0] + height)
    expected = np.concatenate([flow, flow[-1:]])[:, :, part]  # the last frame repeats its flow
    assert np.array_equal(sample.crops["flow"].numpy(), expected)
    assert sample.label == 0


@pytest.mark.parametrize("label", [0, 1])
def test_the_flow_target_of_a_flipped_clip_is_the_flipped_target_with_x_negated(
    small_data: SmallData, label: int
) -> None:
    """Bars move by 2 pixels a frame: to the right (label 0; to the left, mirrored) or downwards."""
    entries = read_split(small_data.split, ["train"])["train"]
    shape = ClipShape(("rgb", "flow"), segments=False, length=4)
    upright = JITTER._replace(flip=False)
    video = next(k for k, entry in enumerate(entries) if entry.label == label)
    shards, flips = open_shards(small_data), 0
    for draw in range(12):
        samples = [
            TrainingClips(entries, shards, shape, augmentation, seed=1)[video, draw]
            for augmentation in (upright, JITTER)
        ]
        (frames, turned), (plain, flow) = (
            to_batch([s.crops[kind] for s in samples], [s.flip for s in samples], SIZE, CPU, kind)
            for kind in ("rgb", "flow")
        )
        if not samples[1].flip:
            assert torch.equal(plain, flow)
            continue
        flips += 1
        assert torch.equal(turned, frames.flip(-1))
        assert torch.equal(flow, torch.stack((-plain[0], plain[1])).flip(-1))
        height, width = samples[1].crops["flow"].shape[1:3]
        motion = -2 * SIZE / width if label == 0 else 2 * SIZE / height  # pixels, as resized
        moving = flow[label] * BOUND
        bar = moving[moving.abs() > 0.99 * moving.abs().max()]
        torch.testing.assert_close(bar, torch.full_like(bar, motion), rtol=0.02, atol=0)
        assert flow[1 - label].abs().max() == 0
    assert 2 <= flips <= 10


def test_a_segment_of_differences_takes_six_frames_in_a_row(small_data: SmallData) -> None:
    entries = read_split(small_data.split, ["train"])["train"]
    images = input_spec("tsn", "rgbdiff").images
    shape = ClipShape(("rgb",), segments=True, length=2, images=images)
    sample = TrainingClips(entries, open_shards(small_data), shape, WHOLE, seed=0)[2, 7]
    crop, frames = sample.crops["rgb"].numpy(), small_data.rgb["ucf101_2"]
    assert len(crop) == 12
    height = crop.shape[1]
    for segment in (crop[:6], crop[6:]):
        assert any(
            np.array_equal(segment, frames[t : t + 6, :, left : left + height])
            for t in range(FRAMES - 5)
            for left in range(WIDTH - height + 1)
        )


def test_workers_change_nothing(small_data: SmallData) -> None:
    entries = read_split(small_data.split, ["train"])["train"]
    shape = ClipShape(("rgb",), segments=False, length=4)

    def batches(workers: int) -> list[list[Sample]]:
        clips = TrainingClips(entries, open_shards(small_data), shape, JITTER, seed=3)
        sampler = DrawSampler(len(entries), 4, 0, 5, seed=3)
        loader = DataLoader(clips, batch_sampler=sampler, num_workers=workers, collate_fn=list)
        return list(loader)

    for one, two in zip(batches(0), batches(2), strict=True):
        for a, b in zip(one, two, strict=True):
            assert torch.equal(a.crops["rgb"], b.crops["rgb"])
            assert (a.flip, a.label) == (b.flip, b.label)


def test_the_sampler_visits_every_video_once_an_epoch_and_resumes_by_step() -> None:
    whole = list(DrawSampler(7, 3, 0, 14, seed=5))
    drawn = [video for batch in whole for video, _ in batch]
    for epoch in range(6):
        assert sorted(drawn[7 * epoch : 7 * epoch + 7]) == list(range(7))
    assert drawn[:7] != drawn[7:14]
    assert list(DrawSampler(7, 3, 9, 14, seed=5)) == whole[9:]
    assert [draw for batch in whole for _, draw in batch] == list(range(42))


@pytest.mark.parametrize("indices", [[4, 5, 6], [0, 3, 6, 9, 2], [1, 1, 0, 1], [10, 2]])
@pytest.mark.parametrize("kind", ["rgb", "flow"])
def test_images_come_in_the_order_asked_for_whole_or_cropped(
    small_data: SmallData, kind: str, indices: list[int]
) -> None:
    (entry,) = (e for e in read_split(small_data.split, ["val"])["val"] if e.video_id == "ucf101_6")
    shards = open_shards(small_data)
    stored = {"rgb": small_data.rgb, "flow": small_data.flow}[kind][entry.video_id]
    np.testing.assert_array_equal(shards.read(entry, kind, indices), stored[indices])
    part = shards.read_crop(entry, kind, indices, Crop(top=3, left=7, height=20, width=11))
    np.testing.assert_array_equal(part, stored[indices, 3:23, 7:18])


def test_an_index_beyond_the_end_is_an_error_but_for_the_missing_last_flow(
    small_data: SmallData,
) -> None:
    (entry,) = (e for e in read_split(small_data.split, ["val"])["val"] if e.video_id == "ucf101_6")
    shards = open_shards(small_data)
    last = shards.read(entry, "flow", [FRAMES - 2])
    np.testing.assert_array_equal(shards.read(entry, "flow", [FRAMES - 1]), last)
    for kind, beyond in (("rgb", FRAMES), ("flow", FRAMES)):
        with pytest.raises(IndexError, match=f"images {beyond} to {beyond + 1}"):
            shards.read(entry, kind, [beyond])


@pytest.mark.parametrize("kind", ["rgb", "flow"])
def test_an_image_that_cannot_be_decoded_is_named(
    small_data: SmallData, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """As from a shard of the first versions, which had no checksums to say it before."""
    shards = open_shards(small_data)
    (entry,) = (e for e in read_split(small_data.split, ["val"])["val"] if e.video_id == "ucf101_6")
    images = [data.copy() for data in shards.encoded(entry, kind, [0, 1, 2])]
    images[1][len(images[1]) // 2 :] = 0
    monkeypatch.setattr(shards, "encoded", lambda *_: images)
    with pytest.raises(UserError, match=f"ucf101, ucf101_6: a damaged {kind} image .*; delete"):
        shards.read(entry, kind, [0, 1, 2])


def test_another_seed_draws_other_clips(small_data: SmallData) -> None:
    entries = read_split(small_data.split, ["train"])["train"]
    shape = ClipShape(("rgb",), segments=False, length=4)
    one, two = (
        [
            TrainingClips(entries, open_shards(small_data), shape, JITTER, seed)[0, draw]
            for draw in range(5)
        ]
        for seed in (3, 4)
    )
    assert not all(
        torch.equal(a.crops["rgb"], b.crops["rgb"]) for a, b in zip(one, two, strict=True)
    )


def test_the_target_pool_has_no_labels(small_data: SmallData) -> None:
    pool = read_split(small_data.split, ["target_unlabelled"])["target_unlabelled"]
    assert len(pool) == 4
    assert {entry.label for entry in pool} == {-1}


def test_a_test_protocol_gives_clips_times_crops_views(small_data: SmallData) -> None:
    entries = read_split(small_data.split, ["test"])["test"]
    shape = ClipShape(("rgb",), segments=False, length=4)
    views = TestClips(entries, open_shards(small_data), shape, clips=2, crops=3, size=32)[0]
    assert len(views) == 6
    frames = small_data.rgb[entries[0].video_id]
    assert np.array_equal(views[0].crops["rgb"].numpy(), frames[0:4, 0:32, 0:32])
    assert np.array_equal(views[5].crops["rgb"].numpy(), frames[8:12, 4:36, 8:40])


def test_a_whole_video_is_one_clip_of_all_frames(small_data: SmallData) -> None:
    entries = read_split(small_data.split, ["test"])["test"]
    shards, dense = open_shards(small_data), ClipShape(("rgb",), segments=False, length=4)
    (view,) = TestClips(entries, shards, dense, 1, 1, 32, whole_video=True)[0]
    assert len(view.crops["rgb"]) == FRAMES
    # As fast as in training: every second frame where a clip has every second.
    strided = ClipShape(("rgb",), segments=False, length=4, stride=2)
    (slow,) = TestClips(entries, shards, strided, 1, 1, 32, whole_video=True)[0]
    assert slow.crops["rgb"].equal(view.crops["rgb"][::2])
    segments = ClipShape(("rgb",), segments=True, length=4)
    with pytest.raises(UserError, match="whole_video"):
        TestClips(entries, shards, segments, 1, 1, 32, whole_video=True)


def test_shards_of_another_flow_bound_are_refused_naming_both(small_data: SmallData) -> None:
    with pytest.raises(UserError, match=r"bound is 8\.0; asked for is 20\.0"):
        open_shards(small_data, bound=20.0)
