"""The machine: stable hardware facts, and this process's share of it. Never a path, user, host name or address."""

import os
import platform
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import TypedDict

from keras_reprise.base import gpu

THREADS = "REPRISE_THREADS"
THREAD_VARIABLES = (
    THREADS,
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "XLA_FLAGS",
    "TF_XLA_FLAGS",
    "TF_ENABLE_ONEDNN_OPTS",
    "NVIDIA_TF32_OVERRIDE",
)


class Hardware(TypedDict):
    """What a store keeps of a machine; `cpu` is its model, `os` the kernel's name."""

    architecture: str
    cores: int
    cpu: str
    gpus: list[str]
    memory_gib: int
    os: str


@lru_cache(maxsize=1)
def machine_facts() -> Hardware:
    """Hardware facts that last from boot to boot: CPU model, usable cores, memory in GiB, GPUs, architecture."""
    import psutil

    return {
        "architecture": platform.machine(),
        "cores": usable_cores(),
        "cpu": _cpu_model(),
        "gpus": [one["name"] for one in _gpus()],
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "os": platform.system(),
    }


def usable_cores() -> int:
    """Cores this process may use: its affinity, limited by the cgroup's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return cores if quota == "max" else max(1, min(cores, int(quota) // int(period)))
    except (OSError, ValueError):
        return cores


def threads() -> int:
    """How many threads this process computes with: its share as a worker among others, else every usable core."""
    share = os.environ.get(THREADS, "")
    return max(1, min(int(share), usable_cores())) if share.isdecimal() else usable_cores()


def thread_variables(share: int | None) -> dict[str, str]:
    """The variables that give a new process `share` threads, in every backend; none where it may use all cores."""
    if share is None or share >= usable_cores():
        return {}
    return {THREADS: str(share), "OMP_NUM_THREADS": str(share), "NPROC": str(share)}  # NPROC is XLA's on a CPU


def visible_gpus() -> list[str]:
    """CUDA's names (indices) of the GPUs that this process may use; none where the driver is missing."""
    here = [str(number) for number in range(len(_gpus()))]
    limit = os.environ.get("CUDA_VISIBLE_DEVICES")
    if limit is None or not here:
        return here
    return [name for name in limit.split(",") if name not in ("", "-1")]


def _cpu_model() -> str:
    if sys.platform == "linux" and (named := cpu_named(Path("/proc/cpuinfo").read_text())) is not None:
        return named
    if sys.platform == "darwin":
        return subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False
        ).stdout.strip()
    return platform.processor() or platform.machine()


def cpu_named(cpuinfo: str) -> str | None:
    """The CPU's model by what /proc/cpuinfo holds; None where that says nothing of it.

    On ARM, where mostly no model has a name, it is the numbers of the maker, the variant and the part of each kind of
    core.
    """
    if named := re.search(r"^(?:model name|Model)[^:\n]*:(.*)", cpuinfo, re.MULTILINE):
        return named[1].strip()
    numbers = re.compile(r"^CPU (implementer|variant|part)[ \t]*: *(\S+)", re.MULTILINE)
    kinds = {" ".join(f"{name} {value}" for name, value in numbers.findall(core)) for core in cpuinfo.split("\n\n")}
    known = sorted(kinds - {""})
    return f"ARM {', '.join(known)}" if known else None


@lru_cache(maxsize=1)
def _gpus() -> list[dict[str, str]]:
    return gpu.devices()
