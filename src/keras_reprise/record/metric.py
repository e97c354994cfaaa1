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


KNOWN = (
    *(
        Metric(f"{data}_{what}", f"{words} {what}", unit, "epoch")
        for what, unit in (("loss", "nats"), ("error", "fraction"))
        for data, words in (("train", "training"), ("test", "test"))
    ),
    Metric("validation_accuracy", "validation accuracy", "fraction", "epoch"),
    Metric("rate", "learning rate"),
)
"""What these names mean whatever the recipe: what `History` gives, its `accuracy` where images are set apart, rates."""


def by_name(declared: Iterable[Metric]) -> dict[str, Metric]:
    """The declared metrics, and those known to all recipes that were not declared otherwise."""
    return {one.name: one for one in (*KNOWN, *declared)}
