"""What NVML tells of GPUs: names as nvidia-smi prints them, and the processes of others; nothing where there is no driver."""

import os
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest

from keras_reprise.base import gpu
from keras_reprise.measure import arm

STRANGER = 2**22 + 1  # no process here has such a number
DRIVER = "570.86.15"


class Library(ModuleType):
    """A stand-in for `pynvml`: GPUs by name, with the numbers of the processes on each."""

    def __init__(self, gpus, names=None, broken=False):
        super().__init__("pynvml")
        self.gpus, self.names, self.broken = gpus, names or ["NVIDIA H100 80GB HBM3"] * len(gpus), broken
        self.opened = 0
        self.millijoules: list[int] | None = None

    def nvmlInit(self):
        if self.broken:
            raise OSError("NVML Shared Library Not Found")
        self.opened += 1

    def nvmlShutdown(self):
        self.opened -= 1

    def nvmlSystemGetDriverVersion(self):
        return DRIVER.encode()  # older releases give bytes

    def nvmlDeviceGetCount(self):
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, number):
        return number

    def nvmlDeviceGetHandleByUUID(self, name):
        return {f"GPU-{number}": number for number in range(len(self.gpus))}[name]

    def nvmlDeviceGetName(self, handle):
        return self.names[handle]

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):
        if self.millijoules is None:
            raise OSError("Not Supported")
        return self.millijoules[handle]

    def nvmlDeviceGetComputeRunningProcesses(self, handle):
        return [SimpleNamespace(pid=pid) for pid in self.gpus[handle]]


@pytest.fixture
def nvml(monkeypatch):
    """Put a machine's GPUs in place of this one's."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)

    def put(*gpus, **settings):
        library = Library(gpus, **settings)
        monkeypatch.setitem(sys.modules, "pynvml", library)
        return library

    return put


def test_names_and_driver_are_those_of_nvidia_smi(nvml):
    nvml([], [], names=["NVIDIA A100", "NVIDIA L4"])
    assert gpu.devices() == [{"name": "NVIDIA A100", "driver": DRIVER}, {"name": "NVIDIA L4", "driver": DRIVER}]


@pytest.mark.parametrize("settings", [{"broken": True}, None])
def test_without_nvml_nothing_is_known(nvml, monkeypatch, settings):
    if settings is None:
        monkeypatch.setitem(sys.modules, "pynvml", None)  # not installed
    else:
        nvml([os.getpid()], **settings)
    assert gpu.devices() == []
    assert gpu.other_processes() is None


def test_this_process_and_its_children_are_no_others(nvml):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        library = nvml([os.getpid(), child.pid])
        assert gpu.other_processes() == 0
        nvml([os.getpid(), child.pid, STRANGER, 1])
        assert gpu.other_processes() == 2
    finally:
        child.communicate()
    assert library.opened == 0


@pytest.mark.parametrize(
    ("visible", "others"), [("0", 0), ("1", 2), ("0,1", 2), ("GPU-1", 2), ("", None), ("-1", None), ("GPU-9", None)]
)
def test_only_gpus_that_cuda_gives_this_process_count(nvml, monkeypatch, visible, others):
    nvml([os.getpid()], [os.getpid(), STRANGER, STRANGER + 1])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpu.other_processes() == others


def test_numbers_of_unlike_gpus_are_believed_only_in_the_order_of_the_bus(nvml, monkeypatch):
    nvml([os.getpid()], [os.getpid(), STRANGER], names=["slow", "fast"])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert gpu.other_processes() is None
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    assert gpu.other_processes() == 0


@pytest.mark.parametrize(("listed", "others"), [([], None), ([STRANGER], 0), ([STRANGER, STRANGER + 1], 1)])
def test_in_a_container_one_of_the_host_s_numbers_is_this_process(nvml, listed, others):
    nvml(listed)
    assert gpu.other_processes() == others


def test_the_largest_number_seen_is_kept(nvml):
    library = nvml([os.getpid(), STRANGER])
    with gpu.watched("gpu x1") as watch:
        library.gpus = ([os.getpid()],)
    assert (watch.on_gpu, watch.most) == (True, 1)


def test_it_is_looked_at_while_the_arm_is_measured(nvml, monkeypatch):
    monkeypatch.setattr(gpu, "LOOKED_EVERY_S", 0.001)
    library = nvml([os.getpid()])
    with gpu.watched("gpu x1") as watch:
        library.gpus = ([os.getpid(), STRANGER],)
        while watch.most != 1:
            pass
        library.gpus = ([os.getpid()],)
    assert watch.most == 1


def test_nobody_looks_for_a_gpu_on_a_cpu(nvml):
    nvml([os.getpid(), STRANGER])
    with gpu.watched("cpu") as watch:
        pass
    assert (watch.on_gpu, watch.most) == (False, None)


def test_energy_is_what_the_counters_of_the_gpus_of_this_process_rose_by(nvml, monkeypatch):
    library = nvml([os.getpid()], [os.getpid()], [STRANGER])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    library.millijoules = [1_000, 20_000, 300]
    with gpu.watched("gpu x2") as watch:
        library.millijoules = [4_500, 20_250, 9_000]
    assert watch.energy_j == pytest.approx(3.75)
    assert library.opened == 0


@pytest.mark.parametrize(("before", "after"), [(None, None), (None, [5]), ([5], None), ([5], [3])])
def test_energy_is_not_known_where_the_counter_is_missing_or_was_set_back(nvml, before, after):
    library = nvml([os.getpid()])
    library.millijoules = before
    with gpu.watched("gpu x1") as watch:
        library.millijoules = after
    assert watch.energy_j is None


@pytest.mark.parametrize("visible", ["", "-1", "GPU-9"])
def test_energy_of_no_gpu_is_not_known(nvml, monkeypatch, visible):
    nvml([os.getpid()]).millijoules = [5]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpu.energy_j() is None


@pytest.mark.parametrize("energy", [None, 12.5])
def test_energy_stands_in_an_arm_s_cost_only_where_it_is_known(energy):
    result = {"arm": {"time": {}, "cost": {"params": 3}}, "load": {}}
    found = arm.with_company(result, True, gpu.Watch(on_gpu=True, counts=[0], energy_j=energy))
    assert found["arm"]["cost"] == {"params": 3} | ({} if energy is None else {"gpu_energy_j": energy})


@pytest.mark.parametrize(
    ("runs", "on_gpu", "counts", "alone"),
    [
        (True, False, [], True),
        (None, False, [], None),
        (False, False, [], False),
        (True, True, [0, 0], True),
        (True, True, [0, 1], False),
        (None, True, [1, 1], False),  # whoever is known to be there
        (True, True, [0, None], None),
        (False, True, [None], False),
    ],
)
def test_alone_is_said_only_where_runs_and_gpu_are_known(runs, on_gpu, counts, alone):
    result = {"arm": {"time": {"total_s": 1.0}, "cost": {}}, "load": {"mean_1m": 0.5}}
    found = arm.with_company(result, runs, gpu.Watch(on_gpu, counts))
    assert found["arm"]["time"] == {"total_s": 1.0, "alone": alone}
    assert found["load"].keys() == {"mean_1m", "gpu_processes"}
