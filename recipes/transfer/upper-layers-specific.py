"""Upper layers are more specific to the data they were trained on.

Source: "Training" (notes on hyper-parameters), section "When to fine-tune"; the comparison is made
        as by Yosinski et al. (2014), "How transferable are features in deep neural networks?"
Data:   cifar10, standardised: dog, frog and horse as new data; others to learn from are bird, cat
        and deer, or airplane, automobile and ship
Cost:   quick 41 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run upper-layers-specific --scale full

A small convnet of four hidden layers learns half of the images of the new classes, or other
classes. From each hidden layer logistic regression, with the best of three penalties, tells the
new classes apart after learning the other half of their images. What the features of others lose
against the classes' own, in points of error, is how specific the layer is. Penalties are chosen on
half of the test images, errors are those of the other half.
"""

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, detail
from keras_reprise import first, last, rule
from keras_reprise.transfer import DIFFERENT, HIDDEN, NEW, SIMILAR, linear_errors, of_classes
from keras_reprise.transfer import pretrained


def measure(arm, replicate):
    data = replicate.dataset().standardised()
    images = len(of_classes(data, NEW).y_train)
    order = replicate.seeds.generator("data").permutation(images)
    own, probed = order[: images // 2], order[images // 2 :]
    source = of_classes(data, arm.classes, own if arm.classes == NEW else None)
    source = source.first(len(own))  # as many images of other classes as of the own
    model = pretrained(replicate, source, replicate.scale.source_epochs)
    probes = of_classes(data, NEW, probed)

    def probe(layer):
        return {"error": linear_errors(model, probes, layer)["error"]}

    layers = [{"layer": layer} for layer in range(1, HIDDEN + 1)]
    trials = replicate.sweep(layers, probe)
    return Measurement(curves=trials.curves("layer", "error"), trials=trials)


def lost(arm, of):
    """Error of others' features minus that of the own, at the first or the last layer."""
    return of(arm, "error") - of("own", "error")


MEASURES = "Points lost by {} features, last layer minus first"
CLAIMS = (
    rule("upper-layers-lose-more")
    .says(
        "Features of different classes lose more against the own at the last layer than the first."
    )
    .must(
        lost("different", last) > lost("different", first), measures=MEASURES.format("different")
    ),
    detail("so-do-similar")
    .says("So do features of similar classes.")
    .must(lost("similar", last) > lost("similar", first), measures=MEASURES.format("similar")),
    detail("different-lose-more-than-similar")
    .says("At the last layer those of different classes lose more than those of similar ones.")
    .must(last("different", "error") > last("similar", "error")),
    detail("first-layer-is-general")
    .says("At the first layer features of different classes lose less than three points.")
    .must(lost("different", first) < 3),
)

RECIPE = Recipe(
    slug="upper-layers-specific",
    version=1,
    question="Are upper layers more specific to the data they were trained on?",
    sources=Source("hyperparameters-notes", "When to fine-tune"),
    data="cifar10",
    arms=(
        Arm("own", "trained on the new classes", classes=NEW),
        Arm("similar", "trained on bird, cat and deer", classes=SIMILAR),
        Arm("different", "trained on airplane, automobile and ship", classes=DIFFERENT),
    ),
    scales=(
        Scale("quick", n_train=8_000, n_test=6_000, source_epochs=10),
        Scale("full", n_train=40_000, source_epochs=20),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Telling the new classes apart, layer by layer", "error", x="layer"),
    metrics=(
        Metric("layer", "hidden layer"),
        Metric("error", "test error", "percent", "hidden layer"),
    ),
)
