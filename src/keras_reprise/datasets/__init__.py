"""Data sets: what training sees of one, and those that the package can bring, a file each in `datasets/providers/`."""

from keras_reprise.datasets.dataset import Dataset

__all__ = ["Dataset"]
