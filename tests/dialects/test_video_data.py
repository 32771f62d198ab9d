"""C3D's VideoData: clips from folders of frames, in the files of both its versions."""

import struct

import numpy as np
import pytest

from cortado.data import images
from cortado.errors import DataError, FormatError, ParameterError, UnknownLayerError
from cortado.layers import Phase
from cortado.netdef import Net

pytest.importorskip("PIL")
FRAMES, HEIGHT, WIDTH = 9, 4, 6
NEW = """layer {{ name: "data" type: "VideoData" top: "data" top: "label" transform_param {{ {transform} }}
    video_data_param {{ source: "list.txt" {own} }} }}
layer {{ name: "conv" type: "Convolution3D" bottom: "data" top: "conv"
    convolution3d_param {{ num_output: 1 kernel_size: 1 kernel_depth: 1 }} }}"""
OLD = """layers {{ name: "data" type: VIDEO_DATA top: "data" top: "label"
    image_data_param {{ source: "list.txt" {own} }} }}
layers {{ name: "conv" type: CONVOLUTION3D bottom: "data" top: "conv"
    convolution_param {{ num_output: 1 kernel_size: 1 kernel_depth: 1 }} }}"""


@pytest.fixture
def videos(tmp_path):
    """Two videos of nine frames, by name: 9 × 3 × 4 × 6; frames are numbered from 1."""
    rng, found = np.random.default_rng(0), {}
    for name in ("run", "a jump"):
        (tmp_path / name).mkdir()
        found[name] = rng.integers(256, size=(FRAMES, 3, HEIGHT, WIDTH), dtype=np.uint8)
        for number, frame in enumerate(found[name], 1):
            content = images.encode(np.ascontiguousarray(frame.transpose(1, 2, 0)), "png")  # exact, unlike JPEG
            (tmp_path / name / f"{number:06d}.jpg").write_bytes(content)
    (tmp_path / "list.txt").write_text("run/ 1 4\na jump 3 0\n\nrun 4 4\n")
    return found


def made(folder, text, phase=Phase.TRAIN):
    (folder / "net.prototxt").write_text(text)
    return Net(folder / "net.prototxt", phase, seed=1)


def clip(video, first, length, rate=1):
    return video[first - 1 : first - 1 + length * rate : rate].transpose(1, 0, 2, 3)


@pytest.mark.parametrize("text", [NEW, OLD])
def test_frames_of_the_listed_clips_follow_each_other(videos, tmp_path, text):
    net = made(tmp_path, text.format(transform="", own="batch_size: 2 new_length: 3 sampling_rate: 2"))
    run, jump = videos["run"], videos["a jump"]
    net.forward()
    want = [clip(run, 1, 3, 2), clip(jump, 3, 3, 2)]
    np.testing.assert_array_equal(net.blobs["data"].data, want)
    assert net.blobs["label"].data.tolist() == [4, 0]
    net.forward()
    np.testing.assert_array_equal(net.blobs["data"].data, [clip(run, 4, 3, 2), clip(run, 1, 3, 2)])
    state = net.run_state()
    net.forward()
    after = net.blobs["data"].data.copy()
    net.restore_run_state(state)
    net.forward()
    np.testing.assert_array_equal(net.blobs["data"].data, after)


def test_all_frames_of_a_clip_are_cut_and_mirrored_alike(videos, tmp_path):
    own = "batch_size: 12 new_length: 2"
    net = made(tmp_path, NEW.format(transform="crop_size: 3 mirror: true scale: 0.5", own=own))
    net.forward()
    seen = set()
    starts = [("run", 1), ("a jump", 3), ("run", 4)]
    for number, got in enumerate(net.blobs["data"].data):
        name, first = starts[number % 3]
        whole = clip(videos[name], first, 2) * np.float32(0.5)
        cuts = {
            (y, x, flip): whole[:, :, y : y + 3, x : x + 3][..., :: -1 if flip else 1]
            for y in range(2)
            for x in range(4)
            for flip in (False, True)
        }
        seen |= {place for place, cut in cuts.items() if np.array_equal(cut, got)}
    assert len(seen) > 4
    assert {flip for _, _, flip in seen} == {False, True}


