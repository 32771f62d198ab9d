"""AnnotatedData: boxes follow what happens to the pixels. The images hold one bright rectangle each, the box."""

import colorsys

import numpy as np
import pytest

from cortado.data import create_source
from cortado.dialects.ssd.records import datum_class
from cortado.dialects.ssd.records.color import distort, from_hsv, to_hsv
from cortado.dialects.ssd.records.noise import add_noise
from cortado.dialects.ssd.records.resize import interpolate
from cortado.dialects.ssd.records.window import draw_window
from cortado.dialects.ssd.tables import ANNOTATIONS, LAYERS, TRANSFORM
from cortado.errors import DataError, ParameterError
from cortado.layers import Phase
from cortado.proto import Schema, parse_text
from cortado.testing import make_layer

pytest.importorskip("lmdb")
pytest.importorskip("PIL.Image")

HEIGHT, WIDTH = 60, 80
BOXES = [(20, 10, 60, 40), (0, 0, 16, 12), (40, 30, 80, 60)]
"""In pixels: xmin, ymin, xmax, ymax."""


def message(kind, text):
    schema = Schema.compose([table.addition for table in (ANNOTATIONS, LAYERS, TRANSFORM)])
    return parse_text(text, schema.message(kind), "test").message


def annotated(box, label, typed=True, difficult=False):
    pixels = np.full((HEIGHT, WIDTH, 3), 30, np.uint8)
    left, top, right, bottom = box
    pixels[top:bottom, left:right] = 230
    one = datum_class()()
    one.datum.channels, one.datum.height, one.datum.width = 3, HEIGHT, WIDTH
    one.datum.data, one.datum.label = pixels.transpose(2, 0, 1).tobytes(), label
    if typed:
        one.type = 0
    group = one.annotation_group.add(group_label=label)
    bbox = group.annotation.add(instance_id=7).bbox
    bbox.xmin, bbox.ymin, bbox.xmax, bbox.ymax = left / WIDTH, top / HEIGHT, right / WIDTH, bottom / HEIGHT
    bbox.difficult = difficult
    return one


@pytest.fixture
def database(tmp_path):
    def make(typed=True, difficult=()):
        path = tmp_path / f"db{len(list(tmp_path.iterdir()))}"
        with create_source("LMDB", path) as writer:
            for index, box in enumerate(BOXES):
                record = annotated(box, index + 1, typed, index in difficult)
                writer.put(b"%08d" % index, record.SerializeToString())
        return path

    return make


def layer(path, transform="", param="", batch=3, phase=Phase.TRAIN):
    text = f"""type: "AnnotatedData" top: "data" top: "label" transform_param {{ {transform} }}
        annotated_data_param {{ {param} }}
        data_param {{ source: "{path}" batch_size: {batch} backend: LMDB prefetch: 0 }}"""
    return make_layer(text, phase=phase, dtype=np.float32, seed=1)


def bright_box(image):
    """Where the bright rectangle of an image is, in units of its size."""
    rows, columns = (np.flatnonzero((image.mean(0) > 130).any(axis)) for axis in (1, 0))
    height, width = image.shape[1:]
    return np.array([columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height])


def assert_boxes_are_bright(data, label, tolerance=1.6):
    """Each row of *label* describes what is in the image, to *tolerance* pixels."""
    assert label.shape[:2] == (1, 1)
    for row in label[0, 0]:
        image = data[int(row[0])]
        limit = tolerance / min(image.shape[1:])
        if (row[5:7] - row[3:5]).min() < 2 * limit:
            continue
        np.testing.assert_allclose(row[3:7], bright_box(image), atol=limit)


def test_rows_of_labels(database):
    data, label = layer(database(difficult=(1,))).forward()
    assert data.shape == (3, 3, HEIGHT, WIDTH)
    expected = [[i, i + 1, 7, i == 1] for i in range(3)]
    np.testing.assert_array_equal(label[0, 0][:, [0, 1, 2, 7]], expected)
    corners = np.array(BOXES) / (WIDTH, HEIGHT, WIDTH, HEIGHT)
    np.testing.assert_allclose(label[0, 0][:, 3:7], corners, rtol=1e-6)
    assert_boxes_are_bright(data, label, 0.01)


