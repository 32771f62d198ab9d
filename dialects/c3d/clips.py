"""Clips of videos whose frames are image files: the lines of a list, and batches of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ...data import Batch, DataTransformer, Picker, Stream, images
from ...errors import DataError
from ...layers import Array, Shape
from ...layers.record_batches import RecordBatches
from ...proto import read_text


class Clip(NamedTuple):
    """A line of the list: the folder of the frames, the number of the first one, and the label."""

    folder: str
    start: int
    label: int


class Clips:
    """The lines of a list, to be picked by number."""

    def __init__(self, path: Path) -> None:
        self.lines: list[Clip] = []
        for number, line in enumerate(read_text(path).splitlines(), 1):
            if line.strip():
                self.lines.append(_clip(line, f"{path}:{number}"))
        if not self.lines:
            raise DataError("the list of clips must not be empty", where=str(path))

    def __len__(self) -> int:
        return len(self.lines)

    def get(self, index: int) -> Clip:
        return self.lines[index]


def _clip(line: str, where: str) -> Clip:
    parts = line.strip().rsplit(maxsplit=2)
    try:
        return Clip(parts[0], int(parts[1]), int(parts[2]))
    except (IndexError, ValueError):
        rule = "each line must be a folder, the number of the first frame, and a label"
        raise DataError(rule, where=where, got=repr(line[:60]), hint="such as: v_Archery_g01_c01/ 17 0") from None


class ClipReader:
    """Reads the frames of a clip, less the *mean*: L arrays of 3 × H × W."""

    def __init__(
        self, find: Callable[[str], Path], size: tuple[int, int], length: int, rate: int, mean: Array | None
    ) -> None:
        self.find, self.size, self.length, self.rate, self.mean = find, size, length, rate, mean

    def __call__(self, clip: Clip) -> list[Array]:
        folder = clip.folder.rstrip("/")
        numbers = range(clip.start, clip.start + self.length * self.rate, self.rate)
        paths = [self.find(f"{folder}/{number:06d}.jpg") for number in numbers]
        frames = [images.to_planes(images.read_image(path, True, *self.size)) for path in paths]
        if self.mean is None:
            return frames
        shape = frames[0].shape
        wanted = shape if self.mean.ndim == 3 else (shape[0], self.length, *shape[1:])
        if self.mean.shape != wanted:
            rule = "clips must have the size of the mean in mean_file, " + "x".join(map(str, self.mean.shape))
            raise DataError(
                rule, got=f"{clip.folder} of {'x'.join(map(str, wanted))}", hint="see new_length, new_height"
            )
        means = [self.mean] * self.length if self.mean.ndim == 3 else [self.mean[:, i] for i in range(self.length)]
        return [frame - mean for frame, mean in zip(frames, means, strict=True)]


class ClipBatches(RecordBatches):
    """Makes batches of clips."""

    def __init__(
        self,
        lines: Picker[Clip],
        reader: ClipReader,
        count: int,
        transformer: DataTransformer,
        streams: Stream,
        share: tuple[int, int],
    ) -> None:
        self.lines, self.reader, self.count, self.transformer = lines, reader, count, transformer
        super().__init__(lines, streams, share)

    def first_shape(self) -> Shape:
        """The shape that the first clip gets, after a check that it can be transformed."""
        start = self.lines.position
        frames = self.reader(next(self.lines))
        self.lines.seek(start)
        self.transformer.check(frames[0].shape)
        channels, *size = self.transformer.output_shape(frames[0].shape)
        return (channels, len(frames), *size)

    def fill(self, batch: Batch) -> None:
        draws = self.transformer.draw(self.stream(), self.count)
        labels = batch.array(1, (self.count,))
        names: list[str] = []
        for index in range(self.count):
            clip = next(self.lines)
            names.append(f"clip {clip.folder} from frame {clip.start}")
            frames = self.reader(clip)
            if index == 0:
                channels, *size = self.transformer.output_shape(frames[0].shape)
                out = batch.array(0, (self.count, channels, len(frames), *size))
            draw = None if draws is None else draws[index]
            for number, frame in enumerate(frames):
                self.transformer.apply(frame, out[index][:, number], draw, names[-1])
            labels[index] = clip.label
        batch.names = names
        self.batches += 1
