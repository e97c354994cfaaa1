"""More and smaller updates explore more, above all at large rates.

Source: "Training" (notes on hyper-parameters), section "Batching"
Data:   cifar10, standardised, flattened
Cost:   quick 17 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run batch-size-exploration --scale full

The notes give no experiment. A 3072-50-10 network with plain SGD sees as many images at every batch
size. How much it explores is how far its weights, all together, are from where they began, and how
long their path was, each as a Euclidean norm. At a look, every 1,024 images, an update is measured;
the path is as long as if all updates up to the next look were like it.
"""

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, Recipe, Scale, Source
from keras_reprise import curve, detail, log, rank_correlation, rule, slope
from keras_reprise.models import dense_classifier
from keras_reprise.rates import Restartable

BATCHES = (8, 16, 32, 64, 128, 256, 512, 1024)
LOOK = BATCHES[-1]


def apart(some, others):
    """The Euclidean distance of all weights together."""
    return sum(np.square(one - other).sum() for one, other in zip(some, others, strict=True)) ** 0.5


def measure(arm, replicate):
    data, looks = replicate.dataset().standardised().flattened(), replicate.scale.looks

    def build(seeds):
        return dense_classifier(seeds, data.image_shape[0], [50], data.classes)

    network = Restartable(build, data, replicate)

    def look(moment):
        """How far the weights are from the initial ones, and how far the next update takes them."""
        before, after = zip(*moment.trial_update().values(), strict=True)
        start = network.weights[0]
        return {"distance": apart(moment.model.get_weights(), start), "step": apart(after, before)}

    def walked(batch):
        options = {"batch_size": batch, "order": Order("with-replacement", examples=LOOK)}
        history = network.train(arm.rate, looks, probes=[look], diverged_factor=None, **options)
        distances, steps = history.curves["distance"], history.curves["step"]
        path = LOOK // batch * (history.initial["step"] + sum(steps[:-1]))
        return {"distance": distances[-1], "path": path, "at_once": distances[0]}

    trials = replicate.sweep([{"batch": batch} for batch in BATCHES], walked)
    return Measurement(curves=trials.curves("batch", "distance", "path", "at_once"), trials=trials)


RATES = {"low": 0.001, "middle": 0.003, "high": 0.01}


def falls(arm, name):
    return rank_correlation(curve(arm, name), curve(arm, "batch")) < -0.9


def steepness(arm):
    return slope(log(curve(arm, "distance")), log(curve(arm, "batch")))


STEEPER = "Slope of log distance over log batch size, at 0.01 minus at 0.001"
CLAIMS = (
    *(
        rule(f"smaller-goes-further-{arm}", kind="discrete")
        .says(f"At the rate {rate} the weights go further the smaller the batches are.")
        .must(falls(arm, "distance"))
        for arm, rate in RATES.items()
    ),
    rule("falls-more-steeply-at-a-large-rate", expectation="MIXED")
    .says("By a larger ratio at the largest rate: there the distance falls most steeply with them.")
    .must(steepness("high") < steepness("low"), measures=STEEPER),
    detail("longer-path-by-updates", kind="discrete")
    .says("Their path is longer, too, at the middle rate.")
    .must(falls("middle", "path")),
    detail("faster", kind="discrete")
    .says("And further after the first 1,024 images already.")
    .must(falls("middle", "at_once")),
)
PANELS = (Panel("distance", log=True), Panel("path", log=True))

RECIPE = Recipe(
    slug="batch-size-exploration",
    version=2,
    question="Do more and smaller updates explore more of the weights' space?",
    sources=Source("hyperparameters-notes", "Batching"),
    data="cifar10",
    arms=tuple(Arm(arm, f"rate {rate}", rate=rate) for arm, rate in RATES.items()),
    scales=(Scale("quick", n_train=10_000, n_test=500, looks=20), Scale("full", looks=240)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("How far the weights go", PANELS, x="batch", x_log=True),
    metrics=(
        Metric("batch", "batch size"),
        Metric("distance", "distance of the weights from the start", "", "batch size"),
        Metric("path", "length of the weights' path", "", "batch size"),
        Metric("at_once", "distance after the first 1,024 images", "", "batch size"),
    ),
)
