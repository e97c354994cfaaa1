"""More and smaller updates explore more, above all at large rates.

Source: "Training" (notes on hyper-parameters), section "Batching"
Data:   cifar10, standardised, flattened
Cost:   quick 17 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run batch-size-exploration --scale full

The notes give no experiment. A 3072-50-10 network with plain SGD sees as many images at every batch
size. How much it explores is how far its weights, all together, are from where they began, and how
long their path was, each as a Euclidean norm. The path is followed from look to look, one every
1,024 images, so that the way of small batches between looks counts too little, never too much.
"""

from itertools import pairwise

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, Recipe, Scale, Source
from keras_reprise import curve, detail, first, last, log, rank_correlation, rule, slope
from keras_reprise.models import dense_classifier
from keras_reprise.rates import Restartable

BATCHES = (8, 16, 32, 64, 128, 256, 512, 1024)
LOOK = BATCHES[-1]


def measure(arm, replicate):
    data, looks = replicate.dataset().standardised().flattened(), replicate.scale.looks

    def build(seeds):
        return dense_classifier(seeds, data.image_shape[0], [50], data.classes)

    network = Restartable(build, data, replicate)

    def walked(batch):
        where = []

        def probe(moment):
            where.append(np.concatenate([part.ravel() for part in moment.model.get_weights()]))
            return {}

        options = {"batch_size": batch, "order": Order("with-replacement", examples=LOOK)}
        network.train(arm.rate, looks, probes=[probe], diverged_factor=None, **options)
        steps = [np.linalg.norm(after - before) for before, after in pairwise(where)]
        distances = [np.linalg.norm(now - where[0]) for now in where]
        return {"distance": distances[-1], "path": np.sum(steps), "at_once": distances[1]}

    trials = replicate.sweep([{"batch": batch} for batch in BATCHES], walked)
    return Measurement(curves=trials.curves("batch", "distance", "path", "at_once"), trials=trials)


RATES = {"low": 0.001, "middle": 0.003, "high": 0.01}


def gain(arm):
    """How much further batches of 8 come than batches of 1,024."""
    return first(arm, "distance") - last(arm, "distance")


def falls(arm, name):
    return rank_correlation(curve(arm, name), curve(arm, "batch")) < -0.9


def steepness(arm):
    return slope(log(curve(arm, "distance")), log(curve(arm, "batch")))


FURTHER = "Distance by batches of 8 minus that by 1,024, at 0.01 minus the same at 0.001"
CLAIMS = (
    *(
        rule(f"smaller-goes-further-{arm}", kind="discrete")
        .says(f"At the rate {rate} the weights go further the smaller the batches are.")
        .must(falls(arm, "distance"))
        for arm, rate in RATES.items()
    ),
    rule("gain-is-larger-at-a-large-rate")
    .says("What small batches add to the distance is more at the largest rate than at the lowest.")
    .must(gain("high") > gain("low"), measures=FURTHER),
    detail("longer-path", kind="discrete")
    .says("Their path is longer, too, at the middle rate.")
    .must(falls("middle", "path")),
    detail("faster", kind="discrete")
    .says("And further after the first 1,024 images already.")
    .must(falls("middle", "at_once")),
    detail("steeper-at-a-large-rate", expectation="MIXED")
    .says("As a ratio, too, the distance falls most steeply with the batch at the largest rate.")
    .must(
        steepness("high") < steepness("low"),
        measures="Slope of log distance over log batch size, at 0.01 minus at 0.001",
    ),
)
PANELS = (Panel("distance", log=True), Panel("path", log=True))

RECIPE = Recipe(
    slug="batch-size-exploration",
    version=1,
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
