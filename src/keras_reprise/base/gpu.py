"""What NVIDIA's management library (NVML) tells of GPUs: names, driver, energy, and who else computes there.

Without the library, or where it does not answer, nothing is known: None or nothing, never an error.
"""

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import ModuleType

LOOKED_EVERY_S = 5.0


@contextlib.contextmanager
def _nvml() -> Iterator[ModuleType | None]:
    """The library, initialised; None where it is not to be had."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # no module, no driver, or one of another version
        yield None
        return
    try:
        yield pynvml
    finally:
        with contextlib.suppress(Exception):
            pynvml.nvmlShutdown()


def devices() -> list[dict[str, str]]:
    """The `name` and `driver` of every GPU in the order of the PCI bus, as nvidia-smi prints them."""
    with _nvml() as nvml:
        if nvml is None:
            return []
        try:
            driver = _text(nvml.nvmlSystemGetDriverVersion())
            handles = [nvml.nvmlDeviceGetHandleByIndex(number) for number in range(nvml.nvmlDeviceGetCount())]
            return [{"name": _text(nvml.nvmlDeviceGetName(handle)), "driver": driver} for handle in handles]
        except Exception:
            return []


def memory_bytes() -> int | None:
    """The memory of the first GPU that CUDA gives this process; None where that cannot be known."""
    with _nvml() as nvml:
        if nvml is None:
            return None
        try:
            return int(nvml.nvmlDeviceGetMemoryInfo(_used(nvml)[0]).total)
        except Exception:  # none is used, or the variable names what NVML does not know
            return None


def other_processes() -> int | None:
    """How many other processes compute on the GPUs that CUDA gives this process; None where that cannot be known.

    Call it while this process computes there itself. In a container NVML may number processes as the host does: then
    none of them is known here by its number, and one of them is this one.
    """
    import psutil

    with _nvml() as nvml:
        if nvml is None:
            return None
        try:
            seen = set[int]().union(*(_processes(nvml, handle) for handle in _used(nvml)))
        except Exception:  # NVML cannot tell, or the variable names what it does not know
            return None
    own = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    if seen & own or any(map(psutil.pid_exists, seen)):
        return len(seen - own)
    return len(seen) - 1 if seen else None


def energy_j() -> float | None:
    """What the GPUs that CUDA gives this process have used since their driver was loaded, in joules; None where their
    counter is not to be had (GPUs before Volta have none).

    It is of the whole GPUs, whoever computes there. NVML: `nvmlDeviceGetTotalEnergyConsumption`.
    """
    with _nvml() as nvml:
        if nvml is None:
            return None
        try:
            used = _used(nvml)
            return sum(nvml.nvmlDeviceGetTotalEnergyConsumption(handle) for handle in used) / 1000 if used else None
        except Exception:  # no such counter, or the variable names what NVML does not know
            return None


@dataclass
class Watch:
    """How many other processes were seen on the GPU, where this process has one, and the energy that it used.

    `energy_j`: joules from entering to leaving; None where the counter is not to be had or went back.
    """

    on_gpu: bool
    counts: list[int | None] = field(default_factory=list)
    energy_j: float | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def most(self) -> int | None:
        """The largest number; None where it is not known at the end, when this process surely computed there."""
        known = [count for count in self.counts if count is not None]
        return max(known) if known and self.counts[-1] is not None else None

    def look(self) -> None:
        self.counts.append(other_processes())

    def keep_looking(self) -> None:
        while not self.ended.wait(LOOKED_EVERY_S):
            self.look()


@contextlib.contextmanager
def watched(device: str) -> Iterator[Watch]:
    """Look at the GPU before, every few seconds (a millisecond each) and after, if `device` is one."""
    watch = Watch(on_gpu=device.startswith("gpu"))
    if not watch.on_gpu:
        yield watch
        return
    watch.look()
    looking = threading.Thread(target=watch.keep_looking, daemon=True)
    looking.start()
    before = energy_j()
    try:
        yield watch
    finally:
        after = energy_j()
        watch.energy_j = after - before if before is not None and after is not None and after >= before else None
        watch.ended.set()
        looking.join()
        watch.look()


def _used(nvml: ModuleType) -> list[object]:
    """The GPUs that CUDA gives this process."""
    names = os.environ.get("CUDA_VISIBLE_DEVICES")
    everyone = [nvml.nvmlDeviceGetHandleByIndex(number) for number in range(nvml.nvmlDeviceGetCount())]
    if names is None:
        return everyone
    return [_named(nvml, name.strip(), everyone) for name in names.split(",") if name.strip() not in ("", "-1")]


def _named(nvml: ModuleType, name: str, everyone: Sequence[object]) -> object:
    """The GPU that CUDA calls so: by UUID, or by a number, which is NVML's if all are alike or CUDA is told so."""
    if not name.isdecimal():
        return nvml.nvmlDeviceGetHandleByUUID(name)
    alike = len({_text(nvml.nvmlDeviceGetName(handle)) for handle in everyone}) == 1
    if not alike and os.environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID":
        raise ValueError("CUDA numbers unlike GPUs by their speed")
    return everyone[int(name)]


def _processes(nvml: ModuleType, handle: object) -> set[int]:
    """The numbers of the processes that compute on it, clients of CUDA's multi-process service included."""
    found = list(nvml.nvmlDeviceGetComputeRunningProcesses(handle))
    with contextlib.suppress(Exception):  # of drivers that do not know the service
        found += nvml.nvmlDeviceGetMPSComputeRunningProcesses(handle)
    return {process.pid for process in found}


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
