"""What a metric or curve is called and measured in, declared once for claims, axes and citations alike."""

from collections.abc import Iterable

from keras_reprise.record.fields import Strict


class Metric(Strict, frozen=True, omit_defaults=True):
    """A name as records store it, in words, with its unit: `Metric("cost", "cost of the last batch", "nats", "epoch")`.

    `words` follow "the ..." in a sentence. `per` says what a curve of this name has a value for ("epoch", "layer").
    A setting of the scales or a number of `summarise` may be declared in the same way.
    """

    name: str
    words: str
    unit: str = ""
    per: str = ""


OF_TRAINING = (
    *(
        Metric(f"{data}_{what}", f"{words} {what}", unit, "epoch")
        for what, unit in (("loss", "nats"), ("error", "fraction"))
        for data, words in (("train", "training"), ("test", "test"))
    ),
    Metric("validation_accuracy", "validation accuracy", "fraction", "epoch"),
)
"""What `History` gives under these names, whatever the recipe, and its `accuracy` where images are set apart."""


def by_name(declared: Iterable[Metric]) -> dict[str, Metric]:
    """The declared metrics, and those of training that were not declared otherwise."""
    return {one.name: one for one in (*OF_TRAINING, *declared)}
