"""Plain torch: a loop over a permutation of tensors on the device, its network compiled, or a step as a CUDA graph."""

import time

import numpy as np

BATCH = 100
RATE = 0.01
WARM_UP_STEPS = 3  # before a capture, as torch asks for


class NotHere(Exception):
    """What cannot be measured on this machine, in a sentence."""


def network(name):
    from torch import nn

    if name == "mlp":
        return nn.Sequential(nn.Linear(3072, 50), nn.ReLU(), nn.Linear(50, 10))

    def norm(n):
        return [nn.BatchNorm2d(n)] if name == "convnet-bn" else []

    return nn.Sequential(
        nn.Conv2d(3, 32, 5), *norm(32), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), *norm(64),
        nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10),
    )  # fmt: skip


def placed(name, images, labels, channels_last=False):
    """Images, labels and the network on the device."""
    import torch

    where = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    x = (images.astype(np.float32) - np.float32(127.5)) / np.float32(73.9)
    x, net = torch.from_numpy(x.reshape(len(x), -1) if name == "mlp" else x).to(where), network(name).to(where)
    if name != "mlp":
        x = x.permute(0, 3, 1, 2).contiguous()
    if channels_last:
        x, net = x.contiguous(memory_format=torch.channels_last), net.to(memory_format=torch.channels_last)
    return x, torch.from_numpy(labels.astype(np.int64)).to(where), net


def step(net, x, y, compiled=False):
    """One update on the images of an index: the loss, and the number of misclassified ones."""
    import torch

    optimizer, loss = torch.optim.SGD(net.parameters(), RATE), torch.nn.CrossEntropyLoss()

    def looked(images, labels):
        outputs = net(images)
        return loss(outputs, labels), (outputs.argmax(1) != labels).sum()

    forward = torch.compile(looked) if compiled else looked

    def update(index):
        optimizer.zero_grad()
        value, wrong = forward(x[index], y[index])
        value.backward()
        optimizer.step()
        return value.detach(), wrong

    return update


def loop(name, images, labels, epochs, channels_last=False, compiled=False):
    """A plain loop."""
    import torch

    x, y, net = placed(name, images, labels, channels_last)
    start = time.perf_counter()
    update = step(net, x, y, compiled)
    try:
        update(torch.arange(BATCH, device=x.device))[0].item()
    except torch._dynamo.exc.BackendCompilerFailed as error:
        raise NotHere(f"torch.compile does not work here: {str(error).splitlines()[0]}") from error
    first, stamps = time.perf_counter() - start, []
    for _ in range(epochs):
        losses = [update(index) for index in torch.randperm(len(x), device=x.device).split(BATCH)]
        torch.stack([value for value, _ in losses]).cpu()
        stamps.append(time.perf_counter())
    return first, np.diff(stamps)


def cuda_graph(name, images, labels, epochs):
    """A whole step (batch, forward and backward pass, update) as a CUDA graph, launched once an update."""
    import torch

    if not torch.cuda.is_available():
        raise NotHere("A CUDA graph needs a GPU of NVIDIA and a torch that was built for it; torch sees none here.")
    x, y, net = placed(name, images, labels)
    start, updates = time.perf_counter(), len(x) // BATCH
    update = step(net, x, y)
    order = torch.zeros((updates, BATCH), dtype=torch.int64, device=x.device)
    losses, place = torch.zeros(updates, device=x.device), torch.zeros(1, dtype=torch.int64, device=x.device)

    def placed_update():
        value, _ = update(order.index_select(0, place)[0])
        losses.index_copy_(0, place, value.reshape(1))
        place.add_(1)

    graph = captured(placed_update, place)
    place.zero_()
    graph.replay()
    losses[0].item()
    first, stamps = time.perf_counter() - start, []
    for _ in range(epochs):
        order.copy_(torch.randperm(len(x), device=x.device)[: updates * BATCH].reshape(updates, BATCH))
        place.zero_()
        for _ in range(updates):
            graph.replay()
        losses.cpu()
        stamps.append(time.perf_counter())
    return first, np.diff(stamps)


def captured(call, place):
    """What `call` launches as a graph, after some calls on a stream of their own."""
    import torch

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP_STEPS):
            place.zero_()
            call()
    torch.cuda.current_stream().wait_stream(stream)
    place.zero_()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph
