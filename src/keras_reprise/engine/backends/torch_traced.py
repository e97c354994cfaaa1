"""Updates of the torch backend on a CPU as one plain function: Keras is asked once, and no more between two updates.

An update is traced: what Keras's layers, loss and optimizer have torch do, in which order. Keras's own work, which for
a small network takes longer than torch's, is done once. What cannot be traced (a random number, a value that decides
what is done next) goes on as it did.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.fx import Graph, GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.node import has_side_effect

from keras_reprise.engine.backends.torch_graph import OnDevice, Step

ATEN = torch.ops.aten
DIRECT: dict[object, Callable[..., Any]] = {
    ATEN.mm.default: torch.mm,
    ATEN.add.Tensor: torch.add,
    ATEN.mul.Tensor: torch.mul,
    ATEN.t.default: torch.t,
    ATEN.relu.default: torch.relu,
    ATEN.sum.default: torch.sum,
    ATEN.sum.dim_IntList: torch.sum,
    ATEN.argmax.default: torch.argmax,
    ATEN.ne.Tensor: torch.ne,
    ATEN.view.default: torch.Tensor.view,
    ATEN.permute.default: torch.permute,
    ATEN.expand.default: torch.Tensor.expand,
    ATEN.copy_.default: torch.Tensor.copy_,
    ATEN.convolution.default: torch.convolution,
}
"""Functions of torch's that are the operations, and are called in half the time."""


READING = frozenset([torch.Tensor.numpy, torch.Tensor.__array__, torch.Tensor.tolist, torch.Tensor.__dlpack__])
"""What gives a tensor's numbers to Python, where a traced update would go on with those of its first time; of others
(`item`, a comparison that decides) torch itself says so."""


class Unread(OnDevice):
    """No number is read by Python; RuntimeError where one is."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> object:
        if func in READING:
            raise RuntimeError("A tensor's numbers are read: they would be the same in every update.")
        return super().__torch_function__(func, types, args, kwargs)


@has_side_effect  # type: ignore[untyped-decorator]
def add_scaled_(weights: Sequence[torch.Tensor], values: Sequence[torch.Tensor], factor: torch.Tensor) -> None:
    """Add to each weight its value times a factor, in one pass over both."""
    torch._foreach_add_(weights, values, alpha=factor.item())


class TracedUpdate:
    """An update as the operations that it is made of.

    `step` is the update, `state` every tensor that it reads and changes, `rate` the one of them that holds the learning
    rate (None: it is not set from outside). Tracing runs the step once: the caller puts the state back. Whatever torch
    raises where the step cannot be traced comes through.
    """

    def __init__(
        self, step: Step, batch: tuple[torch.Tensor, torch.Tensor], state: Sequence[torch.Tensor],
        rate: torch.Tensor | None,
    ) -> None:  # fmt: skip
        def update(x: torch.Tensor, y: torch.Tensor, *_: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            with Unread():
                return step(x, y)

        traced = make_fx(update)(*batch, *state)
        simplify(traced.graph)
        self.state, self.rate = [*state, *constants(traced)], rate
        code = traced.graph.python_code("self")
        names = dict(code.globals)
        exec(code.src, names)
        self._update: Callable[..., tuple[torch.Tensor, torch.Tensor]] = names["forward"]

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def run(
        self, data: tuple[torch.Tensor, torch.Tensor], order: torch.Tensor, rates: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The updates on the batches `order` (updates, batch) of the data; their losses and errors."""
        given, found = [] if rates is None else rates.tolist(), []
        for number, batch in enumerate(order):
            if self.rate is not None and given:
                self.rate.fill_(given[number])
            x, y = (part.index_select(0, batch) for part in data)
            found.append(self._update(None, x, y, *self.state))
        losses, wrong = zip(*found, strict=True)
        return torch.stack(losses), torch.stack(wrong)


def constants(traced: GraphModule) -> list[torch.Tensor]:
    """The tensors that a traced update has made its own, which become further arguments of it."""
    graph, found = traced.graph, dict[str, tuple[Node, torch.Tensor]]()
    last = [node for node in graph.nodes if node.op == "placeholder"][-1]
    for node in [node for node in graph.nodes if node.op == "get_attr"]:
        if node.target not in found:
            with graph.inserting_after(last):
                last = graph.placeholder(f"{node.target}_")
            found[node.target] = last, getattr(traced, node.target)
        node.replace_all_uses_with(found[node.target][0])
        graph.erase_node(node)
    return [tensor for _, tensor in found.values()]


def simplify(graph: Graph) -> None:
    """Leave out of a traced update what changes no number."""
    for node in list(graph.nodes):
        if node.target is ATEN.detach.default or (
            node.target is ATEN.lift_fresh_copy.default and not any(_writes(user) for user in node.users)
        ):
            node.replace_all_uses_with(node.args[0])
        elif node.target is ATEN._foreach_add_.List:
            _in_one_pass(graph, node)
    graph.eliminate_dead_code()
    for node in graph.nodes:
        node.target = DIRECT.get(node.target, node.target)


def _writes(node: Node) -> bool:
    schema = getattr(node.target, "_schema", None)
    return schema is None or bool(schema.is_mutable)


def _in_one_pass(graph: Graph, node: Node) -> None:
    """Put scaling and adding into one, where what is added is another list times one tensor, which was computed right
    before and is used nowhere else."""
    weights, products = node.args[:2]
    scaled = next(iter(products[0].all_input_nodes), None) if products else None
    if scaled is None or scaled.target is not ATEN._foreach_mul.Tensor or node.kwargs:
        return
    whole = [one.args for one in products] == [(scaled, place) for place in range(len(scaled.args[0]))]
    if whole and all(len(one.users) == 1 for one in products) and _between(scaled, node) == set(products):
        with graph.inserting_before(node):
            graph.call_function(add_scaled_, (weights, *scaled.args))
        graph.erase_node(node)


def _between(first: Node, last: Node) -> set[Node]:
    found, node = set[Node](), first.next
    while node is not last:
        found.add(node)
        node = node.next
    return found
