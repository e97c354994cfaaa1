"""At default rates, decaying, Adam and RMSprop test better than four other optimizers.

Source: Harakeh, lecture 7, slide "Default Baseline Models"; the optimizers are those of
        "Introduction to deep learning", slide "Optimizers"
Data:   cifar10, standardised, flattened
Cost:   quick 27 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run optimizer-shootout --scale full

The documents give no experiment. To start with an optimizer is to take its default rate, Keras's
(0.001 for Adadelta; its paper has none, which is a rate of 1). The details give each the best of
five rates, the default among them, chosen on one half of the test images and judged on the other.
Every rate falls to zero along a cosine. The network is 3072-100-100-100-10.
"""

import keras

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, below_each
from keras_reprise import detail, mean, metric, rule, snapshot, train
from keras_reprise.models import dense_classifier
from keras_reprise.schedules import cosine

OPTIMIZERS = {
    "sgd": keras.optimizers.SGD,
    "nesterov": lambda: keras.optimizers.SGD(momentum=0.9, nesterov=True),
    "adagrad": keras.optimizers.Adagrad,
    "adadelta": keras.optimizers.Adadelta,
    "rmsprop": keras.optimizers.RMSprop,
    "adam": keras.optimizers.Adam,
}


def measure(arm, replicate):
    data, epochs = replicate.dataset().standardised().flattened(), replicate.scale.epochs
    half = len(data.y_test) // 2
    model = dense_classifier(replicate.seeds, data.image_shape[0], [100] * 3, data.classes)
    optimizer = OPTIMIZERS[arm.name]()
    restart = snapshot(model, optimizer)

    def trained(rate):
        restart()
        history = train(
            model,
            data,
            replicate,
            optimizer=optimizer,
            learning_rate=cosine(rate, epochs),
            batch_size=50,
            epochs=epochs,
        )
        wrong = 100 * history.test_wrong[-1]
        return {
            "chosen_by": wrong[:half].mean(),
            "error": wrong[half:].mean(),
            "train_loss": history.last["train_loss"],
            "diverged": history.diverged,
        }

    trials = replicate.sweep([{"rate": rate} for rate in arm.rates], trained)
    tuned = min(trials, key=lambda trial: trial["chosen_by"])
    default = trials[arm.rates.index(arm.default)]
    metrics = {"tuned_rate": tuned["rate"]}
    for name in ("error", "train_loss"):
        metrics |= {f"default_{name}": default[name], f"tuned_{name}": tuned[name]}
    curves = {name: [trial[name] for trial in trials] for name in ("rate", "error", "train_loss")}
    return Measurement(metrics, curves, trials=trials)


def recommended(name):
    """The mean of Adam and RMSprop."""
    return mean(metric("adam", name), metric("rmsprop", name))


def others(name):
    return (metric(arm, name) for arm in ("sgd", "nesterov", "adagrad", "adadelta"))


WORDS = "Mean test error of Adam and RMSprop minus that of {{other}}, {}"
CLAIMS = (
    rule("best-to-start-with")
    .says("At default rates Adam and RMSprop have a lower test error than {other}.")
    .must(
        recommended("default_error"),
        below_each(*others("default_error")),
        measures=WORDS.format("all at default rates"),
    ),
    detail("best-when-tuned", expectation="MIXED")
    .says("And when all are tuned, they have a lower test error than {other}, too.")
    .must(
        recommended("tuned_error"),
        below_each(*others("tuned_error")),
        measures=WORDS.format("all tuned"),
    ),
    *(
        detail(f"{arm}-best-to-start-with")
        .says(f"At its default rate {words} has a lower test error than {{other}}.")
        .must(metric(arm, "default_error"), below_each(*others("default_error")))
        for arm, words in (("adam", "Adam"), ("rmsprop", "RMSprop"))
    ),
    *(
        detail(f"{prefix}trains-faster-than-sgd", "Optimizers")
        .says(f"Tuned, {words} gets to a lower training loss than plain SGD in as many updates.")
        .must(metric(arm, "tuned_train_loss") < metric("sgd", "tuned_train_loss"))
        for prefix, arm, words in (
            ("", "adam", "Adam"),
            ("momentum-", "nesterov", "Nesterov's momentum"),
        )
    ),
)

RECIPE = Recipe(
    slug="optimizer-shootout",
    version=2,
    question="Which optimizer should one start with?",
    sources=(
        Source("training-practice-slides", "Default Baseline Models"),
        Source("dl-recap-slides", "Optimizers"),
    ),
    data="cifar10",
    arms=(
        Arm("sgd", "plain SGD", rates=(0.003, 0.01, 0.03, 0.1, 0.3), default=0.01),
        Arm("nesterov", "momentum 0.9", rates=(0.001, 0.003, 0.01, 0.03, 0.1), default=0.01),
        Arm("adagrad", "Adagrad", rates=(0.001, 0.003, 0.01, 0.03, 0.1), default=0.001),
        Arm("adadelta", "Adadelta", rates=(0.001, 0.03, 0.1, 0.3, 1.0), default=0.001),
        Arm("rmsprop", "RMSprop", rates=(0.0001, 0.0003, 0.001, 0.003, 0.01), default=0.001),
        Arm("adam", "Adam", rates=(0.0001, 0.0003, 0.001, 0.003, 0.01), default=0.001),
    ),
    scales=(
        Scale("quick", n_train=2_000, n_test=2_000, epochs=8),
        Scale("full", n_train=20_000, epochs=20),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Optimizers by rate", ("error", Panel("train_loss", log=True)), x="rate", x_log=True
    ),
    metrics=(
        Metric("rate", "learning rate at first"),
        Metric("error", "test error", "percent", "rate"),
        Metric("train_loss", "training loss", "nats", "rate"),
        Metric("default_error", "test error at the default rate", "percent"),
        Metric("tuned_error", "test error at the best of five rates", "percent"),
        Metric("tuned_train_loss", "training loss at the best of five rates", "nats"),
    ),
)
