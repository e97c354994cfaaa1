"""The documents behind the recipes' sources.

`000:113-139` in a source or claim means lines 113 to 139 of document 000's text.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Document:
    """A document: the number by which claims refer to it, and what it is."""

    number: str
    title: str


DOCUMENTS = {
    "fleuret-2021": Document(
        "000", "François Fleuret, Deep learning, 5.6: Architecture choice and training protocol, slides, 2021"
    ),
    "training-practice-slides": Document(
        "001",
        "Ali Harakeh, Lecture 7: Practical considerations for training deep models, University of Waterloo, "
        "slides, 2017",
    ),
    "hyperparameters-notes": Document(
        "002", "Training: notes on data splits, hyper-parameters and optimisation, undated"
    ),
    "cs231n-slides": Document(
        "003", "Deep network components and training, slides after Stanford's CS231n, with its training logs, undated"
    ),
    "dl-recap-slides": Document(
        "004",
        "Saeed Varastey Yazdi, Introduction to deep learning, Lecture 03: Training the model, Paris, slides, undated",
    ),
}


def described(key: str) -> str:
    """What the document `key` is; nothing for a key that is not one of the project's."""
    document = DOCUMENTS.get(key)
    return f"{document.title} (document {document.number})" if document else ""
