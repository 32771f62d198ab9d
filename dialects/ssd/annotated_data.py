"""AnnotatedData: images with boxes, from a database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn

from ...data import DataTransformer, Producer, make_transformer, open_source
from ...errors import ParameterError
from ...layers import Arity, Blobs, Phase, Shape, between
from ...layers.data_base import DataLayer
from ..fork_layer import ForkLayer
from ..table import Table
from .records import AnnotatedBatches, BoxRows, ClassLabels, Labels, Recipe, YoloRows, datum_class
from .records.noise import EFFECTS, WITHOUT
from .tables import ANNOTATIONS, LAYERS, TRANSFORM

CHANGES = (*("resize_param", "noise_param", "distort_param", "expand_param", "emit_constraint", "crop_h", "crop_w"),)


class AnnotatedData(ForkLayer, DataLayer):
    """Batches of images and of the boxes in them, from a database of AnnotatedDatums, changed at random for training.

    Tops: ``data``, N × C × H × W in the order blue, green, red; ``label``, if there is a second one, 1 × 1 × boxes × 8:
    all boxes of the batch below each other, as (number of the image, label, instance, xmin, ymin, xmax, ymax,
    difficult) in units of the image's width and height. A batch without boxes has one row of −1. Where records have
    neither a type nor ``anno_type`` is given: N × 1 × 1 × 1, the label of each image. With ``yolo_data_type: 1``
    (MobileNet-YOLO): N × 1 × 300 × 5, for each image (label − 1, centre, size) of its boxes that are not difficult,
    then zeros.

    In ``transform_param``, in this order, each only if given:

    ``distort_param``: brightness, contrast, saturation and hue drawn from their ranges, each with its probability;
    channels in another order (``random_order_prob``). ``expand_param`` with ``prob`` (1), ``max_expand_ratio`` (1): the
    image on a canvas up to so much larger, filled with ``mean_value``.
    Then the samplers of ``annotated_data_param``, below. ``resize_param`` with ``height``, ``width``, ``resize_mode``
    (WARP; FIT_SMALL_SIZE needs ``batch_size: 1``; FIT_LARGE_SIZE_AND_PAD), ``pad_mode`` (CONSTANT), ``pad_value`` (0),
    ``interp_mode`` (LINEAR), one of which is drawn for each image; several ``resize_param`` draw one for each batch, by
    ``prob``. ``noise_param``: each effect switched on takes place with ``prob`` (0: always). ``crop_size`` or
    ``crop_h`` and ``crop_w``; ``mirror``; mean and ``scale`` (see ``DataTransformer``).
    ``emit_constraint``: boxes stay with an expanded or cut image if their centre is in it (``emit_type`` CENTER), or
    more than ``emit_overlap`` of them (MIN_OVERLAP); without it, if anything of them is.

    Parameters, in ``annotated_data_param``: ``batch_sampler``, repeated: each draws up to ``max_trials`` (100) windows
    with the scales and aspect ratios of ``sampler`` and keeps the first ``max_sample`` (all) that meet all of
    ``sample_constraint`` with one box; one window of all samplers is cut out. ``anno_type`` (that of the records);
    ``yolo_data_type`` (0), with ``yolo_data_jitter`` (0.3) in place of samplers, and difficult boxes only with
    ``train_diffcult`` (false); ``label_map_file`` is read and does nothing. In ``data_param``: ``source``,
    ``batch_size``, ``backend`` (LEVELDB) and ``prefetch``, as for Data.
    Errors: ParameterError; FileError for a database that is not there; DataError that names the record.

    Example::

        layer {
          name: "data" type: "AnnotatedData" top: "data" top: "label"
          transform_param { mirror: true mean_value: 104 mean_value: 117 mean_value: 123
                            resize_param { height: 300 width: 300 } emit_constraint { emit_type: CENTER } }
          data_param { source: "trainval_lmdb" batch_size: 32 backend: LMDB }
          annotated_data_param {
            batch_sampler { max_sample: 1 max_trials: 1 }
            batch_sampler { sampler { min_scale: 0.3 } sample_constraint { min_jaccard_overlap: 0.5 } max_sample: 1 }
          }
        }

    Deviations: between its steps SSD stores the image as JPEG each time, Cortado does not; SSD takes a window that
    meets two conditions with two different boxes, Cortado does not. With ``noise_param``, gauss_blur, clahe and other
    colour spaces are refused.
    Source: SSD's AnnotatedData layer (Liu et al., 2016); MobileNet-YOLO's.
    """

    type: ClassVar[str] = "AnnotatedData"
    param_field: ClassVar[str | None] = "annotated_data_param"
    tables: ClassVar[Sequence[Table]] = (ANNOTATIONS, LAYERS, TRANSFORM)
    reads: ClassVar[Sequence[str]] = tuple(f"TransformationParameter.{name}" for name in CHANGES)
    tops: ClassVar[Arity] = between(1, 2)

    def open(self, top: Blobs) -> Producer:
        param: Any = self.config.data_param
        if param.batch_size < 1:
            self._fail_at("batch_size must be at least 1", "data_param", "batch_size", got=param.batch_size)
        recipe = self._recipe()
        if not param.source:
            self._fail_at("source must name a database", "data_param", "source")
        backend = param.DESCRIPTOR.fields_by_name["backend"].enum_type.values_by_number[param.backend].name
        source = open_source(backend, self.context.resolve(param.source), self.context.plugins)
        labels = self._labels(source.first().value) if len(top) > 1 else None
        maker = AnnotatedBatches(source, param.batch_size, labels, recipe, self.streams("transform"), self.share())
        for blob, shape in zip(top, maker.first_shapes(), strict=True):
            blob.reshape(shape)
        return maker

    def shapes_without_data(self) -> Sequence[Shape] | None:
        recipe = self._recipe()
        fixed = [p for p in recipe.resize if p.resize_mode != p.FIT_SMALL_SIZE]
        if not recipe.crop and not fixed:
            return None
        size = recipe.output_size((1, 1), fixed[0] if fixed else None)
        param, count = self.config.transform_param, self.config.data_param.batch_size
        channels = 1 if param.force_gray else 3
        yolo = getattr(self.param, "yolo_data_type", 0)
        return [(count, channels, *size), (count, 1, YoloRows.most, 5) if yolo else (1, 1, 1, 8)]

    def _labels(self, first: bytes) -> Labels:
        """The form of the labels, which the first record decides."""
        if not self.param.HasField("anno_type") and not datum_class().FromString(first).HasField("type"):
            return ClassLabels()
        if getattr(self.param, "yolo_data_type", 0):
            return YoloRows(self.param.train_diffcult)
        return BoxRows()

    def _recipe(self) -> Recipe:
        param = self.config.transform_param
        resize = _blocks(param, "resize_param")
        noise = next(iter(_blocks(param, "noise_param")), None)
        self._check_resize(resize)
        without = [name for name in WITHOUT if noise is not None and getattr(noise, name)]
        if without:
            rule, hint = f"noise_param {{ {without[0]} }} is not implemented", f"there are {', '.join(EFFECTS)}"
            self._fail_at(rule, "transform_param", "noise_param", hint=hint)
        for number, sampler in enumerate(self.param.batch_sampler):
            self._check_sampler(sampler.sampler, number)
        yolo = getattr(self.param, "yolo_data_type", 0)
        if yolo > 1:
            self.fail("yolo_data_type must be 0 or 1", "yolo_data_type", got=yolo)
        return Recipe(
            self._plain_transformer(),
            train=self.phase == Phase.TRAIN,
            distort=next(iter(_blocks(param, "distort_param")), None),
            expand=next(iter(_blocks(param, "expand_param")), None),
            samplers=self.param.batch_sampler,
            jitter=self.param.yolo_data_jitter if yolo else None,
            resize=resize,
            noise=noise,
            crop=self._crop(),
            mirror=param.mirror,
            emit=next(iter(_blocks(param, "emit_constraint")), None),
        )

    def _check_resize(self, resize: Sequence[Any]) -> None:
        for policy in resize:
            if not policy.height or not policy.width:
                self._fail_at("resize_param needs height and width", "transform_param", "resize_param")
            if policy.resize_mode == policy.FIT_SMALL_SIZE and self.config.data_param.batch_size != 1:
                rule = "resize_mode: FIT_SMALL_SIZE makes images of many sizes, and needs batch_size: 1"
                self._fail_at(rule, "data_param", "batch_size", got=self.config.data_param.batch_size)
        if len(resize) > 1 and not any(policy.prob > 0 for policy in resize):
            self._fail_at("one of several resize_param must have a prob above 0", "transform_param", "resize_param")

    def _check_sampler(self, sampler: Any, number: int) -> None:
        if not 0 < sampler.min_scale <= sampler.max_scale <= 1:
            rule = "the scales of a sampler must satisfy 0 < min_scale <= max_scale <= 1"
            got = f"{sampler.min_scale:g} and {sampler.max_scale:g}"
            self.fail(rule, "batch_sampler", number, "sampler", got=got)
        if not 0 < sampler.min_aspect_ratio <= sampler.max_aspect_ratio:
            rule = "the aspect ratios of a sampler must satisfy 0 < min_aspect_ratio <= max_aspect_ratio"
            got = f"{sampler.min_aspect_ratio:g} and {sampler.max_aspect_ratio:g}"
            self.fail(rule, "batch_sampler", number, "sampler", got=got)

    def _crop(self) -> tuple[int, int] | None:
        param = self.config.transform_param
        if param.crop_size:
            crop = (param.crop_size, param.crop_size)
        else:
            crop = (getattr(param, "crop_h", 0), getattr(param, "crop_w", 0))
        if crop[0] and param.mean_file:
            self._fail_at("a crop takes mean_value, not mean_file", "transform_param", "mean_file")
        return crop if crop[0] and crop[1] else None

    def _plain_transformer(self) -> DataTransformer:
        """Mean and scale alone: what moves pixels also moves boxes, and is the recipe's."""
        param = type(self.config.transform_param)()
        param.CopyFrom(self.config.transform_param)
        for field in ("crop_size", "mirror"):
            param.ClearField(field)
        context, train = self.context, self.phase == Phase.TRAIN
        made = make_transformer(param, context.plugins, train, self.dtype, context.resolve, self.transform_position)
        if type(made) is not DataTransformer:
            self._fail_at("the transforms of plugins do not know of boxes", "transform_param")
        return made

    def _fail_at(self, rule: str, *path: str, got: object = None, hint: str | None = None) -> NoReturn:
        """``fail`` at a field of another block than ``annotated_data_param``."""
        where = self.context.position(*path)
        raise ParameterError(rule, where=where, who=self.who, got=None if got is None else str(got), hint=hint)


def _blocks(param: Any, field: str) -> Sequence[Any]:
    """The messages in *field*, which some forks repeat, some do not, and some do not know."""
    known = param.DESCRIPTOR.fields_by_name.get(field)
    if known is None:
        return ()
    value = getattr(param, field)
    if known.is_repeated:
        return list(value)
    return [value] if param.HasField(field) else ()