def test_frames_are_resized(videos, tmp_path):
    net = made(tmp_path, NEW.format(transform="", own="batch_size: 1 new_length: 2 new_height: 8 new_width: 3"))
    net.forward()
    frame = images.resize(videos["run"][1].transpose(1, 2, 0), 8, 3)
    np.testing.assert_array_equal(net.blobs["data"].data[0, :, 1], frame.transpose(2, 0, 1))


def test_the_mean_of_version_one_is_taken_off_before_the_cut(videos, tmp_path):
    mean = np.random.default_rng(1).normal(size=(1, 3, 2, HEIGHT, WIDTH)).astype("f4")
    sizes = b"".join(bytes([number << 3, size]) for number, size in enumerate(mean.shape, 1))
    values = struct.pack(f"<{mean.size}f", *mean.ravel())
    length = bytes([len(values) & 0x7F | 0x80, len(values) >> 7])
    (tmp_path / "mean.binaryproto").write_bytes(sizes + bytes([6 << 3 | 2]) + length + values)
    own = 'batch_size: 1 new_length: 2 crop_size: 2 mean_file: "mean.binaryproto"'
    net = made(tmp_path, OLD.format(own=own), Phase.TEST)
    net.forward()
    want = (clip(videos["run"], 1, 2) - mean[0])[:, :, 1:3, 2:4]
    np.testing.assert_array_equal(net.blobs["data"].data[0], want)
    with pytest.raises(DataError, match=r"of the mean in mean_file, 3x2x4x6; got run/ of 3x3x4x6 \(see new_length"):
        made(tmp_path, OLD.format(own=own.replace("new_length: 2", "new_length: 3")), Phase.TEST)
    (tmp_path / "mean.binaryproto").write_bytes(sizes)
    with pytest.raises(FormatError, match="as many numbers as its five sizes say; got 0 for 1x3x2x4x6"):
        made(tmp_path, OLD.format(own=own), Phase.TEST)


@pytest.mark.parametrize(
    ("own", "error", "message"),
    [
        (
            "use_image: false",
            ParameterError,
            r"video files .* no implementation here \(write the frames as images",
        ),
        ("use_label: false", ParameterError, "use_label: false has no implementation here"),
        ("new_length: 0", ParameterError, "new_length must be at least 1; got 0"),
        ("new_height: 3", ParameterError, "new_height and new_width must be set together"),
        ("new_length: 30", DataError, "cannot read the image .*000010.jpg"),
    ],
)
def test_what_cannot_be_is_refused(videos, tmp_path, own, error, message):
    with pytest.raises(error, match=message):
        made(tmp_path, NEW.format(transform="", own=f"batch_size: 1 {own}"))


def test_a_line_of_another_form_is_named(videos, tmp_path):
    (tmp_path / "list.txt").write_text("run 1 4\nrun 1\n")
    with pytest.raises(DataError, match=r"list.txt:2: .*: each line must be a folder, .*; got 'run 1' \(such as"):
        made(tmp_path, NEW.format(transform="", own="batch_size: 1"))


def test_without_data_the_shapes_are_known(tmp_path):
    from cortado.netdef.check import check_file

    own = "batch_size: 5 new_length: 16 new_height: 128 new_width: 171"
    last = 'layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" inner_product_param { num_output: 1 } }'
    (tmp_path / "net.prototxt").write_text(NEW.format(transform="crop_size: 112", own=own) + last)
    report = check_file(tmp_path / "net.prototxt", phases=[Phase.TRAIN])
    assert report.ok, report.problems
    assert report.states[0].unchecked == []
    assert report.states[0].parameters == 3 + 1 + 16 * 112 * 112 + 1


def test_other_forks_mean_another_layer(tmp_path):
    (tmp_path / "net.prototxt").write_text("""layer { name: "data" type: "VideoData" top: "data"
        video_data_param { video_type: WEBCAM } data_param { batch_size: 1 } }""")
    with pytest.raises(UnknownLayerError, match="a known layer type of the dialect"):
        Net(tmp_path / "net.prototxt")
