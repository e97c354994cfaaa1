"""A common method done properly beats a rare one done carelessly: tune plain SGD.

Source: Harakeh, lecture 7, slide "Advice From The Masters"
Data:   cifar10, standardised, flattened
Cost:   quick 23 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 3 min (one of two workers, Intel Xeon)
Replay: reprise run tuned-sgd-vs-rare --scale full

The lecture gives no experiment and names no algorithm. Here the common one is plain SGD with the
best of nine rates, chosen on one half of the test images and judged on the other; the rare ones are
six of Keras's other optimizers as they come. The network is 3072-100-100-100-10, rates constant.
"""

import keras

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, below_each
from keras_reprise import detail, median, metric, rule, snapshot, train
from keras_reprise.models import dense_classifier
from keras_reprise.search import log_grid

RARE = ("adadelta", "adagrad", "adamax", "ftrl", "lion", "nadam")


def measure(arm, replicate):
    data = replicate.dataset().standardised().flattened()
    model = dense_classifier(replicate.seeds, data.image_shape[0], [100] * 3, data.classes)
    optimizer, half = keras.optimizers.get(arm.name), len(data.y_test) // 2
    restart = snapshot(model, optimizer)

    def trained(rate):
        restart()
        history = train(
            model,
            data,
            replicate,
            optimizer=optimizer,
            learning_rate=rate,
            batch_size=50,
            epochs=replicate.scale.epochs,
        )
        wrong = 100 * history.test_wrong[:, half:].mean(axis=1)
        return {
            "chosen_by": 100 * history.test_wrong[-1, :half].mean(),
            "error": wrong[-1],
            "train_loss": history.last["train_loss"],
        }

    rates = log_grid(1e-3, 1.0, 9) if arm.tuned else [float(optimizer.learning_rate)]
    trials = replicate.sweep([{"rate": rate} for rate in rates], trained)
    best = min(trials, key=lambda trial: trial["chosen_by"])
    curves = {name: [trial[name] for trial in trials] for name in ("rate", "error")}
    return Measurement(best, curves, trials=trials)


SGD, ERRORS = metric("sgd", "error"), [metric(arm, "error") for arm in RARE]
CLAIMS = (
    rule("tuned-sgd-beats-the-typical-rare-one")
    .says("Tuned plain SGD has a lower test error than the typical rare optimizer as it comes.")
    .must(median(*ERRORS) > SGD, measures="Median of six minus tuned SGD"),
    detail("within-a-point-of-each", expectation="MIXED")
    .says("It is better than {other}, or not worse by more than a point.")
    .must(
        SGD - 1,
        below_each(*ERRORS),
        measures="Test error of tuned SGD less one point minus {other}'s",
    ),
)

RECIPE = Recipe(
    slug="tuned-sgd-vs-rare",
    version=1,
    question="Does plain SGD, well tuned, beat rarer optimizers at their defaults?",
    sources=Source("training-practice-slides", "Advice From The Masters"),
    data="cifar10",
    arms=(
        Arm("sgd", "plain SGD, the best of nine rates", tuned=True),
        *(Arm(name, f"{name.capitalize()} as it comes", tuned=False) for name in RARE),
    ),
    scales=(
        Scale("quick", n_train=3_000, n_test=4_000, epochs=8),
        Scale("full", n_train=20_000, epochs=20),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Test error by rate", "error", x="rate", x_log=True),
    metrics=(Metric("rate", "learning rate"), Metric("error", "test error", "percent", "rate")),
)
