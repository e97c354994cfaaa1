"""scikit-learn's digits as they are, 8 x 8 pixels, for recipes that train many small networks within a minute.

The package's data set `digits` has the same images in the shape of CIFAR-10, fifty times as large.
"""

import numpy as np

from keras_reprise.base.seeds import Seeds


def shuffled_digits(seeds: Seeds) -> tuple[np.ndarray, np.ndarray]:
    """All 1,797 digits in an order drawn from the seed: pixels (1797, 64) float32 in 0 to 1, digits (1797,) int32."""
    from sklearn.datasets import load_digits

    images, digits = load_digits(return_X_y=True)
    order = seeds.generator("data", "digits").permutation(len(images))
    return (images[order] / 16).astype("float32"), digits[order].astype("int32")
