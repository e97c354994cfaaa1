"""A few epochs are enough to see which hyper-parameters work.

Source: "Deep Network Components & Training", slides "CROSS-VALIDATION STRATEGY" and "FOR EXAMPLE:
        RUN COARSE SEARCH"; to go on with the best after a while is successive halving (Jamieson and
        Talwalkar, 2016)
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   quick 50 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run few-epochs-first --scale full

Network, box and trainer are those of the slide's coarse search, which trains for five epochs. Here
every trial is trained for twenty, so that it is known how it would have ended. What is lost is the
accuracy in the end of the best trial minus that of the best among the quarter that is ahead early.
Trials that diverge have an accuracy of 0 from the epoch on in which they do.
"""

import numpy as np
from scipy.stats import spearmanr

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Scatter, Source, at
from keras_reprise import column, curve, detail, rank_correlation, rule
from keras_reprise.search import log_uniform, random_search
from keras_reprise.two_layer import Trainer

EPOCHS, EARLY = 20, (1, 2, 5, 10)


def measure(arm, replicate):
    trainer = Trainer(replicate)

    def trained(learning_rate, reg):
        history = trainer.train(learning_rate, reg, epochs=EPOCHS, decay=0.9)
        accuracy = np.zeros(EPOCHS)
        accuracy[: history.epochs] = history.accuracy
        if history.diverged:  # known when the epoch ends in which it diverged
            accuracy[history.epochs - 1 :] = 0
        early = {f"after_{epoch}": accuracy[epoch - 1] for epoch in EARLY}
        last = {"accuracy": accuracy[-1], "test_error": 1 - accuracy[-1]}
        return early | last | {"diverged": history.diverged}

    space = {"learning_rate": log_uniform(1e-6, 1e-3), "reg": log_uniform(1e-5, 1e5)}
    trials = random_search(replicate, space, replicate.scale.trials, trained)
    final = np.array([trial["accuracy"] for trial in trials])
    lost, agree = [], []
    for epoch in EARLY:
        early = np.array([trial[f"after_{epoch}"] for trial in trials])
        ahead = np.argsort(-early, kind="stable")[: len(trials) // 4]
        lost.append(100 * (final.max() - final[ahead].max()))
        agree.append(spearmanr(early, final).statistic)
    return Measurement(curves={"epochs": EARLY, "lost": lost, "agree": agree}, trials=trials)


def agreement(epochs):
    return rank_correlation(column("coarse", f"after_{epochs}"), column("coarse", "accuracy"))


def measures(epochs):
    return f"Rank correlation of the accuracies after {epochs} and after {EPOCHS} epochs"


STRATEGY, COARSELY = "CROSS-VALIDATION STRATEGY", "FOR EXAMPLE: RUN COARSE SEARCH"
LOST = curve("coarse", "lost")
CLAIMS = (
    rule("five-epochs-rank-the-trials")
    .says("After the slide's five epochs the trials are ordered much as after twenty.")
    .must(agreement(5) > 0.8, measures=measures(5)),
    rule("two-epochs-keep-the-best", kind="discrete")
    .says("The quarter ahead after two epochs holds a trial within a point of the best.")
    .must(
        at(LOST, 2) < 1.0, measures="Accuracy in the end of the best trial minus that of the kept"
    ),
    detail("one-epoch-gives-a-rough-idea")
    .says("Even one epoch orders the trials roughly.")
    .must(agreement(1) > 0.5, measures=measures(1)),
    detail("more-epochs-rank-better")
    .says("Five epochs order the trials better than one.")
    .must(agreement(5) > agreement(1), measures="The same after five epochs minus after one"),
)
FEW = {"color": "after_2", "color_label": "after two epochs"}

RECIPE = Recipe(
    slug="few-epochs-first",
    version=2,
    question="Do a few epochs show which hyper-parameters will be best?",
    sources=(Source("cs231n-slides", STRATEGY), Source("cs231n-slides", COARSELY)),
    data="cifar10",
    arms=(Arm("coarse", "random trials of the coarse box, each trained for twenty epochs"),),
    scales=(Scale("quick", n_train=5_000, n_test=1_000, trials=40), Scale("full", trials=100)),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Scatter("Accuracy after five epochs and in the end", "after_5", "accuracy", **FEW),
        Curves("Choosing early", ("agree", "lost"), x="epochs"),
    ),
    metrics=(
        Metric("accuracy", "accuracy after twenty epochs", "fraction"),
        *(Metric(f"after_{n}", f"accuracy after {n} epochs", "fraction") for n in EARLY),
        Metric("agree", "rank correlation with the end", "", "epochs"),
        Metric("lost", "accuracy lost by keeping a quarter", "points", "epochs"),
        Metric("epochs", "epochs before the choice"),
    ),
)
