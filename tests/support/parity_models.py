"""The models, layers and losses of the parity suite, in ordinary Keras; imported once a backend is chosen."""

# mypy: disable-error-code="misc"
# Keras has no types: its classes are Any.

import inspect
import itertools
from typing import Any

import keras
from keras import losses, ops, optimizers

__all__ = ["keras", "losses", "ops", "optimizers"]


class SeededLayers:
    """Keras's layers, with a seed wherever one may be given: `layers.Dense(3)` draws the same weights in every process."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)

    def __getattr__(self, name: str) -> Any:
        layer = getattr(keras.layers, name)
        takes = inspect.signature(layer.__init__).parameters

        def make(*arguments: Any, **options: Any) -> Any:
            for option in ("kernel", "depthwise", "pointwise", "embeddings"):
                if f"{option}_initializer" in takes:
                    options.setdefault(f"{option}_initializer", keras.initializers.GlorotUniform(next(self.numbers)))
            if "recurrent_initializer" in takes:
                options.setdefault("recurrent_initializer", keras.initializers.Orthogonal(seed=next(self.numbers)))
            if "seed" in takes:
                options.setdefault("seed", next(self.numbers))
            return layer(*arguments, **options)

        return make


layers = SeededLayers()


def begin() -> None:
    """Let the next model draw what the one before it drew."""
    keras.utils.set_random_seed(1)
    layers.numbers = itertools.count(1)


def sequential(shape: tuple[int, ...], *stack: Any, **options: Any) -> Any:
    return keras.Sequential([keras.Input(shape, **options), *stack])


def mlp(units: int = 4, activation: Any = None, *, features: int = 12, **hidden: Any) -> Any:
    """One hidden layer of 8 units, `units` outputs."""
    return sequential(
        (features,), layers.Dense(8, "tanh", **hidden), layers.Dense(units, activation, dtype=hidden.get("dtype"))
    )


def around(*middle: Any, features: int = 12, units: int = 4) -> Any:
    """Dense, the layers `middle`, and a dense layer to `units` outputs."""
    return sequential((features,), layers.Dense(8, use_bias=False), *middle, layers.Dense(units))


def convnet(*middle: Any, channels: int = 1, first: Any = None) -> Any:
    """A convolution of the 8 x 8 images, the layers `middle`, 4 logits."""
    begin = first or layers.Conv2D(4, 3, padding="same", activation="relu", use_bias=not middle)
    return sequential((8, 8, channels), begin, *middle, layers.GlobalAveragePooling2D(), layers.Dense(4))


def autoencoder(last: str | None = None, channels: int = 1) -> Any:
    return sequential(
        (8, 8, 1),
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.Conv2D(channels, 3, padding="same", activation=last),
    )


def functional(middle: Any, *, features: int = 12, units: int = 4, hidden: int = 8) -> Any:
    """A functional model: dense, the function `middle` of its outputs, dense."""
    x = keras.Input((features,))
    h = layers.Dense(hidden, "tanh")(x)
    return keras.Model(x, layers.Dense(units)(middle(h)))


def residual() -> Any:
    x = keras.Input((8, 8, 1))
    h = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    for _ in range(2):
        inner = layers.Conv2D(4, 3, padding="same", use_bias=False)(h)
        h = layers.ReLU()(layers.Add()([h, layers.BatchNormalization()(inner)]))
    return keras.Model(x, layers.Dense(4)(layers.GlobalAveragePooling2D()(h)))


def shared() -> Any:
    """One layer applied three times."""
    x = keras.Input((12,))
    layer = layers.Dense(12, "tanh")
    return keras.Model(x, layers.Dense(4)(layer(layer(layer(x)))))


def nested(*inside: Any, frozen: bool = False) -> Any:
    inner = sequential((12,), layers.Dense(8, use_bias=False), *inside, layers.ReLU())
    inner.trainable = not frozen
    return sequential((12,), inner, layers.Dense(4))


def nested_functional() -> Any:
    a = keras.Input((12,))
    inner = keras.Model(a, ops.tanh(layers.BatchNormalization()(layers.Dense(8, use_bias=False)(a))))
    x = keras.Input((12,))
    return keras.Model(x, layers.Dense(4)(inner(x)))


def recurrent(layer: Any) -> Any:
    return sequential((6, 3), layer, layers.Dense(1))


def reader(*middle: Any, mask_zero: bool = True, dtype: str = "int32") -> Any:
    """Words embedded, read by the layers `middle`, 4 logits."""
    return sequential((7,), layers.Embedding(10, 6, mask_zero=mask_zero), *middle, layers.Dense(4), dtype=dtype)


def tagger(mask_zero: bool = True) -> Any:
    """A class for every word; padding is masked, in the loss too."""
    return sequential(
        (7,),
        layers.Embedding(10, 6, mask_zero=mask_zero),
        layers.GRU(6, return_sequences=True),
        layers.TimeDistributed(layers.Dense(3)),
        dtype="int32",
    )


def speller() -> Any:
    return sequential((7,), layers.Embedding(10, 8), layers.Conv1D(12, 3, padding="same"), dtype="int32")


def attention() -> Any:
    x = keras.Input((6, 3))
    h = layers.Dense(8)(x)
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 4)(h, h))
    return keras.Model(x, layers.Dense(1)(layers.GlobalAveragePooling1D()(h)))


def standardised(x: Any) -> Any:
    """A model that begins with a Normalization adapted to `x`."""
    normalization = keras.layers.Normalization()
    normalization.adapt(x)
    return sequential((12,), normalization, layers.Dense(8, "relu"), layers.Dense(4))


def frozen_first() -> Any:
    model = mlp()
    model.layers[0].trainable = False
    return model


def frozen(layer: Any) -> Any:
    layer.trainable = False
    return layer


def nothing_trainable() -> Any:
    model = mlp()
    model.trainable = False
    return model


def compiled() -> Any:
    """A model that was compiled with another optimizer, loss and metric."""
    model = mlp()
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    return model


def branches(outputs: int = 1, inputs: int = 1, by_name: bool = False) -> Any:
    """Several inputs or outputs, also by name."""
    x = [keras.Input((12,), name=f"in{i}") for i in range(inputs)]
    h = layers.Concatenate()(x) if inputs > 1 else x[0]
    y = [layers.Dense(4, name=f"out{i}")(h) for i in range(outputs)]
    into: Any = x if inputs > 1 else x[0]
    out: Any = y if outputs > 1 else y[0]
    if by_name:
        into = {f"in{i}": one for i, one in enumerate(x)} if inputs > 1 else into
        out = {f"out{i}": one for i, one in enumerate(y)} if outputs > 1 else out
    return keras.Model(into, out)


def listed() -> Any:
    """One output, in a list."""
    x = keras.Input((12,))
    return keras.Model(x, [layers.Dense(4)(x)])


def named() -> Any:
    """One input, in a dictionary."""
    x = keras.Input((12,), name="in")
    return keras.Model({"in": x}, layers.Dense(4)(x))


# Layers of one's own


class BatchCentre(keras.layers.Layer):
    """Subtracts the batch's mean, in evaluation too."""

    def call(self, x):
        return x - ops.mean(x, axis=0, keepdims=True)


