"""A model's program on TensorFlow: a `tf.function` whose loop over the updates of an epoch never returns to Python.

On a CPU a batch is cut into shards, one per core, that the graph computes side by side: the kernels of small networks
gain little from several threads each, and waking the threads costs more than the arithmetic. The gradients are those of
the whole batch; only the order of summation differs. Where layers see the whole batch (batch normalisation) or draw
random numbers for it (dropout), `tensorflow_parts` gives them what they need of all parts. A batch whose loss is not
the mean of one number per example is not cut, nor is one for a model with anything else that is not known to act on
single examples.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from keras_reprise.engine.backends.interface import Evaluation, Plan
from keras_reprise.engine.backends.tensorflow_parts import in_parts, pays
from keras_reprise.engine.backends.tensorflow_tracing import Graphs, graphs
from keras_reprise.engine.batches import (
    EVALUATION_BATCH,
    LatestPlaced,
    in_batches,
    outputs_and_mask,
    scaled_at_once,
    shard_count,
)
from keras_reprise.engine.configuration import traced_alike
from keras_reprise.engine.objective import Facts, Objective, mask_of, only
from keras_reprise.engine.selfcheck import Looked, reference
from keras_reprise.engine.structure import acts_on_single_examples

if TYPE_CHECKING:
    import keras

Examples = tuple[tf.Tensor, tf.Tensor]

tf.get_logger().setLevel("ERROR")  # one program per arm is traced on purpose; TensorFlow warns of it


def device() -> str:
    """`gpu` with its count when TensorFlow sees one, else `cpu`."""
    found = tf.config.list_physical_devices("GPU")
    return f"gpu x{len(found)}" if found else "cpu"


class TensorFlowProgram:
    """See `interface.Program`."""

    def __init__(self, plan: Plan) -> None:
        import keras

        model, optimizer = plan.model, plan.optimizer
        self.model, self.optimizer, self.batch_size = model, optimizer, plan.batch_size
        self.objective = Objective(plan.loss)
        if not optimizer.built:
            optimizer.build(model.trainable_variables)
        _update_directly(getattr(optimizer, "inner_optimizer", optimizer))
        self._own_apply = type(optimizer).apply_gradients is not keras.optimizers.Optimizer.apply_gradients
        known = acts_on_single_examples(model, training=False)
        alone, self.evaluation_changes_state = self.objective.averages and known, not known
        self.evaluation_batch = EVALUATION_BATCH if alone else None
        self.parts = shard_count(EVALUATION_BATCH) if alone and device() == "cpu" else 1
        self._alone = acts_on_single_examples(model, training=True)
        cut = alone and len(model.output_shape) == 2 and (self._alone or pays(model, plan.batch_size))
        self.shards = shard_count(plan.batch_size) if cut and device() == "cpu" else 1
        self._scaling = None if plan.scaling is None else [tf.constant(value) for value in plan.scaling]
        self.capacity = max(1, plan.updates)
        self._alike = traced_alike(model, plan.loss, optimizer)
        self._graphs = self._graphs_found()
        self._tested = LatestPlaced[list[Examples]]()
        self.compile_s = 0.0

    def _graphs_found(self) -> Graphs:
        """The graphs of programs like this one; `be_plain` makes it another."""
        scaling = [] if self._scaling is None else [value.numpy().tolist() for value in self._scaling]
        return graphs(self._alike, "program", self.batch_size, self.shards, self.parts, scaling)

    def place(self, x: np.ndarray, y: np.ndarray) -> Examples:
        images = tf.convert_to_tensor(x)
        return (self._images(images) if scaled_at_once(x) else images), tf.convert_to_tensor(y)

    def _images(self, stored: tf.Tensor) -> tf.Tensor:
        if self._scaling is None or stored.dtype.is_floating:
            return stored
        mean, deviation = self._scaling
        return (tf.cast(stored, tf.float32) - mean) / deviation

    def _forward(self, images: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """The outputs in training for each part of a batch."""
        if self._alone or len(images) == 1:
            return [only(self.model(part, training=True)) for part in images]
        return in_parts(self.model, images)

    def _value(
        self, x: tf.Tensor, y: tf.Tensor, index: tf.Tensor, penalty: tf.Tensor, shards: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The loss of the batch `index`, penalties included, and the number of misclassified examples."""
        n = tf.shape(index)[0]
        parts = [index[n * i // shards : n * (i + 1) // shards] for i in range(shards)]
        labels = [tf.gather(y, part) for part in parts]
        outputs = self._forward([self._images(tf.gather(x, part)) for part in parts])
        loss = self.objective.value if shards == 1 else self.objective.sum
        losses = [loss(*part) for part in zip(labels, outputs, strict=True)]
        wrong = [self.objective.wrong(*part, _argmax) for part in zip(labels, outputs, strict=True)]
        value = losses[0] if shards == 1 else tf.add_n(losses) / tf.cast(n, losses[0].dtype)
        if self.model.losses:
            value += tf.cast(penalty, value.dtype) * self._penalties(value.dtype)
        return value, tf.add_n([tf.math.count_nonzero(part, dtype=tf.int32) for part in wrong])

    def _shards(self, examples: int) -> int:
        """Into how many parts a batch is cut; each has an example, since of none oneDNN's convolutions give another
        shape than they should."""
        return self.shards if examples >= self.shards else 1

    def _penalties(self, dtype: tf.DType) -> tf.Tensor:
        return tf.add_n([tf.cast(tf.reduce_sum(one) if one.shape.rank else one, dtype) for one in self.model.losses])

    def _step(
        self, x: tf.Tensor, y: tf.Tensor, index: tf.Tensor, penalty: tf.Tensor, shards: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            value, wrong = self._value(x, y, index, penalty, shards)
            scaled = self.optimizer.scale_loss(value)
        variables = self.model.trainable_variables
        gradients = tape.gradient(scaled, [variable.value for variable in variables])
        if self._own_apply:
            apply = tf.autograph.experimental.do_not_convert(self.optimizer.apply_gradients)  # as in `fit`
            apply(zip(gradients, variables, strict=True))
        else:
            self.optimizer.apply(gradients, variables)
        return value, wrong

    def _updates(
        self,
        x: tf.Tensor,
        y: tf.Tensor,
        order: tf.Tensor,
        total: tf.Tensor,
        rates: tf.Tensor,
        penalty: tf.Tensor,
        *,
        set_rate: bool,
        shards: int,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The updates on the first `total` examples of the order."""
        size = self.batch_size
        n = (total + size - 1) // size
        losses, wrong = tf.TensorArray(tf.float32, n, element_shape=()), tf.TensorArray(tf.int32, n, element_shape=())
        for i in tf.range(n):
            if set_rate:
                self.optimizer.learning_rate.assign(rates[i])
            index = order[i * size : tf.minimum((i + 1) * size, total)]
            value, errors = self._step(x, y, index, penalty, shards)
            losses, wrong = losses.write(i, tf.cast(value, tf.float32)), wrong.write(i, errors)
        return losses.stack(), wrong.stack()

    def run(
        self, data: Examples, order: np.ndarray, rates: np.ndarray | None, penalty: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        rest = len(order) % self.batch_size
        cut = len(order) - rest if rest and self._shards(rest) < self.shards else len(order)
        found = []
        for part, first in ((order[:cut], 0), (order[cut:], cut // self.batch_size)):
            if len(part):
                mine = None if rates is None else rates[first : first - (-len(part) // self.batch_size)]
                found.append(self._run(data, part, mine, penalty))
        losses, wrong = zip(*found, strict=True)
        return np.concatenate(losses), np.concatenate(wrong)

    def _run(
        self, data: Examples, order: np.ndarray, rates: np.ndarray | None, penalty: float
    ) -> tuple[np.ndarray, np.ndarray]:
        # The data are arguments: a tensor that a function captured would never be freed. Nor would the graph of a
        # function that `get_concrete_function` gave; a call without examples traces it as well. Orders are of one
        # length, an epoch's, so that there is one graph for all.
        set_rate, n = rates is not None, -(-len(order) // self.batch_size)
        most, shards = max(self.capacity, n), self._shards(min(len(order), self.batch_size))
        padded, given = np.zeros(most * self.batch_size, np.int32), np.zeros(most if set_rate else 0, np.float32)
        padded[: len(order)] = order
        if rates is not None:
            given[:n] = rates
        graph = self._graphs["updates", set_rate, shards]
        updates = partial(self._updates, set_rate=set_rate, shards=shards)
        tensors = [tf.constant(padded), tf.constant(len(order), tf.int32), tf.constant(given)]
        arguments = (*data, *tensors, tf.constant(penalty, tf.float32))
        if graph.is_new_to(*arguments):
            start = time.perf_counter()
            nothing = tf.zeros_like(tensors[1])
            graph(updates, self._variables(), *data, tensors[0], nothing, tensors[2], arguments[-1])
            self.compile_s += time.perf_counter() - start
        losses, wrong = graph(updates, self._variables(), *arguments)
        return losses.numpy(), wrong.numpy()

    def _evaluate_batch(
        self, x: tf.Tensor, y: tf.Tensor, parts: int | None = None
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        n, parts = tf.shape(x)[0], parts or self.parts
        losses, wrong = [], []
        for images, labels in (
            (x[n * i // parts : n * (i + 1) // parts], y[n * i // parts : n * (i + 1) // parts]) for i in range(parts)
        ):
            outputs = only(self.model(self._images(images), training=False))
            losses.append(self.objective.per_example(labels, outputs))
            wrong.append(self.objective.wrong(labels, outputs, _argmax))
        value = self.objective.value(labels, outputs) if parts == 1 else tf.reduce_mean(tf.concat(losses, 0))
        penalty = self._penalties(tf.float32) if self.model.losses else tf.constant(0.0)
        return tf.concat(losses, 0), tf.concat(wrong, 0), tf.cast(value, tf.float32), penalty

    def per_sample(self, x: np.ndarray, y: np.ndarray) -> Evaluation:
        def evaluated(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, ...]:
            parts = self.parts if x.shape[0] >= self.parts else 1
            evaluate = partial(self._evaluate_batch, parts=parts)
            return self._graphs["evaluation", parts](evaluate, self.model.variables, x, y)

        if not scaled_at_once(x):
            return Evaluation.of(in_batches(evaluated, self.evaluation_batch, x, y))
        parts = self._tested.get(x, y, self._placed_in_parts)
        return Evaluation.of([[value.numpy() for value in evaluated(*part)] for part in parts])

    def _placed_in_parts(self, x: np.ndarray, y: np.ndarray) -> list[Examples]:
        size, (images, labels) = self.evaluation_batch or len(x), self.place(x, y)
        return [(images[first : first + size], labels[first : first + size]) for first in range(0, len(x), size)]

    def _outputs_and_mask(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        outputs = only(self.model(self._images(x), training=False))
        return outputs, mask_of(outputs)

    def outputs(self, x: np.ndarray, batch: int | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        predict = partial(self._graphs["outputs"], self._outputs_and_mask, self.model.variables)
        parts = in_batches(predict, batch or self.evaluation_batch, x)
        return outputs_and_mask(parts)

    def look(self, x: np.ndarray, y: np.ndarray) -> Facts:
        return self.objective.look(self.model, self._images(tf.convert_to_tensor(x)), tf.convert_to_tensor(y))

    def check(self, x: np.ndarray, y: np.ndarray, penalty: float) -> tuple[Looked, Looked]:
        images, labels, index = tf.convert_to_tensor(x), tf.convert_to_tensor(y), tf.range(len(y))
        keras_model = reference(lambda: [penalty * one for one in self.model.losses], self.objective.loss)
        kept = [
            np.array(variable.value) for variable in self.model.non_trainable_variables
        ]  # a copy: tensors share memory

        def keras_loss(training: bool) -> tf.Tensor:
            inputs = self._images(images)
            outputs = self.model(inputs, training=training)
            return keras_model.compute_loss(inputs, labels, outputs, training=training)

        def looked(value: Callable[[], tf.Tensor], inference: Callable[[], tf.Tensor]) -> Looked:
            with tf.GradientTape() as tape:
                loss = value()
            variables = [variable.value for variable in self.model.trainable_variables]
            gradients = tape.gradient(loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            dense = [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]
            found = Looked(float(loss), float(inference()), dense)
            for variable, before in zip(self.model.non_trainable_variables, kept, strict=True):
                variable.assign(before)
            return found

        def ours_in_inference() -> tf.Tensor:
            _, _, value, found = self._evaluate_batch(images, labels, min(self.parts, len(y)))
            return value + penalty * found

        ours = looked(
            lambda: self._value(images, labels, index, tf.constant(penalty), self._shards(len(y)))[0], ours_in_inference
        )
        return ours, looked(lambda: keras_loss(True), lambda: keras_loss(False))

    def be_plain(self) -> bool:
        cut = self.shards > 1 or self.parts > 1
        self.shards = self.parts = 1
        self._graphs = self._graphs_found()
        return cut

    def get_state(self) -> list[np.ndarray]:
        return [variable.numpy() for variable in self._variables()]

    def set_state(self, state: list[np.ndarray]) -> None:
        for variable, value in zip(self._variables(), state, strict=True):
            variable.assign(value)

    def _variables(self) -> "list[keras.Variable]":
        return [*self.model.variables, *self.optimizer.variables]


def _update_directly(optimizer: "keras.optimizers.Optimizer") -> None:
    """Let the optimizer update variables without `tf.distribute`, plain SGD in one pass over a weight instead of two.

    Keras goes through a merge call even where there is one device, which leaves in every traced graph a variable scope
    that is never freed: 2 MB for every program, 11 % of the process after 40 short trainings.
    """
    import keras

    plain = type(optimizer) is keras.optimizers.SGD and not optimizer.momentum

    def update(
        gradients: "list[tf.Tensor | tf.IndexedSlices]", variables: "list[keras.Variable]", learning_rate: tf.Tensor
    ) -> None:
        for gradient, variable in zip(gradients, variables, strict=True):
            if plain and isinstance(gradient, tf.Tensor) and variable.dtype == "float32":
                weight, rate = variable.value.handle, tf.cast(learning_rate, tf.float32)
                tf.raw_ops.ResourceApplyGradientDescent(var=weight, alpha=rate, delta=gradient)
            else:
                optimizer.update_step(gradient, getattr(variable, "value", variable), learning_rate)

    base = keras.optimizers.Optimizer._backend_update_step
    own = type(optimizer)._backend_update_step is not base  # Nadam's, which keeps a product of its momenta there
    if not own and not tf.distribute.has_strategy():
        optimizer._backend_update_step = update


def _argmax(outputs: tf.Tensor) -> tf.Tensor:
    return tf.argmax(outputs, -1, tf.int32)