@pytest.mark.parametrize(
    "transform",
    [
        "mirror: true",
        "resize_param { height: 50 width: 30 }",
        "resize_param { height: 90 width: 50 resize_mode: FIT_LARGE_SIZE_AND_PAD pad_value: 5 }",
        "resize_param { height: 40 width: 90 resize_mode: FIT_LARGE_SIZE_AND_PAD interp_mode: CUBIC }",
        "expand_param { max_expand_ratio: 3 } mean_value: 100 resize_param { height: 120 width: 120 }",
        "resize_param { height: 50 width: 60 } crop_size: 40 mirror: true",
        "crop_size: 32",
    ],
)
def test_boxes_follow_the_pixels(database, transform):
    run = layer(database(), transform.replace("mean_value: 100", "mean_value: 10"))
    for _ in range(6):
        data, label = run.forward()
        if "mean" in transform:
            data = data + 10
        if label[0, 0, 0, 0] >= 0:
            assert_boxes_are_bright(data, label)


def test_windows_of_samplers_are_cut_out(database):
    param = """batch_sampler { sampler { min_scale: 0.4 max_scale: 0.8 min_aspect_ratio: 0.5 max_aspect_ratio: 2 }
        sample_constraint { min_jaccard_overlap: 0.3 } max_sample: 1 }"""
    run = layer(database(), "resize_param { height: 100 width: 100 }", param)
    sizes = set()
    for _ in range(4):
        data, label = run.forward()
        assert_boxes_are_bright(data, label, 12)  # the corners are cut to whole pixels, each up to six after the resize
        sizes |= {float(row[5] - row[3]) for row in label[0, 0]}
    assert len(sizes) > 3, "the images must be cut in several ways"


def test_emit_constraint_drops_boxes(database):
    transform = "crop_size: 20 emit_constraint { emit_type: %s emit_overlap: 0.5 }"
    for kind in ("CENTER", "MIN_OVERLAP"):
        for phase in (Phase.TRAIN, Phase.TEST):
            data, label = layer(database(), transform % kind, phase=phase).forward()
            assert data.shape == (3, 3, 20, 20)
            assert label.shape[2] < 3
        # the middle of the picture is that of the first box, and shows a third of it
        assert label[0, 0, :, 1].tolist() == ([1] if kind == "CENTER" else [-1])


def test_without_any_box(database):
    _, label = layer(database(), "crop_size: 4", phase=Phase.TEST, batch=1).forward()
    assert label.shape == (1, 1, 1, 8)
    run = layer(database(), "crop_size: 4 emit_constraint { emit_type: MIN_OVERLAP emit_overlap: 0.9 }", batch=1)
    np.testing.assert_array_equal(run.forward()[1], np.full((1, 1, 1, 8), -1))


def test_labels_of_whole_images(database):
    _, label = layer(database(typed=False)).forward()
    np.testing.assert_array_equal(label, np.array([1, 2, 3]).reshape(3, 1, 1, 1))
    _, label = layer(database(typed=False), param="anno_type: BBOX").forward()
    assert label.shape == (1, 1, 3, 8)


def test_labels_of_yolo(database):
    param = "yolo_data_type: 1 yolo_data_jitter: 0.2"
    transform = "resize_param { prob: 0.5 height: 60 width: 80 } resize_param { prob: 0.5 height: 90 width: 120 }"
    run = layer(database(difficult=(2,)), transform, param)
    seen = set()
    for _ in range(12):
        data, label = run.forward()
        seen.add(data.shape)
        assert label.shape == (3, 1, 300, 5)
        assert not label[2].any(), "a difficult box is left out"
        assert not label[:, 0, 1:].any()
        for index in range(2):
            kind, x, y, w, h = label[index, 0, 0]
            assert kind == index
            np.testing.assert_allclose((x - w / 2, y - h / 2, x + w / 2, y + h / 2), bright_box(data[index]), atol=0.06)
    assert len(seen) == 2, "each batch has one of the two sizes"


