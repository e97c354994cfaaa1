"""What `train` can do beside its defaults: each option leaves the others' numbers alone, and bad input is refused first."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from engine_cases import DyingSession, Killed, Session, convnet, made_data, made_pixels

from keras_reprise.base.errors import DataError, RecipeError
from keras_reprise.engine import (
    Member,
    Order,
    Patience,
    Target,
    activation_statistics,
    batches,
    gradient_statistics,
    preparing,
    snapshot,
    structure,
    train,
    train_together,
    update_ratios,
    weight_norms,
)
from keras_reprise.engine.backends import start
from keras_reprise.run.kept import Checkpoints
from keras_reprise.schedules import Plateau, cosine, geometric, per_epoch

keras = pytest.importorskip("keras")
BACKEND = keras.backend.backend()


@pytest.fixture
def data():
    return made_data()


def trained(data, session=None, model=None, **options: Any):
    settings: dict[str, Any] = {"learning_rate": 0.05, "batch_size": 50, "epochs": 3} | options
    optimizer = settings.pop("optimizer", None) or keras.optimizers.SGD(momentum=0.9)
    return train(model or convnet(), data, session or Session(), optimizer=optimizer, **settings)


def test_images_scaled_on_the_device_train_as_images_scaled_before(monkeypatch):
    pixels = made_pixels().standardised()
    floats = replace(pixels, stored_train=pixels.x_train, stored_test=pixels.x_test, scaling=None)
    expected = trained(floats).curves["train_loss"]
    assert trained(pixels).curves["train_loss"] == pytest.approx(expected, rel=1e-5)
    monkeypatch.setattr(batches, "SCALED_AT_ONCE_BYTES", 0)  # each batch as it is used
    assert trained(pixels).curves["train_loss"] == pytest.approx(expected, rel=1e-5)


def test_floats_are_not_standardised_a_second_time(data):
    with pytest.raises(DataError, match="float32"):
        data.standardised()


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow cuts batches")
def test_a_batch_in_shards_gives_the_numbers_of_a_whole_one(data, monkeypatch):
    from keras_reprise.engine.backends import tensorflow_program

    found = {}
    for shards in (1, 2, 3):
        monkeypatch.setattr(tensorflow_program, "shard_count", lambda size, shards=shards: shards)
        found[shards] = trained(data)
    assert found[2].curves["train_loss"] == pytest.approx(found[1].curves["train_loss"], rel=1e-5)
    assert found[3].curves == {name: pytest.approx(values, rel=1e-5) for name, values in found[1].curves.items()}


@pytest.mark.skipif(BACKEND != "jax", reason="only JAX has two ways")
def test_one_call_per_epoch_gives_the_numbers_of_a_call_per_update(data, monkeypatch):
    from keras_reprise.engine.backends import jax_program

    by_update = trained(data)
    monkeypatch.setattr(jax_program, "device", lambda: "gpu")  # where convolutions are as fast in a loop
    assert trained(data).curves == {name: pytest.approx(values, rel=1e-5) for name, values in by_update.curves.items()}


@pytest.mark.skipif(BACKEND != "jax", reason="executables are JAX's")
def test_programs_that_differ_in_a_constant_are_compiled_apart():
    from keras_reprise.engine.backends.jax_compiling import compiled

    x, kernel = np.ones((2, 100), np.float32), np.zeros((100, 100), np.float32)
    other = kernel.copy()
    other[50, 50] = 1.0
    results = [np.asarray(compiled(lambda x, k=k: x @ k, x)(x)).sum() for k in (kernel, other)]
    assert results == [0.0, 2.0]


def test_operations_that_mix_examples_or_draw_numbers_are_told_from_others():
    def alone(model, training=True):
        return structure.acts_on_single_examples(model, training=training)

    layers, ops = keras.layers, keras.ops
    assert alone(convnet(extras=False))
    assert not alone(convnet(extras=True))
    assert alone(convnet(extras=True), training=False)
    for layer in (
        layers.Dense(2, activity_regularizer="l2"),
        layers.Dense(2, activation=lambda x: x - ops.mean(x, 0)),
        layers.Softmax(axis=0),
        layers.Lambda(lambda x: x),
    ):
        assert not alone(keras.Sequential([keras.Input((3,)), layer])), layer
    x = keras.Input((3,))
    hidden = layers.Dense(4)(x)
    assert alone(keras.Model(x, hidden + layers.Dense(4)(x)))
    assert not alone(keras.Model(x, hidden - ops.mean(hidden, axis=0, keepdims=True)))
    nested = keras.Sequential([keras.Input((4,)), layers.BatchNormalization()])
    assert not alone(keras.Model(x, nested(hidden)))


def test_streamed_data_train_to_the_same_numbers(data, monkeypatch):
    monkeypatch.setattr(preparing, "CHUNK_BYTES", 60 * data.stored_train[0].nbytes)  # one batch of 50 at a time
    assert trained(data, streamed=True).curves == {
        name: pytest.approx(values, rel=1e-6) for name, values in trained(data).curves.items()
    }


def test_data_larger_than_half_the_memory_are_streamed(data, monkeypatch):
    used = []

    def run(self, *arguments):
        used.append(self)
        return self.program.run(self.program.place(self.data.stored_train, self.data.y_train), *arguments)

    monkeypatch.setattr(preparing, "SHARE_OF_MEMORY", 1e-9)
    monkeypatch.setattr(preparing.Streamed, "run", run)
    trained(data, epochs=1)
    assert used


def test_an_epoch_of_two_passes_is_two_epochs_of_one(data):
    once, twice = trained(data, epochs=4), trained(data, epochs=2, order=Order(passes=2))
    assert twice.curves["test_loss"] == pytest.approx(once.curves["test_loss"][1::2], rel=1e-5)
    assert twice.curves["train_loss"][0] == pytest.approx(np.mean(once.curves["train_loss"][:2]), rel=1e-5)
    assert (twice.updates, twice.examples) == (once.updates, once.examples) == (12, 520)


def test_a_part_of_a_pass_makes_so_many_updates(data):
    history = trained(data, order=Order(examples=60))
    assert (history.updates, history.examples, len(history.update_losses)) == (6, 180, 6)


def test_the_penalty_is_the_strength_of_the_regularizers(data):
    unit = trained(data, model=convnet(penalty=1.0), penalty=0.02)
    assert unit.curves == {
        name: pytest.approx(values, rel=1e-4)
        for name, values in trained(data, model=convnet(penalty=0.02)).curves.items()
    }


def test_early_stopping_ends_training_and_says_so(data):
    rule = Patience(1, growth=1.0, curve="train_loss")
    history = trained(data, learning_rate=cosine(0.05, 2), epochs=30, stop=rule)  # from epoch 3 on nothing changes
    assert history.stopped
    assert history.epochs < 30
    assert history.epochs == rule.stopped_at(history.curves["train_loss"])


def test_a_target_ends_training_and_what_it_took_is_known(data):
    history = trained(data, epochs=30, stop=Target("train_loss", 1.2))
    reached = history.reached("train_loss", 1.2)
    assert reached is not None
    assert (reached.epoch, reached.updates, reached.examples) == (history.epochs, history.updates, history.examples)
    assert reached.seconds > 0
    assert history.reached("train_loss", 0.0) is None


def test_a_plateau_follows_the_curve(data):
    plateau = Plateau(0.05, factor=0.0, patience=1, curve="test_loss", threshold=10.0)
    history = trained(data, learning_rate=plateau, epochs=4, optimizer=keras.optimizers.SGD())
    assert history.curves["test_loss"][1] == history.curves["test_loss"][2] == history.curves["test_loss"][3]


def test_a_schedule_may_change_every_update(data):
    seen = []

    def falling(epoch):
        seen.append(epoch)
        return geometric(0.05, 0.5)(epoch)

    whole = trained(data, learning_rate=falling, epochs=2)
    assert np.allclose(np.concatenate(seen)[:6], [0, 1 / 3, 2 / 3, 1, 4 / 3, 5 / 3])
    held = trained(data, learning_rate=per_epoch(geometric(0.05, 0.5)), epochs=2)
    assert whole.curves["train_loss"] != held.curves["train_loss"]


def test_probes_and_metrics_leave_the_numbers_alone(data):
    plain = trained(data)
    probes = (
        weight_norms(),
        update_ratios(),
        activation_statistics(40, (-3.0, 3.0, 12)),
        gradient_statistics(40, (-1.0, 1.0, 8)),
    )
    probed = trained(data, probes=probes, metrics=[keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2")])
    assert {name: probed.curves[name] for name in plain.curves} == plain.curves
    assert np.array_equal(probed.test_losses, plain.test_losses)
    assert 0 < probed.curves["test_top2"][-1] <= 1
    assert probed.initial["test_top2"] <= 1
    assert {
        "norm/conv/kernel",
        "update_ratio/logits/kernel",
        "activation_std/relu",
        "dead/relu",
        "gradient_std/conv/bias",
    } <= set(probed.curves)
    assert (
        sum(probed.histograms["activation/relu 0"].counts) + probed.histograms["activation/relu 0"].above
        == 40 * 8 * 8 * 6
    )
    assert "gradient/logits/kernel 3" in probed.histograms


def test_automatic_names_of_layers_are_counted_within_the_model(data):
    curves = [set(trained(data, epochs=1, probes=(activation_statistics(10), weight_norms())).curves) for _ in range(2)]
    assert curves[0] == curves[1]
    assert {"dead/flatten_1", "dead/conv", "norm/logits/bias"} <= curves[0]


def test_the_update_ratio_of_plain_sgd_is_the_rate_times_the_gradients_norm_over_the_weights(data):
    one_batch = replace(data, stored_train=data.stored_train[:50], y_train=data.y_train[:50])
    norms: dict[str, float] = {}

    def by_hand(moment):
        found = moment.gradients(50).weights["conv/kernel"].astype(np.float64)
        kernel = keras.ops.convert_to_numpy(moment.model.layers[0].kernel)
        norms.setdefault("ratio", float(0.05 * np.linalg.norm(found) / np.linalg.norm(kernel)))
        return {}

    history = trained(one_batch, epochs=1, probes=(by_hand, update_ratios()), optimizer=keras.optimizers.SGD())
    assert history.initial["update_ratio/conv/kernel"] == pytest.approx(norms["ratio"], rel=1e-3)


def test_a_dead_unit_is_counted(data):
    model = convnet()
    kernel, bias = model.layers[0].get_weights()
    kernel[..., :2], bias[:2] = 0.0, -1.0
    model.layers[0].set_weights([kernel, bias])
    assert trained(data, model=model, epochs=1, probes=(activation_statistics(130),)).initial[
        "dead/relu"
    ] == pytest.approx(2 / 6)


def test_probes_and_stops_survive_an_interruption(data, tmp_path, monkeypatch):
    from keras_reprise.engine import training as trainings

    options: dict[str, Any] = {"epochs": 5, "probes": (weight_norms(), activation_statistics(20, (-3.0, 3.0, 4)))}
    whole = trained(data, **options)
    monkeypatch.setattr(trainings, "SAVE_EVERY_S", 0.0)
    with pytest.raises(Killed):
        trained(data, DyingSession(Checkpoints(tmp_path)), **options)
    continued = Session(Checkpoints(tmp_path))
    history = trained(data, continued, **options)
    assert continued.epochs == [4, 5]
    assert (history.curves, history.histograms, history.updates) == (whole.curves, whole.histograms, whole.updates)
    assert np.array_equal(history.update_losses, whole.update_losses)


def test_the_factor_of_divergence_may_be_lifted(data):
    assert trained(data, epochs=4, diverged_factor=0.1).epochs == 1
    assert not trained(data, epochs=4, diverged_factor=None).diverged
    endless = trained(data, learning_rate=1e6, epochs=4, diverged_factor=None)
    assert (endless.diverged, endless.epochs < 4, np.isfinite(endless.update_losses).all()) == (True, True, False)


def test_a_loss_below_zero_that_falls_has_not_diverged(data):
    directions = np.random.default_rng(2).normal(size=(300, 3)).astype(np.float32)
    targets = data.stored_train.reshape(130, 300) @ directions
    vectors = replace(data, y_train=targets, y_test=targets[:70])
    model = flat_model(3)
    model.set_weights([directions + np.random.default_rng(3).normal(size=(300, 3)).astype(np.float32), np.zeros(3)])
    loss = keras.losses.CosineSimilarity()
    history = trained(vectors, model=model, loss=loss, optimizer=keras.optimizers.SGD(), learning_rate=10.0)
    first, *_, last = history.curves["train_loss"]
    assert (history.diverged, history.epochs) == (False, 3)
    assert last < first < 0
    assert first > 3 * history.update_losses[0], "which for a positive loss would be divergence"


def test_timing_tells_compiling_from_the_first_and_the_steady_steps(data):
    history = trained(data, epochs=4)
    timing = history.timing
    assert len(timing.step_s) == 4
    assert len(timing.evaluation_s) == 5
    assert timing.first_step_s is not None
    assert min(*timing.step_s, *timing.evaluation_s, timing.first_step_s) > 0
    assert timing.compile_s > 0  # on torch the preparation alone: its comparison with Keras
    assert history.flops_per_s == pytest.approx(history.flops_per_example * 520 / 12 / np.median(timing.step_s))


def test_a_loss_of_numbers_has_no_error_curves(data):
    targets = data.stored_train[:, :1, 0, 0].astype(np.float32)
    numbers = replace(data, y_train=targets, y_test=targets[:70])
    model = keras.Sequential([keras.Input((10, 10, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
    history = trained(numbers, model=model, learning_rate=0.001, loss=keras.losses.MeanSquaredError(), epochs=2)
    assert set(history.curves) == {"train_loss", "test_loss"}
    assert history.curves["train_loss"][1] < history.curves["train_loss"][0]


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_near_float32_and_keeps_float32_weights(data, precision):
    expected = trained(data).curves["train_loss"]
    start.start(precision=precision)
    try:
        model = convnet()
        history = trained(data, model=model)
        assert (model.layers[0].compute_dtype, model.layers[0].variable_dtype) == (precision[6:], "float32")
    finally:
        start.start()
    assert history.curves["train_loss"] == pytest.approx(expected, rel=0.05)
    assert history.curves["train_loss"] != expected


def members(n, **options: Any):
    return [
        Member(
            convnet(penalty=1.0, seed=10 + k),
            keras.optimizers.SGD(momentum=0.9),
            Session(seed=k + 1),
            0.02 * (k + 1),
            0.01 * k,
        )
        for k in range(n)
    ]


@pytest.mark.slow
def test_trained_together_gives_the_numbers_of_one_at_a_time(data):
    settings: dict[str, Any] = {"epochs": 3, "batch_size": 50}
    alone = train_together(members(3), data, together=False, **settings)
    at_once_members = members(3)
    at_once = train_together(at_once_members, data, together=True if BACKEND == "jax" else None, **settings)
    for a, b, member in zip(alone, at_once, at_once_members, strict=True):
        assert b.curves == {name: pytest.approx(values, rel=1e-4, abs=1e-6) for name, values in a.curves.items()}
        assert b.test_losses == pytest.approx(a.test_losses, rel=1e-3, abs=1e-5)
        assert member.session.epochs == [1, 2, 3]
        assert len(member.session.digests) == 1


@pytest.mark.skipif(BACKEND != "jax", reason="only JAX trains several networks at once")
def test_a_member_that_diverges_ends_and_the_others_go_on(data):
    several = members(2)
    several[0] = replace(several[0], learning_rate=1e6)
    first, second = train_together(several, data, epochs=3, batch_size=50, together=True)
    assert (first.diverged, first.epochs < 3, second.diverged, second.epochs) == (True, True, False, 3)


def test_members_that_differ_in_shape_are_refused(data):
    other = keras.Sequential([keras.Input((10, 10, 3)), keras.layers.Flatten(), keras.layers.Dense(4)])
    with pytest.raises(RecipeError, match="differ"):
        train_together([*members(1), Member(other, keras.optimizers.SGD(), Session(), 0.1)], data, epochs=1)


def tower(seed=1, activation="relu", dropout=0.2, penalty=1e-3):
    """A hidden layer with dropout, and 4 logits with a penalty."""
    layers, glorot = keras.layers, keras.initializers.GlorotUniform
    return keras.Sequential(
        [
            keras.Input((10, 10, 3)),
            layers.Flatten(),
            layers.Dense(6, activation, kernel_initializer=glorot(seed)),
            layers.Dropout(dropout, seed=seed),
            layers.Dense(4, kernel_initializer=glorot(seed + 1), kernel_regularizer=keras.regularizers.L2(penalty)),
        ]
    )


def falling(share):
    return keras.optimizers.schedules.ExponentialDecay(0.1, 2, share)


def own_activation(slope):
    return lambda x: keras.ops.maximum(slope * x, x)


UNLIKE: dict[str, Any] = {
    "momentum": lambda k: (tower(), keras.optimizers.SGD(0.05, momentum=(0.5, 0.9)[k])),
    "clipping": lambda k: (tower(), keras.optimizers.SGD(0.05, clipnorm=(0.1, 1.0)[k])),
    "weight decay": lambda k: (tower(), keras.optimizers.SGD(0.05, weight_decay=(0.1, 0.2)[k])),
    "a schedule": lambda k: (tower(), keras.optimizers.SGD(falling((0.9, 0.5)[k]))),
    "dropout": lambda k: (tower(dropout=(0.2, 0.5)[k]), keras.optimizers.SGD(0.05)),
    "an activation": lambda k: (tower(activation=("relu", "tanh")[k]), keras.optimizers.SGD(0.05)),
    "an activation of one's own": lambda k: (tower(activation=own_activation((0.1, 0.5)[k])), keras.optimizers.SGD(0.05)),
    "a penalty": lambda k: (tower(penalty=(1e-3, 1e-2)[k]), keras.optimizers.SGD(0.05)),
}  # fmt: skip


def unlike(what, k, session):
    model, optimizer = UNLIKE[what](k)
    return Member(model, optimizer, session)


@pytest.mark.skipif(BACKEND != "jax", reason="only JAX trains several networks at once")
@pytest.mark.parametrize("what", UNLIKE)
def test_members_that_compute_otherwise_are_not_trained_as_the_first_one(data, what):
    sessions = [Session(), Session()]
    several = [unlike(what, k, session) for k, session in enumerate(sessions)]
    with pytest.raises(RecipeError, match="differ in more than weights"):
        train_together(several, data, epochs=1, batch_size=50, together=True)
    assert [session.epochs for session in sessions] == [[], []]


@pytest.mark.skipif(BACKEND != "jax", reason="only JAX trains several networks at once")
def test_members_that_compute_otherwise_go_one_after_the_other_where_at_once_would_pay(data, monkeypatch):
    monkeypatch.setattr(type(start.current_backend()), "device", lambda self: "gpu x1")
    monkeypatch.setattr("keras_reprise.engine.ensemble._AtOnce.pays", lambda self: True)
    settings: dict[str, Any] = {"epochs": 2, "batch_size": 50}
    found = train_together([unlike("momentum", k, Session()) for k in (0, 1)], data, **settings)
    for k, history in enumerate(found):
        model, optimizer = UNLIKE["momentum"](k)
        assert history.curves == train(model, data, Session(), optimizer=optimizer, **settings).curves
    assert found[0].curves != found[1].curves


@pytest.mark.skipif(BACKEND != "jax", reason="only JAX trains several networks at once")
def test_weights_seeds_rates_penalties_and_a_loss_of_ones_own_part_no_members(data):
    class Halved(keras.losses.Loss):  # type: ignore[misc, name-defined]
        def call(self, y_true, y_pred):
            return 0.5 * keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)

    def several():
        return [Member(tower(k), keras.optimizers.Adam(0.01 * k), Session(seed=k), penalty=0.1 * k) for k in (1, 2)]

    settings: dict[str, Any] = {"epochs": 2, "batch_size": 50, "loss": Halved()}
    alone, at_once = (train_together(several(), data, together=together, **settings) for together in (False, True))
    for a, b in zip(alone, at_once, strict=True):
        assert b.curves == {name: pytest.approx(values, rel=1e-4, abs=1e-6) for name, values in a.curves.items()}


@pytest.mark.skipif(BACKEND != "tensorflow", reason="on the other backends fit does not call apply_gradients")
def test_an_optimizers_own_way_to_apply_gradients_is_taken_as_by_fit(data):
    class Halving(keras.optimizers.SGD):  # type: ignore[misc, name-defined]
        def apply_gradients(self, grads_and_vars):
            return super().apply_gradients([(gradient / 2, variable) for gradient, variable in grads_and_vars])

    expected = trained(data, optimizer=keras.optimizers.SGD(0.05), learning_rate=None).curves
    found = trained(data, optimizer=Halving(0.1), learning_rate=None).curves
    assert found == {name: pytest.approx(values, rel=1e-5) for name, values in expected.items()}


def test_a_loss_scale_goes_on_in_a_further_training_and_is_put_back(data):
    model, scaled = tower(), keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.05), 64.0, 2)
    restart, scales = snapshot(model, scaled), []

    def losses(epochs):
        history = trained(data, model=model, optimizer=scaled, learning_rate=None, epochs=epochs)
        scales.append(float(keras.ops.convert_to_numpy(scaled.dynamic_scale)))
        return history.update_losses.tolist()

    first, _ = losses(2), losses(1)  # six updates, and three; every second one doubles the scale
    restart()
    assert losses(2) == first
    assert scales == [512.0, 1024.0, 512.0]


def flat_model(outputs=4):
    return keras.Sequential([keras.Input((10, 10, 3)), keras.layers.Flatten(), keras.layers.Dense(outputs)])


def derived_rate():
    class Warming(keras.optimizers.SGD):  # type: ignore[misc, name-defined]
        @property
        def learning_rate(self):
            return 0.5 * self._learning_rate

    return Warming(0.1)


def spoiled(data, **parts):
    return replace(data, **parts)


BAD: dict[str, tuple[Any, dict[str, Any], str]] = {
    "a label too large": (lambda d: spoiled(d, y_train=np.where(np.arange(130) == 7, 4, d.y_train)), {}, "0 to 4"),
    "a label below zero": (lambda d: spoiled(d, y_test=d.y_test - 1), {}, "-1"),
    "nan in the data": (lambda d: spoiled(d, stored_train=np.where(d.stored_train > 3, np.nan, d.stored_train)), {}, "not finite"),
    "infinity in the test data": (lambda d: spoiled(d, stored_test=d.stored_test / 0.0), {}, "not finite"),
    "fewer labels than images": (lambda d: spoiled(d, y_train=d.y_train[:-1]), {}, "129"),
    "no test images": (lambda d: spoiled(d, stored_test=d.stored_test[:0], y_test=d.y_test[:0]), {}, "no test"),
    "another shape": (lambda d: d.flattened(), {}, r"\(300,\)"),
    "a batch larger than the data": (lambda d: d, {"batch_size": 131}, "131"),
    "a batch of none": (lambda d: d, {"batch_size": 0}, "0"),
    "no optimizer": (lambda d: d, {"optimizer": "sgd"}, "optimizer"),
    "no loss": (lambda d: d, {"loss": "mean_of_squares"}, "is no Keras loss"),
    "text for images": (lambda d: spoiled(d, stored_train=d.stored_train.astype(str)), {}, "type"),
    "nothing to train": (lambda d: d, {"model": keras.Sequential([keras.Input((10, 10, 3)), keras.layers.Flatten()])}, "nothing to train"),
    "floats that are to be scaled": (lambda d: spoiled(d, scaling=(np.float32(1), np.float32(2))), {}, "a scaling"),
    "test floats beside pixels": (lambda d: spoiled(made_pixels().standardised(), stored_test=d.stored_test), {}, "test images are stored as float32"),
    "a rate beside a function": (lambda d: d, {"optimizer": keras.optimizers.SGD(lambda: 0.1)}, "own rate is a function"),
    "the same for scaled losses": (lambda d: d, {"optimizer": keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(lambda: 0.1))}, "own rate is a function"),
    "a rate that is not its variable": (lambda d: d, {"optimizer": derived_rate()}, "no learning rate"),
    "shares to be sorted by": (lambda d: spoiled(d, y_train=np.full((130, 4), 0.25), y_test=np.full((70, 4), 0.25)), {"order": Order("sorted"), "loss": keras.losses.CategoricalCrossentropy(from_logits=True)}, "no class to sort by"),
    "two outputs": (lambda d: d, {"model": keras.Model(i := keras.Input((10, 10, 3)), [f := keras.layers.Flatten()(i), f])}, "2 outputs"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_bad_input_is_refused_before_training_starts(data, case):
    spoil, options, message = BAD[case]
    session = Session()
    with pytest.raises(RecipeError, match=message):
        trained(spoil(data), session, **options)
    assert session.epochs == []


def test_a_layer_that_cannot_be_compiled_is_named_before_the_first_update(data):
    def broken_call(x):
        raise NotImplementedError("no such operation")

    model = flat_model()
    broken = keras.Sequential([keras.Input((10, 10, 3)), keras.layers.Flatten(), keras.layers.Dense(4)])
    broken.layers[0].call = broken_call
    session = Session()
    with pytest.raises(RecipeError, match="no such operation"):
        trained(data, session, model=broken)
    assert session.epochs == []
    assert trained(data, model=model, epochs=1).epochs == 1


def test_a_session_trains_the_very_same_model_again_without_compiling(data):
    model, optimizer, session = convnet(), keras.optimizers.SGD(), Session()
    session.latest = preparing.LatestProgram()
    restart = snapshot(model, optimizer)
    first = trained(data, session, model, optimizer=optimizer)
    restart()
    again = trained(data, session, model, optimizer=optimizer)
    assert (again.curves, again.timing.compile_s) == (first.curves, 0.0)
    restart()
    assert trained(data, Session(), model, optimizer=optimizer).timing.compile_s > 0.0
    restart()
    assert trained(data.first(100), session, model, optimizer=optimizer).timing.compile_s > 0.0