class Scale(keras.layers.Layer):
    """A trainable factor per feature: a layer of one's own that acts on single examples."""

    def build(self, shape):
        self.factor = self.add_weight(shape=(shape[-1],), initializer="ones", name="factor")

    def call(self, x):
        return x * self.factor


class Spread(keras.layers.Layer):
    """Adds a loss of its own: the mean square of what passes."""

    def call(self, x):
        self.add_loss(0.1 * ops.mean(ops.square(x)))
        return x


class SpreadByExample(keras.layers.Layer):
    """Adds a loss for each example: Keras takes their sum."""

    def call(self, x):
        self.add_loss(0.001 * ops.sum(ops.square(x), axis=-1))
        return x


class Counter(keras.layers.Layer):
    """Keeps, and subtracts, a moving mean that training alone moves; counts its updates."""

    def build(self, shape):
        self.mean = self.add_weight(shape=(shape[-1],), initializer="zeros", trainable=False, name="mean")
        self.updates = self.add_weight(shape=(), initializer="zeros", dtype="int32", trainable=False, name="updates")

    def call(self, x, training=False):
        if training:
            self.mean.assign(0.9 * self.mean + 0.1 * ops.mean(x, axis=0))
            self.updates.assign(self.updates + 1)
        return x - self.mean


class Shaken(keras.layers.Layer):
    """Random numbers from a generator of its own, in training."""

    def __init__(self, **options):
        super().__init__(**options)
        self.generator = keras.random.SeedGenerator(5)

    def call(self, x, training=False):
        if not training:
            return x
        return x + 0.1 * keras.random.normal(ops.shape(x), seed=self.generator)


# Models of one's own


class TowardsOne(keras.regularizers.Regularizer):
    """A penalty of one's own, without a configuration."""

    def __call__(self, x):
        return 0.1 * ops.sum((x - 1) ** 2)


