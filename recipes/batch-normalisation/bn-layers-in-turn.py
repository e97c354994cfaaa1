"""Layers learn one after the other, from the lowest on; with batch normalisation all at once.

Source: "Deep Network Components & Training", slides "Batch normalization - why?" and "Batch
        normalization - how it works?"
Data:   cifar10, standardised, flattened
Cost:   quick 29 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 6 min (one of two workers, Intel Xeon)
Replay: reprise run bn-layers-in-turn --scale full

The slides give no experiment: ten layers of 100 ReLUs from He's weights, plain SGD, batches of 100,
the best of three rates. A layer has finished when what it computes of 500 images is from then on
like what it computes in the end: a similarity of 0.9, linear centred kernel alignment (Kornblith et
al., 2019). As that takes the layers below to be so, its own weights are looked at besides. The
training is done twice, the second time to compare with its end.
"""

import keras
import numpy as np
from scipy.stats import spearmanr

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, Recipe, Scale, Source
from keras_reprise import at, between, count, curve, detail, first, metric, nearest, rule, setting
from keras_reprise.activations import alignment, forward
from keras_reprise.models import normalised_dense
from keras_reprise.rates import Restartable, at_best_rate

DEPTH, RATES, FINISHED = 10, (0.01, 0.03, 0.1), 0.9
WHY, WORKS = "Batch normalization - why?", "Batch normalization - how it works?"


def look_from_which(done):
    """For each layer (layers, looks) the number of the look from which on it is done."""
    return [int(np.flatnonzero(~row)[-1]) + 2 if not row.all() else 1 for row in done]


def rank_of(looks):
    """Rank correlation of depth and look; 0 where all layers finish at the same look."""
    return spearmanr(range(DEPTH), looks).statistic if len(set(looks)) > 1 else 0.0


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale
    sizes = data.image_shape[0], [100] * DEPTH, data.classes

    def build(seeds):
        return normalised_dense(seeds, *sizes, "relu", arm.normalisation)

    network = Restartable(build, data, replicate, draws=scale.draws)
    order, rows = Order("with-replacement", examples=100 * scale.look), []
    names = [f"layer{number}" for number in range(1, DEPTH + 1)]

    def looked_at():
        """What the ten layers' ReLUs give of 500 images, each (500, 100), and their weights."""
        pairs = zip(network.model.layers, forward(network.model, data.x_train[:500]), strict=True)
        outputs = [x for layer, x in pairs if isinstance(layer, keras.layers.Activation)]
        return outputs, [kernel for kernel in network.model.get_weights() if kernel.ndim == 2]

    for draw in range(scale.draws):
        rate, history = at_best_rate(network, RATES, scale.looks, draw, order=order)
        network.train(rate, scale.looks, draw, order=order)
        end = looked_at()

        def probe(end=end):
            pairs = zip(looked_at(), end, strict=True)  # of outputs, and of weights
            alike, away = (zip(names, *pair, strict=False) for pair in pairs)
            found = {name: alignment(now, then) for name, now, then in alike}
            return found | {f"{name} away": np.linalg.norm(now - then) for name, now, then in away}

        again = network.train(rate, scale.looks, draw, order=order, probe=probe)
        like, away = (
            np.array([again.curves[name + kind] for name in names]) for kind in ("", " away")
        )
        start = np.array([[again.initial[f"{name} away"]] for name in names])
        looks = look_from_which(like >= FINISHED)
        weights = look_from_which(away <= start / 2)
        rows.append((rank_of(looks), rank_of(weights), history.last["train_loss"], looks, like))
    ranks, by_weights, loss, looks, like = (np.mean(row, axis=0) for row in zip(*rows, strict=True))
    return Measurement(
        {"in_turn": ranks, "in_turn_by_weights": by_weights, "train_loss": loss},
        {"finished": scale.look * looks, "lowest": like[0], "highest": like[-1]},
    )


# The look from which on the first layer has finished.
DONE = nearest(tuple(range(1, 51)), first("plain", "finished") / setting("look"))
CLAIMS = (
    rule("layers-learn-in-turn", WHY, expectation="MIXED")
    .says("Without batch normalisation lower layers come sooner to what they compute in the end.")
    .must(metric("plain", "in_turn") > 0.5),
    rule("layers-learn-together", WORKS, expectation="MIXED")
    .says("With batch normalisation they come to it in no order.")
    .must(metric("batch-norm", "in_turn"), between(-0.5, 0.5)),
    detail("trains-faster", WORKS)
    .says("With batch normalisation the training loss is lower after as many updates.")
    .must(metric("batch-norm", "train_loss") < metric("plain", "train_loss")),
    detail("in-turn-by-weights", WHY, expectation="MIXED")
    .says("Without it the weights, too, have come half of their way to the end in that order.")
    .must(metric("plain", "in_turn_by_weights") > 0.5),
    detail("together-by-weights", WORKS, expectation="MIXED")
    .says("With batch normalisation they do so in no order.")
    .must(metric("batch-norm", "in_turn_by_weights"), between(-0.5, 0.5)),
    detail("tenth-layer-far-when-first-is-done", WHY, expectation="MIXED")
    .says("When the first layer has finished, the tenth's similarity to its end is below a half.")
    .must(
        at(curve("plain", "highest"), DONE) < 0.5,
        measures="Similarity of the tenth layer to its end when the first has finished, of `plain`",
    ),
    detail("most-finish-at-the-end", WHY, kind="discrete", expectation="MIXED")
    .says("Without batch normalisation most layers finish in the last two looks only.")
    .must(
        count(curve("plain", "finished") > setting("look") * (setting("looks") - 2)) > 5,
        unit="layers",
        measures="Layers, of ten, that finish in the last two looks, of `plain`",
    ),
)

LIKE = Panel(("lowest", "highest"), "similarity to the end", level=0.9, level_label="finished")
RECIPE = Recipe(
    slug="bn-layers-in-turn",
    version=1,
    question="Do layers learn one after the other, and with batch normalisation all at once?",
    sources=(Source("cs231n-slides", WHY), Source("cs231n-slides", WORKS)),
    data="cifar10",
    arms=(
        Arm("plain", "without batch normalisation", normalisation="none"),
        Arm("batch-norm", "batch normalisation before every ReLU", normalisation="before"),
    ),
    scales=(
        Scale("quick", n_train=4_000, n_test=100, look=10, looks=40, draws=1),
        Scale("full", n_test=1_000, look=100, looks=50, draws=3),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves("When layers have finished", "finished"),
        Curves("How like their end layers are", LIKE, columns="arms"),
    ),
    metrics=(
        Metric("in_turn", "rank correlation of a layer's depth and when it finishes"),
        Metric("in_turn_by_weights", "the same, of when its weights are half-way"),
        Metric("finished", "updates until it has finished", "", "layer"),
        Metric("lowest", "similarity of the first layer to its end", "", "look"),
        Metric("highest", "similarity of the tenth layer to its end", "", "look"),
    ),
)
