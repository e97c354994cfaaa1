"""The engine gives the numbers of `model.fit`; what it adds (resume, forks, divergence) leaves them unchanged."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_cases import DyingSession, Killed, Session, convnet, made_data, made_pixels

from keras_reprise.base.arrays import freeze
from keras_reprise.engine import Target, activation_statistics, gradients, train
from keras_reprise.engine import training as trainings
from keras_reprise.engine.backends import start
from keras_reprise.run.kept import Checkpoints
from keras_reprise.schedules import steps

keras = pytest.importorskip("keras")


@pytest.fixture
def data():
    return made_data()


OPTIMIZERS = {"momentum": lambda: keras.optimizers.SGD(0.05, momentum=0.9), "adam": lambda: keras.optimizers.Adam(1e-3)}


@pytest.mark.parametrize("optimizer", ["momentum", pytest.param("adam", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "extras",
    [pytest.param(False, id="plain"), pytest.param(True, id="batch-norm-and-dropout", marks=pytest.mark.slow)],
)
def test_numbers_equal_those_of_fit_given_the_same_batches(data, extras, optimizer):
    session, ours, theirs = Session(), convnet(extras), convnet(extras)
    history = train(ours, data, session, optimizer=OPTIMIZERS[optimizer](), batch_size=50, epochs=3)
    theirs.compile(
        OPTIMIZERS[optimizer](), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    expected: dict[str, list[float]] = {"train_loss": [], "train_error": [], "test_loss": [], "test_error": []}
    for epoch in (1, 2, 3):
        order = session.seeds.permutation(130, epoch)
        fitted = theirs.fit(
            data.x_train[order],
            data.y_train[order],
            batch_size=50,
            shuffle=False,
            verbose=0,
            validation_data=(data.x_test, data.y_test),
        ).history
        expected["train_loss"] += fitted["loss"]
        expected["test_loss"] += fitted["val_loss"]
        expected["train_error"] += [1 - fitted["accuracy"][0]]
        expected["test_error"] += [1 - fitted["val_accuracy"][0]]
    for name, values in expected.items():
        assert history.curves[name] == pytest.approx(values, rel=1e-4, abs=1e-6), name
    for a, b in zip(ours.variables, theirs.variables, strict=True):
        a, b = keras.ops.convert_to_numpy(a), keras.ops.convert_to_numpy(b)
        assert np.allclose(a, b, rtol=1e-3, atol=1e-3), "non-trainable state and seed generators included"


def compiled_once(folder):
    """JAX keeps what it compiles, so that tests which train the same network compile it once."""
    return {"JAX_COMPILATION_CACHE_DIR": str(folder), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}


OTHERS = [name for name in ("jax", "torch") if name != os.environ.get("KERAS_BACKEND")]


@pytest.mark.slow
@pytest.mark.longest
@pytest.mark.skipif(
    "KERAS_BACKEND" in os.environ, reason="these processes are started by the tests on the first backend"
)
@pytest.mark.parametrize("file", ["engine", "training_options", "selfcheck"])
@pytest.mark.parametrize("name", OTHERS)
def test_the_engines_tests_pass_on_the_other_backends(name, file, tmp_path):
    if name not in start.installed():
        pytest.skip(f"{name} is not installed")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            str(Path(__file__).with_name(f"test_{file}.py")),
        ],
        env={**os.environ, "KERAS_BACKEND": name, **compiled_once(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_schedule_sets_the_rate_of_every_epoch(data):
    still = train(
        convnet(False),
        data,
        Session(),
        optimizer=keras.optimizers.SGD(),
        learning_rate=steps({0: 0.05, 1: 0.0}),
        batch_size=50,
        epochs=3,
    )
    assert still.curves["test_loss"][0] == still.curves["test_loss"][1] == still.curves["test_loss"][2]
    assert still.initial["test_loss"] != still.curves["test_loss"][0]


def test_an_optimizers_own_schedule_is_left_alone(data):
    decay = keras.optimizers.schedules.PiecewiseConstantDecay([2], [0.05, 0.0])  # three updates of the first epoch
    history = train(convnet(False), data, Session(), optimizer=keras.optimizers.SGD(decay), batch_size=50, epochs=2)
    assert history.curves["test_loss"][0] == history.curves["test_loss"][1]


def test_per_sample_losses_average_to_the_epochs_loss(data):
    history = train(
        convnet(False),
        data,
        Session(),
        optimizer=keras.optimizers.SGD(),
        learning_rate=0.05,
        batch_size=50,
        epochs=2,
        sample_epochs=(0, 2),
        sample_size=40,
    )
    penalty = history.curves["test_loss"][-1] - history.test_losses[-1].mean()
    assert history.test_losses.shape == history.test_wrong.shape == (3, 70)
    assert 0 < penalty < 0.1
    assert history.test_wrong[-1].mean() == pytest.approx(history.curves["test_error"][-1])
    assert history.accuracy.tolist() == pytest.approx((~history.test_wrong[1:]).mean(axis=1).tolist())
    assert {epoch: len(losses) for epoch, losses in history.train_losses.items()} == {0: 40, 2: 40}


def test_divergence_is_reported_and_ends_training(data):
    history = train(
        convnet(False), data, Session(), optimizer=keras.optimizers.SGD(), learning_rate=1e6, batch_size=50, epochs=9
    )
    assert history.diverged
    assert history.epochs < 9


def test_training_continued_from_a_checkpoint_ends_with_the_same_bits(data, tmp_path, monkeypatch):
    settings: dict[str, Any] = {"learning_rate": 0.05, "batch_size": 50, "sample_epochs": (0, 2, 4), "sample_size": 20}
    whole = Session()
    expected = train(convnet(True), data, whole, optimizer=keras.optimizers.SGD(momentum=0.9), epochs=5, **settings)
    monkeypatch.setattr(trainings, "SAVE_EVERY_S", 0.0)
    killed, continued = DyingSession(Checkpoints(tmp_path)), Session(Checkpoints(tmp_path))
    with pytest.raises(Killed):
        train(convnet(True), data, killed, optimizer=keras.optimizers.SGD(momentum=0.9), epochs=5, **settings)
    assert len(list(tmp_path.glob("*.npz"))) == 1
    history = train(convnet(True), data, continued, optimizer=keras.optimizers.SGD(momentum=0.9), epochs=5, **settings)
    assert continued.epochs == [4, 5]
    assert history.curves == expected.curves
    assert np.array_equal(history.test_losses, expected.test_losses)
    assert np.array_equal(history.train_losses[2], expected.train_losses[2])
    assert continued.digests == whole.digests


def test_a_bfloat16_model_continued_from_a_checkpoint_ends_with_the_same_bits(data, tmp_path, monkeypatch):
    def run(session):
        glorot = keras.initializers.GlorotUniform(1)
        logits = keras.layers.Dense(4, kernel_initializer=glorot, dtype="bfloat16")
        model = keras.Sequential([keras.Input((10, 10, 3)), keras.layers.Flatten(), logits])
        return train(model, data, session, optimizer=keras.optimizers.SGD(0.05, momentum=0.9), batch_size=50, epochs=5)

    whole = Session()
    expected = run(whole)
    monkeypatch.setattr(trainings, "SAVE_EVERY_S", 0.0)
    with pytest.raises(Killed):
        run(DyingSession(Checkpoints(tmp_path)))
    continued = Session(Checkpoints(tmp_path))
    assert run(continued).curves == expected.curves
    assert (continued.epochs, continued.digests) == ([4, 5], whole.digests)


def test_arms_that_agree_up_to_an_epoch_share_it_and_others_do_not(data, tmp_path):
    def run(rates, seed_session):
        return train(
            convnet(False),
            data,
            seed_session,
            optimizer=keras.optimizers.SGD(),
            learning_rate=steps(rates),
            batch_size=50,
            epochs=4,
            fork_at=(2,),
        )

    first, second, third = (Session(Checkpoints(tmp_path)) for _ in range(3))
    run({0: 0.05}, first)
    forked = run({0: 0.05, 2: 0.01}, second)
    run({0: 0.04, 2: 0.01}, third)
    alone = run({0: 0.05, 2: 0.01}, Session())
    assert (first.epochs, second.epochs, third.epochs) == ([1, 2, 3, 4], [3, 4], [1, 2, 3, 4])
    assert forked.curves == alone.curves


def dense():
    glorot = keras.initializers.GlorotUniform(1)
    flat = keras.layers.Flatten()
    return keras.Sequential([keras.Input((10, 10, 3)), flat, keras.layers.Dense(4, kernel_initializer=glorot)])


def arm(data, checkpoints=None, place="arm 0 0", **options: Any):
    """The epochs that were trained for an arm of four epochs, and its history."""
    session = Session(checkpoints)
    session.place = place
    settings: dict[str, Any] = {"optimizer": keras.optimizers.SGD(0.01), "batch_size": 50, "epochs": 4} | options
    history = train(dense(), data, session, **settings)
    return session.epochs, history


def test_no_arm_goes_on_from_what_another_kept_for_itself(data, tmp_path, monkeypatch):
    monkeypatch.setattr(trainings, "SAVE_EVERY_S", 0.0)
    kept, stop = Checkpoints(tmp_path), Target("train_loss", 1e9)  # reached after the first epoch
    arm(data, kept, "long 0 0")
    epochs, early = arm(data, kept, "early 0 0", stop=stop)
    assert epochs == [1]
    assert early.curves == arm(data, stop=stop)[1].curves
    assert arm(data, kept, "long 0 0")[0] == [4], "the arm itself does"


def test_an_arm_that_ends_before_a_fork_takes_an_earlier_one_or_none(data, tmp_path):
    losses = arm(data)[1].curves["train_loss"]
    assert losses[1] < losses[0]
    for forks, epochs in (((3,), [1, 2]), ((2,), [1, 2]), ((1, 3), [2])):
        kept, stop = Checkpoints(tmp_path / str(forks)), Target("train_loss", losses[1])
        arm(data, kept, "long 0 0", fork_at=forks)
        trained, history = arm(data, kept, "early 0 0", stop=stop)
        assert (trained, history.curves["train_loss"], history.stopped) == (epochs, losses[:2], True)


def test_an_arm_that_diverges_before_a_fork_does_not_start_there(data, tmp_path):
    kept = Checkpoints(tmp_path)
    arm(data, kept, "long 0 0", fork_at=(3,), diverged_factor=None)
    epochs, history = arm(data, kept, "strict 0 0", diverged_factor=0.1)
    assert (epochs, history.diverged) == ([1], True)
    assert arm(data, kept, "lenient 0 0", diverged_factor=100.0)[0] == [4]


def decayed(**excluded: Any):
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(**excluded)
    return {"optimizer": optimizer}


def top(k: int):
    return {"metrics": [keras.metrics.SparseTopKCategoricalAccuracy(k, name="top")]}


def probed(n: int):
    return {"probes": [activation_statistics(n)]}


def with_a_probe_of_its_own():
    seen: list[int] = []

    def looks(moment):
        seen.append(moment.epoch)
        return {"looks": float(len(seen))}

    return {"probes": [looks]}


FORKS: dict[str, tuple[Any, Any, list[int]]] = {
    "weight decay of the same weights": (
        lambda: decayed(var_names=["bias"]),
        lambda: decayed(var_names=["bias"]),
        [3, 4],
    ),
    "weight decay of other weights": (decayed, lambda: decayed(var_names=["kernel"]), [1, 2, 3, 4]),
    "the same metric": (lambda: top(2), lambda: top(2), [3, 4]),
    "a metric of the same name": (lambda: top(2), lambda: top(3), [1, 2, 3, 4]),
    "the same probe": (lambda: probed(20), lambda: probed(20), [3, 4]),
    "a probe of other examples": (lambda: probed(20), lambda: probed(40), [1, 2, 3, 4]),
    "a probe that remembers": (with_a_probe_of_its_own, with_a_probe_of_its_own, [1, 2, 3, 4]),
}


@pytest.mark.parametrize("case", FORKS)
def test_arms_share_a_fork_where_all_that_their_numbers_depend_on_is_the_same(data, tmp_path, case):
    first, second, expected = FORKS[case]
    kept = Checkpoints(tmp_path)
    arm(data, kept, "first 0 0", fork_at=(2,), **first())
    epochs, history = arm(data, kept, "second 0 0", **second())
    assert epochs == expected
    assert history.curves == arm(data, **second())[1].curves


@pytest.mark.parametrize("form", ["probe", "probes"])
def test_a_probe_becomes_a_curve(data, form):
    model = convnet(False)

    def norm(moment=None):
        return {"norm": float(np.linalg.norm(keras.ops.convert_to_numpy(model.layers[-1].kernel)))}

    options: dict[str, Any] = {form: norm if form == "probe" else (norm,)}
    history = train(model, data, Session(), optimizer=keras.optimizers.SGD(0.05), batch_size=50, epochs=2, **options)
    assert len(history.curves["norm"]) == 2
    assert history.initial["norm"] != history.curves["norm"][0]


def test_gradients_match_finite_differences():
    x = np.random.default_rng(1).normal(size=(8, 5)).astype(np.float32)
    y = np.arange(8, dtype=np.int32) % 3
    model = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(3, kernel_initializer=keras.initializers.GlorotUniform(1), name="logits"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    found = gradients(model, [x], y, loss)
    kernel = keras.ops.convert_to_numpy(model.layers[0].kernel).astype(np.float64)

    def value(weights, inputs):
        logits = inputs @ weights
        return float(np.mean(np.log(np.exp(logits).sum(1)) - logits[np.arange(8), y]))

    for i, j in ((0, 0), (4, 2)):
        step = np.zeros_like(kernel)
        step[i, j] = 1e-5
        assert found.weights["logits/kernel"][i, j] == pytest.approx(
            (value(kernel + step, x) - value(kernel - step, x)) / 2e-5, abs=1e-5
        )
    nudge = np.zeros(x.shape)
    nudge[3, 1] = 1e-5
    assert found.inputs[0][3, 1] == pytest.approx(
        (value(kernel, x + nudge) - value(kernel, x - nudge)) / 2e-5, abs=1e-5
    )


def test_a_model_without_weights_has_gradients_of_its_inputs():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Activation("tanh")])
    x = np.array([[0.5], [-2.0]], np.float32)
    loss = keras.losses.MeanAbsoluteError(reduction="sum")
    found = gradients(model, [x], np.full((2, 1), -10.0, np.float32), loss)
    assert found.weights == {}
    np.testing.assert_allclose(found.inputs[0], 1 - np.tanh(x) ** 2, rtol=1e-5)


@pytest.mark.parametrize("through_a_view", [False, True])
def test_what_is_evaluated_is_kept_only_where_it_cannot_change(through_a_view):
    """Test images that nothing can change stay on the device; those that become others between epochs are evaluated as
    others, be it through another array of the same memory."""

    class Changing(Session):
        def progress(self, epoch, epochs, loss):
            super().progress(epoch, epochs, loss)
            if epoch == 2:
                changed.stored_test[:] = 255 - changed.stored_test

    def losses(data, session):
        history = train(convnet(), data, session, optimizer=OPTIMIZERS["momentum"](), batch_size=50, epochs=3)
        return history.test_losses

    changed, still = made_pixels().standardised(), made_pixels().standardised()
    for kept in (still.stored_test, still.y_test):
        freeze(kept)
    shown = changed
    if through_a_view:
        shown = replace(changed, stored_test=changed.stored_test.view())
        for read_only in (shown.stored_test, shown.y_test):
            read_only.setflags(write=False)
    before, after = losses(still, Session()), losses(shown, Changing())
    other = losses(replace(still, stored_test=255 - still.stored_test), Session())
    assert np.array_equal(after[:-1], before[:-1])
    assert np.array_equal(after[-1], other[-1])
    assert not np.array_equal(after[-1], before[-1])