class Halfway(keras.constraints.Constraint):
    """A constraint of one's own, without a configuration."""

    def __call__(self, w):
        return 0.5 * ops.tanh(2 * w)


def absolute(x):
    """A plain function as penalty."""
    return 0.01 * ops.sum(ops.abs(x))


class Subclassed(keras.Model):
    """Takes a function, which Keras cannot write down."""

    def __init__(self, activation=ops.tanh, extra=None, **options):
        super().__init__(**options)
        dtype = options.get("dtype")
        self.hidden, self.out = layers.Dense(8, dtype=dtype), layers.Dense(4, dtype=dtype)
        self.activation, self.extra = activation, extra

    def call(self, x, training=False):
        h = self.activation(self.hidden(x))
        return self.out(h if self.extra is None else self.extra(h, training=training))


class Written(Subclassed):
    """The same, with a configuration."""

    def get_config(self):
        return {}


class Penalised(Subclassed):
    """Adds a loss while it is called."""

    def call(self, x, training=False):
        outputs = super().call(x, training=training)
        self.add_loss(0.05 * ops.mean(ops.square(outputs)))
        return outputs


class OwnTrainStep(Subclassed):
    def train_step(self, *arguments, **options):
        return super().train_step(*arguments, **options)


class OwnTestStep(Subclassed):
    def test_step(self, *arguments, **options):
        return super().test_step(*arguments, **options)


class OwnLoss(Subclassed):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return super().compute_loss(x, y, y_pred, sample_weight, training) + 0.1 * ops.mean(ops.square(y_pred))


class OwnLossFromAbove(OwnLoss):
    """Inherits the override."""


class OwnMetrics(Subclassed):
    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return {"half": ops.convert_to_tensor(0.5)}


class TwoOutputs(Subclassed):
    """A pair, which only a call tells."""

    def call(self, x, training=False):
        outputs = super().call(x, training=training)
        return outputs, ops.softmax(outputs)


def built(model: Any, features: int = 12) -> Any:
    model(ops.zeros((2, features)))
    return model


def around_own_loss() -> Any:
    """A model whose compute_loss is overridden, as a layer of another: Keras asks the outer one only."""
    return sequential((12,), built(OwnLoss()), layers.Dense(4))


# Losses of one's own


class PerExample(keras.losses.Loss):
    """One number per example."""

    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred), axis=-1)


class PerNumber(keras.losses.Loss):
    """A number for every number of the outputs, as images have."""

    def call(self, y_true, y_pred):
        return ops.abs(y_true - y_pred) + 0.5 * ops.square(y_true - y_pred)


class Scalar(keras.losses.Loss):
    """One number for the batch, as in TensorFlow's guide."""

    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred))


class RootScalar(keras.losses.Loss):
    """One number for the batch that is no mean over examples."""

    def call(self, y_true, y_pred):
        return ops.sqrt(ops.mean(ops.square(y_true - y_pred)))


class AgainstTheBatch(keras.losses.Loss):
    """One number per example that depends on the other examples."""

    def call(self, y_true, y_pred):
        away = ops.mean(ops.square(y_true - y_pred), axis=-1)
        return away + ops.square(away - ops.mean(away))


class Contrastive(keras.losses.Loss):
    """Pairs of the batch: like classes near, others apart."""

    def call(self, y_true, y_pred):
        y = ops.reshape(y_true, (-1,))
        near = ops.cast(ops.expand_dims(y, 0) == ops.expand_dims(y, 1), y_pred.dtype)
        away = ops.sum(ops.square(ops.expand_dims(y_pred, 0) - ops.expand_dims(y_pred, 1)), -1)
        return ops.mean(near * away + (1 - near) * ops.square(ops.maximum(1.0 - ops.sqrt(away + 1e-4), 0.0)), -1)


class OwnCall(keras.losses.Loss):
    """Overrides `__call__`, and so the reduction."""

    def __call__(self, y_true, y_pred, sample_weight=None):
        return 3.0 * ops.mean(ops.square(ops.cast(y_true, y_pred.dtype) - y_pred))


def away(y_true: Any, y_pred: Any) -> Any:
    """A plain function as loss."""
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


def own_optimizer() -> Any:
    class Slow(keras.optimizers.SGD):
        """SGD with steps that shrink with the gradient's size."""

        def update_step(self, gradient, variable, learning_rate):
            rate = ops.cast(learning_rate, variable.dtype)
            self.assign_sub(variable, rate * gradient / (1.0 + ops.sqrt(ops.sum(ops.square(gradient)))))

    return Slow(0.1)
