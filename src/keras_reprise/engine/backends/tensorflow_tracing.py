"""Graphs of TensorFlow that models traced alike share: a search over rates, or a sweep of arms, is traced once.

A graph takes the variables that it works on as arguments. While it is traced, they stand in the places of the model's
own; no graph keeps a model, nor anything of its data.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import tensorflow as tf

from keras_reprise.engine.batches import output_gradient
from keras_reprise.engine.keeping import Keeping

if TYPE_CHECKING:
    import keras

KEPT_GRAPHS = 16
"""Sets of graphs that are kept for further models; those that were used longest ago go first."""

Tensors = tuple[object, ...]


class Graph:
    """A function of a model as a graph, traced once for all arguments of a shape, whichever variables it works on.

    Arguments that differ in the number of their rows may share a trace, which then knows no number of rows; what
    differs in more is traced by itself, for Keras asks for the number of axes and the lengths of all others.
    """

    def __init__(self) -> None:
        self._asked: list[tuple[Callable[..., object], Sequence[keras.Variable]]] = []
        self._graphs: dict[Tensors, Callable[..., tuple[tf.Tensor, ...]]] = {}
        self._called: set[Tensors] = set()
        self.traces = 0

    def is_new_to(self, *arguments: tf.Tensor) -> bool:
        """Whether it was never called with arguments of these shapes and types; from now on it was."""
        signature = tuple((tensor.shape, tensor.dtype) for tensor in arguments)
        known = signature in self._called
        self._called.add(signature)
        return not known

    def __call__(
        self, function: Callable[..., object], variables: "Sequence[keras.Variable]", *arguments: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        """What `function(*arguments)` gives, which works on these variables; it is asked where a graph is missing."""
        form = tuple((tensor.dtype, tensor.shape.rank, tensor.shape[1:]) for tensor in arguments)
        if form not in self._graphs:
            self._graphs[form] = tf.function(self._on, reduce_retracing=True)
        self._asked.append((function, variables))
        try:
            return self._graphs[form]([variable.value for variable in variables], *arguments)
        finally:
            self._asked.pop()

    def _on(self, values: Sequence[tf.Variable], *arguments: tf.Tensor) -> object:
        self.traces += 1
        function, variables = self._asked[-1]
        with standing_in(variables, values):
            return function(*arguments)


@contextlib.contextmanager
def standing_in(variables: "Sequence[keras.Variable]", values: Sequence[tf.Variable]) -> Iterator[None]:
    """Let other variables of TensorFlow stand in the places of these of Keras."""
    own = [variable._value for variable in variables]
    try:
        for variable, value in zip(variables, values, strict=True):
            variable._value = value
        yield
    finally:
        for variable, value in zip(variables, own, strict=True):
            variable._value = value


class Graphs:
    """The graphs of models that are traced alike, by the name of what they compute."""

    def __init__(self) -> None:
        self._named: dict[object, Graph] = {}

    def __getitem__(self, name: object) -> Graph:
        return self._named.setdefault(name, Graph())


_graphs: Keeping[Graphs] = Keeping(KEPT_GRAPHS)


def graphs(alike: str | None, *facts: object) -> Graphs:
    """The graphs for what is traced alike (see `configuration.traced_alike`) and agrees in these facts, which their
    texts tell; new ones where that is not known."""
    return _graphs.get(alike and f"{alike} {facts!r}", Graphs)


class Timed:
    """A call of a model on a batch as a graph with variables of its own, which takes less time than to be given some.

    It is traced when it is made, and does not keep the model.
    """

    def __init__(self, model: "keras.Model", images: tf.Tensor, backward: bool) -> None:
        self.flow = tf.convert_to_tensor(output_gradient(model(images).shape))
        self.variables = [tf.Variable(variable.value, trainable=variable.trainable) for variable in model.variables]
        traced = [model]

        def call(images: tf.Tensor, flow: tf.Tensor) -> tf.Tensor | tuple[tf.Tensor, list[tf.Tensor]]:
            if not backward:
                return traced[0](images, training=False)
            trained = [variable.value for variable in traced[0].trainable_variables]
            with tf.GradientTape() as tape:
                tape.watch(images)
                outputs = traced[0](images, training=True)
            # The outputs are returned, too: a linear layer's gradient does not need them, and they would be left out.
            return outputs, tape.gradient(outputs, [images, *trained], output_gradients=flow)

        self.graph = tf.function(call)
        with standing_in(model.variables, self.variables):
            self.graph(images, self.flow)
        traced.clear()


_timed: Keeping[Timed] = Keeping(KEPT_GRAPHS)


def timed(alike: str | None, model: "keras.Model", images: tf.Tensor, backward: bool) -> Timed:
    """The call of `model` to be timed, with its numbers; one for all that is traced alike."""
    found = _timed.get(alike and f"{alike} {images.shape} {backward}", lambda: Timed(model, images, backward))
    for variable, own in zip(found.variables, model.variables, strict=True):
        variable.assign(own.value)
    return found
