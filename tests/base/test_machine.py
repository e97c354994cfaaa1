"""What a machine is known by."""

import pytest

from keras_reprise.base.machine import cpu_named

CORE = """processor\t: {number}
BogoMIPS\t: 243.75
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: {variant}
CPU part\t: {part}
CPU revision\t: 1
"""
XEON = "processor\t: 0\nmodel\t\t: 106\nmodel name\t: Intel(R) Xeon(R) Processor\nstepping\t: 6\n"


def cores(*kinds: tuple[str, str]) -> str:
    return "\n".join(CORE.format(number=n, variant=variant, part=part) for n, (variant, part) in enumerate(kinds))


@pytest.mark.parametrize(
    ("cpuinfo", "model"),
    [
        (XEON, "Intel(R) Xeon(R) Processor"),
        (f"{XEON}\n{XEON}", "Intel(R) Xeon(R) Processor"),
        (cores(("0x0", "0xd08")) + "\nModel\t\t: Raspberry Pi 4 Model B", "Raspberry Pi 4 Model B"),
        (cores(("0x3", "0xd0c"), ("0x3", "0xd0c")), "ARM implementer 0x41 variant 0x3 part 0xd0c"),
        (cores(("0x1", "0xd40")), "ARM implementer 0x41 variant 0x1 part 0xd40"),
        (
            cores(("0x2", "0xd05"), ("0x1", "0xd0b"), ("0x2", "0xd05")),
            "ARM implementer 0x41 variant 0x1 part 0xd0b, implementer 0x41 variant 0x2 part 0xd05",
        ),
        ("processor\t: 0\nhart\t\t: 1\nisa\t\t: rv64imafdc\n", None),
    ],
)
def test_a_cpu_without_a_name_is_known_by_the_numbers_of_its_kinds_of_cores(cpuinfo, model):
    assert cpu_named(cpuinfo) == model
