"""At equal epochs small batches test better than large ones

Source: Training: notes on data splits, hyper-parameters and optimisation, section "Batching"; both
        budgets after Shallue et al. (2019)
Data:   cifar10, standardised, flattened
Cost:   quick 75 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run batch-size-generalisation --scale full

The notes give no experiment. The network is 3072-50-10; each arm counts with its best rate, which
lies between others that are worse, chosen on one half of the test images and judged on the other.
"""

import keras

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Recipe, Scale, Source, detail
from keras_reprise import metric, rule, snapshot, train
from keras_reprise.models import dense_classifier
from keras_reprise.rates import judged_errors, rate_search, validation_error


def measure(arm, replicate):
    scale, data = replicate.scale, replicate.dataset().standardised().flattened()
    n, size = len(data.y_train), min(arm.batch, len(data.y_train) // 2)
    small_updates = -(-n // 32) * scale.epochs
    updates = small_updates if arm.budget == "updates" else -(-n // size) * scale.epochs
    looks = min(scale.epochs, updates)
    order = Order("with-replacement", examples=size * (updates // looks))
    model = dense_classifier(replicate.seeds, data.image_shape[0], [50], data.classes)
    optimizer = keras.optimizers.SGD()
    restart = snapshot(model, optimizer)

    def trained(rate):
        restart()
        history = train(
            model,
            data,
            replicate,
            optimizer=optimizer,
            learning_rate=rate,
            batch_size=size,
            order=order,
            epochs=looks,
        )
        return {
            "accuracy": 100 - judged_errors(history, looks)[-1],
            "validation": 100 - validation_error(history),
            "train_loss": history.last["train_loss"],
            "examples": history.examples,
            "updates": history.updates,
        }

    trials = {}

    def error(rate):
        (trials[rate],) = replicate.sweep([{"rate": rate}], trained)
        return 100 - trials[rate]["validation"]

    found = rate_search(arm.rates, error)
    best = trials[min(found, key=lambda rate: found[rate])]
    tried = [trials[rate] for rate in found]
    curves = {name: [trial[name] for trial in tried] for name in ("rate", "accuracy")}
    return Measurement(best, curves, trials=tried)


ACCURACY = metric("small", "accuracy")
CLAIMS = (
    rule("small-better-at-equal-epochs", expectation="MIXED")
    .says("At equal epochs the small batch tests better.")
    .must(ACCURACY > metric("large-equal-epochs", "accuracy")),
    detail("large-better-at-equal-updates", expectation="MIXED")
    .says("At equal updates, and so many more epochs, the large batch does.")
    .must(ACCURACY < metric("large-equal-updates", "accuracy")),
    detail("better-at-equal-fit", expectation="MIXED")
    .says("At equal updates the small batch tests better where the large one fits no worse.")
    .must(
        ACCURACY > metric("large-equal-updates", "accuracy"),
        given=metric("large-equal-updates", "train_loss") <= metric("small", "train_loss"),
    ),
)
LOW, HIGH = (0.003, 0.01, 0.03), (0.03, 0.1, 0.3)

RECIPE = Recipe(
    slug="batch-size-generalisation",
    version=2,
    question="Do small batches generalise better, or do they only make more updates?",
    sources=Source("hyperparameters-notes", "Batching"),
    data="cifar10",
    arms=(
        Arm("small", "batches of 32", batch=32, budget="epochs", rates=LOW),
        Arm("large-equal-epochs", "1,024, same epochs", batch=1024, budget="epochs", rates=HIGH),
        Arm("large-equal-updates", "1,024, same updates", batch=1024, budget="updates", rates=HIGH),
    ),
    scales=(Scale("quick", n_train=5_000, n_test=2_000, epochs=6), Scale("full", epochs=20)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Test accuracy by rate", "accuracy", x="rate", x_log=True),
    metrics=(Metric("accuracy", "test accuracy", "percent"), Metric("rate", "learning rate")),
)