def test_goes_on_where_it_was(database):
    transform = "mirror: true expand_param { max_expand_ratio: 2 } resize_param { height: 32 width: 32 }"
    path = database()
    run, again = (layer(path, transform, batch=2) for _ in range(2))
    run.forward()
    again.layer.restore(run.layer.state())
    for _ in range(3):
        for a, b in zip(run.forward(), again.forward(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_what_it_refuses(database, tmp_path):
    path = database()
    with pytest.raises(ParameterError, match="FIT_SMALL_SIZE makes images of many sizes"):
        layer(path, "resize_param { height: 9 width: 9 resize_mode: FIT_SMALL_SIZE }")
    with pytest.raises(ParameterError, match="0 < min_scale <= max_scale <= 1"):
        layer(path, param="batch_sampler { sampler { min_scale: 0 } }")
    with pytest.raises(ParameterError, match=r"noise_param . clahe . is not implemented"):
        layer(path, "noise_param { clahe: true }")
    with pytest.raises(ParameterError, match="transforms of plugins do not know of boxes"):
        layer(path, "flip_param { }")
    with create_source("LMDB", tmp_path / "plain") as writer:
        writer.put(b"0", annotated(BOXES[0], 0).datum.SerializeToString())
    with pytest.raises(DataError, match="record '0' must be an AnnotatedDatum"):
        layer(tmp_path / "plain", batch=1)


def test_fit_small_size(database):
    run = layer(database(), "resize_param { height: 40 width: 40 resize_mode: FIT_SMALL_SIZE }", batch=1)
    data, label = run.forward()
    assert data.shape == (1, 3, 40, 53)
    assert_boxes_are_bright(data, label)


def test_interpolation_and_colours_are_those_of_opencv():
    cv2 = pytest.importorskip("cv2")
    pixels = np.random.default_rng(5).integers(0, 256, (31, 44, 3), np.uint8)
    for mode in ("LINEAR", "AREA", "NEAREST", "CUBIC", "LANCZOS4"):
        for height, width in ((50, 60), (20, 30), (13, 90)):
            there = cv2.resize(pixels, (width, height), interpolation=getattr(cv2, f"INTER_{mode}"))
            ours = interpolate(pixels, height, width, mode)
            difference = np.abs(ours.astype(int) - there)
            assert difference.max() <= 1, (mode, height, width)
    hsv = cv2.cvtColor(pixels, cv2.COLOR_BGR2HSV)
    assert np.abs(np.stack(to_hsv(pixels), -1).astype(int) - hsv).max() <= 1
    back = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    assert np.abs(from_hsv(*np.moveaxis(hsv, -1, 0)).astype(int) - back).max() <= 1


def test_conditions_of_windows():
    boxes = np.array([[0.2, 0.2, 0.5, 0.6], [0.6, 0.6, 0.9, 0.9]])
    rng = np.random.default_rng(3)
    found = 0
    for condition, holds in (
        ("min_object_coverage: 1", lambda w: any((b[:2] >= w[:2]).all() and (b[2:] <= w[2:]).all() for b in boxes)),
        ("max_object_coverage: 0", lambda w: any((b[:2] >= w[2:]).any() or (b[2:] <= w[:2]).any() for b in boxes)),
        ("min_sample_coverage: 0.9", lambda w: any(area(meet(w, b)) >= 0.9 * area(w) for b in boxes)),
    ):
        text = f"""sampler {{ min_scale: 0.1 max_scale: 0.9 min_aspect_ratio: 0.5 max_aspect_ratio: 2 }}
            sample_constraint {{ {condition} }} max_sample: 1"""
        sampler = message("BatchSampler", text)
        for _ in range(40):
            window = draw_window([sampler], boxes, rng)
            if (window == (0, 0, 1, 1)).all():
                continue
            found += 1
            assert (window >= 0).all()
            assert (window <= 1 + 1e-9).all()
            assert holds(window), condition
    assert found > 60


def meet(a, b):
    return np.concatenate([np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])])


