"""Make the two databases of this example: handwritten digits of 8 x 8 pixels with values from 0 to 16.

Source: "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, the 1,797 images of its test part,
which 13 people wrote; read here from the copy that comes with scikit-learn (``sklearn.datasets.load_digits``).
https://archive.ics.uci.edu/dataset/80 · https://doi.org/10.24432/C50P49

Licence: CC BY 4.0, https://creativecommons.org/licenses/by/4.0/. Changed: split in two, and stored in another format.

Citation: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998.

What comes out, in the folder of this file:

    train_lmdb    1,437 records
    test_lmdb       360 records, 35 to 37 of each digit

Records are Datums of 1 x 8 x 8 bytes with the digit as label. Which image goes where, and in which order, is drawn once
from a fixed seed, in equal shares for all digits, so everyone gets the same records. Needs: ``pip install
'cortado[lmdb]' scikit-learn``. Usage::

    python examples/digits/make_data.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from cortado.data import create_source
from cortado.data.convert import records_of_arrays

SEED = 1797
TEST_IMAGES = 360


def split(labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the images for training and for testing, each in random order."""
    chosen: list[int] = []
    owed = 0.0
    for digit in range(10):
        images = rng.permutation(np.flatnonzero(labels == digit))
        owed += TEST_IMAGES * len(images) / len(labels)
        count = round(owed - len(chosen))
        chosen.extend(images[:count])
    test = rng.permutation(np.array(chosen))
    train = rng.permutation(np.setdiff1d(np.arange(len(labels)), test))
    return train, test


def main(folder: Path) -> None:
    digits = load_digits()
    images = digits.images.astype(np.uint8)
    train, test = split(digits.target, np.random.Generator(np.random.PCG64(SEED)))
    for name, numbers in (("train_lmdb", train), ("test_lmdb", test)):
        with create_source("LMDB", folder / name) as writer:
            for record in records_of_arrays(images[numbers], digits.target[numbers]):
                writer.put(*record)
        print(f"{len(numbers)} images in {folder / name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
