"""A Ray cluster of two nodes on this machine, one of which can be killed."""

import os
import subprocess
import sys
from pathlib import Path

CLUSTER = """
import sys
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
node = cluster.add_node(num_cpus=1)
print(cluster.address, flush=True)
for line in sys.stdin:
    if line == "kill\\n":
        cluster.remove_node(node, allow_graceful=False)
    if line == "add\\n":
        node = cluster.add_node(num_cpus=1)
    print("done", flush=True)
cluster.shutdown()
"""


class Nodes:
    """A head and another node, of one CPU each; the other one can be killed (`tell("kill")`) and replaced (`tell("add")`)."""

    def __init__(self, keras_home: Path, folder: str) -> None:
        """`folder` is for Ray's sockets, whose paths must be short."""
        environment = {name: value for name, value in os.environ.items() if name != "REPRISE_DATA"}
        environment |= {"RAY_USAGE_STATS_ENABLED": "0", "KERAS_HOME": str(keras_home), "TMPDIR": folder}
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env=environment,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        assert self.address, "Ray did not start"

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.communicate(timeout=60)
