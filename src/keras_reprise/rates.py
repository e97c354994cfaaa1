"""One network trained at many learning rates, always from the same initial weights, and what the rates then say.

Networks that are compared each at its best rate need one that lies between others that are worse: `rate_search` goes
on beyond the ends of its rates until it has found it, and `best_run` and `searched` train by it.

Which rate is best is chosen by some draws of the initial weights and told by others: the lowest of many errors is low
by chance, too, and whatever is set against it looks worse than it is.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_reprise.base.errors import RecipeError
from keras_reprise.base.seeds import Seeds
from keras_reprise.datasets import Dataset
from keras_reprise.engine import History, snapshot, train
from keras_reprise.engine.settings import Rate
from keras_reprise.measure.replicate import Replicate
from keras_reprise.recipe.numbers import Trials


class Restartable:
    """A network that is trained as often as asked, each time from the same initial weights; compiles once.

    `build(seeds)` makes the model; `draws` is the number of independent initial weights, draw 0 being those of the
    replicate's own seeds. `optimizer` is SGD where none is given.
    """

    def __init__(
        self,
        build: Callable[[Seeds], keras.Model],
        data: Dataset,
        replicate: Replicate,
        optimizer: keras.optimizers.Optimizer | None = None,
        draws: int = 1,
    ) -> None:
        self.data, self.replicate = data, replicate
        self.model, self.optimizer = build(replicate.seeds), optimizer or keras.optimizers.SGD()
        self.restart = snapshot(self.model, self.optimizer)
        others = [Seeds(replicate.seeds.integer("weights", f"draw {draw}")) for draw in range(1, draws)]
        self.weights = [self.model.get_weights(), *(build(seeds).get_weights() for seeds in others)]

    def train(self, learning_rate: Rate, epochs: int, draw: int = 0, **options: Any) -> History:
        """Train from the initial weights of `draw` on; `options` are those of `engine.train`."""
        self.restart()
        self.model.set_weights(self.weights[draw])
        return train(
            self.model, self.data, self.replicate,
            optimizer=self.optimizer, learning_rate=learning_rate, epochs=epochs, **options,
        )  # fmt: skip


def validation_error(history: History) -> float:
    """The percentage of the first half of the test examples that is misclassified in the end, to choose a rate by."""
    wrong = history.test_wrong[-1]
    return float(100 * wrong[: len(wrong) // 2].mean())


def judged_errors(history: History, epochs: int) -> np.ndarray:
    """The same of the second half, to judge by, after each epoch (epochs,).

    The last goes on where training ended early.
    """
    wrong = 100 * history.test_wrong[1:]
    errors = wrong[:, wrong.shape[1] // 2 :].mean(axis=1)
    return np.concatenate([errors, np.full(epochs - len(errors), errors[-1])])


def tuned(
    network: Restartable, rates: Sequence[float], epochs: int,
    judge: Callable[[History], Mapping[str, Any]],
    criterion: Callable[[History], float] = validation_error, **options: Any,
) -> tuple[Trials, dict[str, Any]]:  # fmt: skip
    """The network at its best rate, which is chosen by one draw of the weights and judged by the others.

    Draw 0 is trained at each rate; the lowest `criterion(history)` is best (no number: never). Every other draw is then
    trained at that rate, and `judge(history)` says what is measured of it while the network has its weights. Returned
    are the trials (rate, criterion) and the means over the draws of what was judged, with the rate. RecipeError for a
    single draw. `options` are those of `engine.train`.
    """
    if len(network.weights) < 2:
        raise RecipeError("A rate that one draw chooses cannot be judged by another draw.\nUse two draws or more.")

    def tried(rate: float) -> dict[str, float]:
        value = criterion(network.train(rate, epochs, **options))
        return {"criterion": value if np.isfinite(value) else np.inf}

    trials = network.replicate.sweep([{"rate": rate} for rate in rates], tried)
    best = min(trials, key=lambda trial: trial["criterion"])["rate"]
    judged = [judge(network.train(best, epochs, draw, **options)) for draw in range(1, len(network.weights))]
    return trials, {"rate": best, **{name: np.mean([one[name] for one in judged], axis=0) for name in judged[0]}}


def rate_search(rates: Sequence[float], tried: Callable[[float], float], further: int = 4) -> dict[float, float]:
    """The criterion (lower is better) of each rate, and of rates beyond an end for as long as the best lies there.

    `rates` are two or more neighbours among ..., 0.01, 0.03, 0.1, ..., else RecipeError; `tried(rate)` gives the
    criterion, and no number counts as infinity. At most `further` rates are added. An end is the best where it is lower
    than all others, not where one is as low; where all are infinite it goes on below. By rate, from the lowest on.
    """
    if len(rates) < 2 or list(rates[1:]) != [_neighbour(rate, up=True) for rate in rates[:-1]]:
        raise RecipeError(f"The rates {list(rates)} are not neighbours among 0.01, 0.03, 0.1, ..., two or more.")

    def criterion(rate: float) -> float:
        value = tried(rate)
        return value if np.isfinite(value) else np.inf

    found = {rate: criterion(rate) for rate in rates}
    for _ in range(further):
        low, high = min(found), max(found)
        second, best = sorted(found, key=lambda rate: found[rate])[1::-1]
        if np.isinf(found[best]):
            best = low
        elif best not in (low, high) or found[best] == found[second]:
            break
        added = _neighbour(best, up=best == high)
        found[added] = criterion(added)
    return dict(sorted(found.items()))


def _neighbour(rate: float, *, up: bool) -> float:
    """The next of ..., 0.01, 0.03, 0.1, ... above the rate, or below it."""
    digit, power = f"{rate:.0e}".split("e")
    if digit == "1":
        return float(f"3e{int(power) - (not up)}")
    return float(f"1e{int(power) + up}")


def best_run(
    network: Restartable, rates: Sequence[float], epochs: int,
    criterion: Callable[[History], float] = validation_error, draw: int = 0, **options: Any,
) -> tuple[float, History]:  # fmt: skip
    """The rate whose `criterion(history)` is lowest, searched from `rates` on (`rate_search`), and its history.

    `options` are those of `engine.train`. The network is left as the last of the runs left it.
    """
    runs: dict[float, History] = {}

    def tried(rate: float) -> float:
        runs[rate] = network.train(rate, epochs, draw, **options)
        return criterion(runs[rate])

    found = rate_search(rates, tried)
    best = min(found, key=lambda rate: found[rate])
    return best, runs[best]


def searched(
    network: Restartable, rates: Sequence[float], epochs: int,
    judge: Callable[[History], Mapping[str, Any]],
    criterion: Callable[[History], float] = validation_error, **options: Any,
) -> tuple[Trials, dict[str, Any]]:  # fmt: skip
    """As `tuned`, but the rate is searched for from `rates` on (`rate_search`), so that none is cut off by their ends.

    The trials are sorted by rate.
    """
    if len(network.weights) < 2:
        raise RecipeError("A rate that one draw chooses cannot be judged by another draw.\nUse two draws or more.")
    trials: dict[float, dict[str, Any]] = {}

    def measured(rate: float) -> dict[str, float]:
        value = criterion(network.train(rate, epochs, **options))
        return {"criterion": value if np.isfinite(value) else np.inf}

    def tried(rate: float) -> float:
        (trials[rate],) = network.replicate.sweep([{"rate": rate}], measured)
        return float(trials[rate]["criterion"])

    found = rate_search(rates, tried)
    best = min(found, key=lambda rate: found[rate])
    judged = [judge(network.train(best, epochs, draw, **options)) for draw in range(1, len(network.weights))]
    means = {name: np.mean([one[name] for one in judged], axis=0) for name in judged[0]}
    return Trials(trials[rate] for rate in found), {"rate": best, **means}


def off_best(errors: np.ndarray, steps: int) -> float:
    """By how much the error is higher `steps` places from the best rate (below it, where negative) than at it.

    `errors` (draws, rates), the rates at equal ratios. For each draw the best rate is that of the lowest mean error of
    the other draws. The mean over the draws; nan where a place lies beyond the rates. RecipeError for a single draw.
    """
    draws, rates = np.shape(errors)
    if draws < 2:
        raise RecipeError("The best rate of one draw cannot be told by another draw.\nUse two draws or more.")
    found = []
    for draw in range(draws):
        best = int(np.argmin(np.delete(errors, draw, axis=0).mean(axis=0)))
        place = best + steps
        found.append(errors[draw, place] - errors[draw, best] if 0 <= place < rates else np.nan)
    return float(np.mean(found))


def diverges(history: History) -> bool:
    """Whether training diverged: the mean loss of an epoch is not finite, is above three times the first loss, or is
    in the end a tenth or more above the loss before training (what it is of one sample or another differs by less)."""
    return history.diverged or not history.curves["train_loss"][-1] < 1.1 * history.initial["test_loss"]


def stable(diverged: Sequence[bool]) -> int:
    """How many rates, from the lowest on, are below the first at which training diverges; all, where it never does."""
    return list(diverged).index(True) if any(diverged) else len(diverged)


def at_best_rate(
    network: Restartable, rates: Sequence[float], epochs: int, draw: int = 0, **options: Any
) -> tuple[float, History]:
    """Train at each of `rates`; the one whose training loss in the last epoch is lowest, and its history.

    A rate that diverged is the best only where all did. `options` are those of `engine.train`.
    """
    found = [(rate, network.train(rate, epochs, draw, **options)) for rate in rates]

    def last_loss(run: tuple[float, History]) -> float:
        loss = run[1].curves["train_loss"][-1]
        return loss if np.isfinite(loss) and not run[1].diverged else np.inf

    return min(found, key=last_loss)


def best_network(
    network: Restartable, rates: Sequence[float], epochs: int, draw: int = 0, **options: Any
) -> tuple[float, History]:
    """As `best_run` by the training loss of the last epoch, and the network is left with the weights of its best run.

    A rate that diverged is the best only where all did; then the weights are the initial ones.
    """
    lowest, weights = np.inf, network.weights[draw]

    def last_loss(history: History) -> float:
        nonlocal lowest, weights
        loss = np.inf if history.diverged else history.curves["train_loss"][-1]
        if loss < lowest:
            lowest, weights = loss, network.model.get_weights()
        return loss

    found = best_run(network, rates, epochs, last_loss, draw, **options)
    network.model.set_weights(weights)
    return found