def area(a):
    return np.maximum(a[2:] - a[:2], 0).prod()


def test_colours_against_the_standard_library():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (4, 50, 3), np.uint8)
    hue, saturation, value = to_hsv(pixels)
    for index in np.ndindex(4, 50):
        blue, green, red = pixels[index] / 255
        h, s, v = colorsys.rgb_to_hsv(red, green, blue)
        assert abs((hue[index] - 180 * h + 90) % 180 - 90) <= 0.51
        assert abs(saturation[index] - 255 * s) <= 0.51
        assert abs(value[index] - 255 * v) <= 0.01
        back = colorsys.hsv_to_rgb(hue[index] / 180, saturation[index] / 255, value[index] / 255)
        np.testing.assert_allclose(from_hsv(hue, saturation, value)[index][::-1], np.array(back) * 255, atol=0.51)


def test_distortion_stays_in_its_ranges():
    rng = np.random.default_rng(1)
    pixels = np.full((2, 2, 3), 100, np.uint8)
    param = message("DistortionParameter", "brightness_prob: 1 brightness_delta: 20")
    shades = {int(distort(pixels, param, rng)[0, 0, 0]) for _ in range(200)}
    assert min(shades) >= 80
    assert max(shades) <= 120
    assert len(shades) > 25
    param = message("DistortionParameter", "contrast_prob: 0.5 contrast_lower: 0.5 contrast_upper: 0.6")
    shades = [int(distort(pixels, param, rng)[0, 0, 0]) for _ in range(400)]
    assert set(shades) <= {100, *range(50, 61)}
    assert 140 < shades.count(100) < 260
    grey = message("DistortionParameter", "hue_prob: 1 hue_delta: 18 saturation_prob: 1 saturation_upper: 2")
    np.testing.assert_array_equal(distort(pixels, grey, rng), pixels, "grey has no hue")


def test_noise():
    rng = np.random.default_rng(2)
    pixels = rng.integers(0, 256, (20, 30, 3), np.uint8)

    def noisy(text):
        return add_noise(pixels, message("NoiseParameter", text), rng)

    np.testing.assert_array_equal(noisy("inverse: true"), 255 - pixels)
    np.testing.assert_array_equal(noisy("posterize: true"), np.array([32, 96, 160, 224])[pixels // 64])
    grey = noisy("decolorize: true")
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])
    np.testing.assert_allclose(grey[..., 0], pixels @ [0.114, 0.587, 0.299], atol=0.51)
    peppered = noisy("saltpepper: true saltpepper_param { fraction: 0.1 value: 255 }")
    changed = (peppered != pixels).any(2)
    assert 40 < changed.sum() <= 60
    assert (peppered[changed] == 255).all()
    assert abs(np.median(noisy("hist_eq: true")) - 127) < 20
    assert (noisy("erode: true") <= pixels).all()
    assert noisy("jpeg: 90").shape == pixels.shape
    np.testing.assert_array_equal(noisy("prob: 0.5"), pixels)


@pytest.mark.parametrize("mode", ["LINEAR", "AREA", "NEAREST", "CUBIC", "LANCZOS4"])
def test_interpolation_keeps_what_is_smooth(mode):
    rows, columns = np.mgrid[:30, :40]
    pixels = np.stack([4 * rows + 50, 3 * columns + 50, np.full_like(rows, 77)], -1).astype(np.uint8)
    larger = interpolate(pixels, 45, 60, mode)
    assert larger.shape == (45, 60, 3)
    np.testing.assert_array_equal(larger[..., 2], 77)
    exact = 4 * ((np.arange(45) + 0.5) / 1.5 - 0.5) + 50
    np.testing.assert_allclose(larger[6:-6, 20, 0], exact[6:-6], atol=4.5 if mode == "NEAREST" else 2)
    smaller = interpolate(pixels, 10, 10, mode)
    if mode == "AREA":
        means = pixels.reshape(10, 3, 10, 4, 3).mean((1, 3))
        np.testing.assert_allclose(smaller, means, atol=0.51)
