"""A worker: imports the backend once, then does one task after the other. Executors start one in a process of its own.

A process of its own, so that a recipe that crashes, hangs or takes all memory takes nothing with it.
"""

import gc
import hashlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from keras_reprise.base import gpu, package_code
from keras_reprise.base.errors import DataError, MeasurementError, RecipeError, UserError
from keras_reprise.base.failures import described
from keras_reprise.base.files import own_cache
from keras_reprise.base.locks import machine
from keras_reprise.base.machine import machine_facts
from keras_reprise.base.seeds import Seeds
from keras_reprise.datasets import registry
from keras_reprise.recipe import loading
from keras_reprise.recipe.guard import end_process
from keras_reprise.record.encoding import pretty, record_id
from keras_reprise.record.schema import MAX_RECORD_BYTES, failed_arm
from keras_reprise.run import messages
from keras_reprise.run.kept import Checkpoints
from keras_reprise.store.store import document_id

if TYPE_CHECKING:
    from keras_reprise.measure.replicate import Replicate

PARENT_LOOKED_FOR_S = 0.5
PROGRESS_EVERY_S = 0.2


class Worker:
    """Does tasks in this process; every reply goes to `send`."""

    def __init__(self, setup: messages.Setup, send: Callable[[messages.Reply], None]) -> None:
        from keras_reprise.engine.backends import start
        from keras_reprise.measure.environment import environment_facts

        self.setup, self._send, self.process = setup, send, os.getpid()
        self._said: set[str] = set()
        _require_code(setup.code_sha256, package_code.running_sha256())
        start.start(setup.backend, setup.precision, setup.determinism)
        if (folder := own_cache()) is not None:
            start.current_backend().keep_compiled(folder)
        self.machine: dict[str, object] = {**machine_facts()}
        self.environment = environment_facts(setup.determinism, setup.precision)
        self._recipes: dict[tuple[str, str], loading.LoadedRecipe] = {}
        self._latest: tuple[messages.Replay, Replicate] | None = None
        self._told = 0.0
        self._modules: set[str] = set()
        gc.freeze()  # Keras and its backend stay: looking through them for garbage after every arm takes 0.3 s
        send(messages.Ready(self.machine, self.environment))

    def send(self, reply: messages.Reply) -> None:
        """Reply, unless this is a process that a recipe has forked off the worker."""
        if os.getpid() == self.process:
            self._send(reply)

    def do(self, task: messages.Task) -> None:
        """Do one task; what is wrong with it whoever does it is `Refused`."""
        try:
            reply: messages.Reply
            if isinstance(task, messages.Describe):
                reply = self._describe(task)
            elif isinstance(task, messages.ReadData):
                reply = self._read_data(task)
            elif isinstance(task, messages.Measure):
                reply = self._measure(task)
            else:
                reply = self._assemble(task)
            self._require_code_of_imports()
            self.send(reply)
        except Exception as error:  # of the recipe's functions none comes this far
            if self.setup.debug:
                traceback.print_exc(file=sys.stderr)
            if isinstance(error, UserError):
                return self.send(messages.Refused(type(error).__name__, str(error)))
            what = f"{type(error).__name__}: {described(error)}"
            text = f"A worker could not go on: {what}.\nFinished arms are kept. Run again with --debug to see where."
            self.send(messages.Refused("MeasurementError", text))

    def _require_code_of_imports(self) -> None:
        """MeasurementError when the task imported modules of the package that were changed since the run began."""
        modules = {name for name in tuple(sys.modules) if name.startswith("keras_reprise.")}
        if modules - self._modules:
            self._modules = modules
            _require_code(self.setup.code_sha256, package_code.sha256_now())

    def _describe(self, task: messages.Describe) -> messages.Described:
        from keras_reprise.recipe.settings import plain_settings

        loaded = self._load(task.recipe)
        params = {arm.name: plain_settings(f"the arm {arm.name}", arm.settings) for arm in loaded.recipe.arms}
        measurements = loaded.measurements(self.environment["backend"]["name"])
        return messages.Described(loaded.card, loaded.source_sha256, params, measurements, loaded.summary)

    def _read_data(self, task: messages.ReadData) -> messages.DataRead:
        from keras_reprise.measure import own_data, rehearsal

        loaded = self._load(task.recipe)
        recipe = loaded.recipe
        replicate = self._new_replicate(
            messages.Replay(task.recipe, task.scale, rehearsal.SEED, 0, task.data, "", ""), kept=False
        )
        own = task.data not in (None, *registry.names())
        made = {}
        for arm in recipe.arms:
            if arm.name in task.arms:
                made[arm.name], fault = rehearsal.rehearsed(recipe, arm, replicate, loaded.beside, onward=task.onward)
                if fault and not made[arm.name]:
                    text = f"{recipe.slug} {arm.name}: its data cannot be read again ({fault}), so nothing is skipped."
                    self._say_once(text, text)
        facts = [facts for arm in made.values() for facts in arm]
        declared = replicate.dataset().facts() if own or (task.data and facts) else None
        found = {"declared": declared, "made": made, "combined": own_data.combined(declared, facts)}
        return msgspec.convert(found, messages.DataRead)

    def _measure(self, task: messages.Measure) -> messages.Measured:
        from keras_reprise.measure import arm as measure

        loaded, replicate = self._load_for(task.replay), self._replicate(task.replay)
        arm = loaded.recipe.arm(task.arm)
        with machine(alone=task.alone, say=lambda text: self.send(messages.Said(text))) as nobody_else:
            if task.replay.data:
                replicate.dataset()
            self.send(messages.Began())
            with gpu.watched(self.environment["device"]) as watch:
                replicate.nobody_else = partial(measure.alone_so_far, nobody_else, watch)
                if self.setup.determinism == "fast":
                    result = measure.measure_arm(loaded, arm, replicate, debug=self.setup.debug)
                else:
                    again = self._new_replicate(task.replay, kept=False)
                    result = measure.measure_twice(loaded, arm, replicate, again, debug=self.setup.debug)
            result = measure.with_company(result, nobody_else(), watch)
        if unread := result.pop("unread", ""):
            self._say_once(f"{loaded.recipe.slug} {unread}", unread)
        return messages.Measured(result)

    def _assemble(self, task: messages.Assemble) -> messages.Assembled:
        from keras_reprise.measure import assemble
        from keras_reprise.measure.returned import biggest

        loaded, arms = self._load_for(task.replay), dict(task.arms)
        card = hashlib.sha256(pretty(loaded.card)).hexdigest()
        while True:
            document = assemble.document(
                loaded, self._replicate(task.replay), task.replay.repeat, arms,
                card=card, machine=document_id(self.machine), environment=document_id(self.environment),
                determinism=self.setup.determinism, code=self.setup.code, measurement=task.replay.measurement,
                say=lambda text: self._say_once(f"{loaded.recipe.slug} seed {task.replay.seed}: {text}", text),
            )  # fmt: skip
            content = pretty(document | {"id": record_id(document)})
            if len(content) <= MAX_RECORD_BYTES:
                return messages.Assembled(content)
            name = max(arms, key=lambda name: len(pretty(arms[name]["arm"])))
            arm = arms[name]["arm"]
            why = f"all arms together do not fit into a record: {biggest(arm)}"
            failed = failed_arm(arm["params"], "InvalidMeasurement", why, arm["time"]["total_s"])
            self.send(messages.Said(f"{loaded.recipe.slug} seed {task.replay.seed} {name} failed: {why}"))
            arms[name] = arms[name] | {"arm": failed, "digest": ""}

    def _say_once(self, line: str, what: str) -> None:
        if what not in self._said:
            self._said.add(what)
            self.send(messages.Said(line, once=what))

    def _load(self, recipe: messages.RecipeSource) -> loading.LoadedRecipe:
        key = recipe.path, hashlib.sha256(recipe.content).hexdigest()
        if key not in self._recipes:
            self._recipes[key] = loading.load(Path(recipe.path), recipe.content)
        return self._recipes[key]

    def _load_for(self, replay: messages.Replay) -> loading.LoadedRecipe:
        """The recipe of a replicate; RecipeError when what this worker would measure is not what the run is about."""
        loaded = self._load(replay.recipe)
        if loaded.measurements(self.environment["backend"]["name"])[replay.scale] != replay.measurement:
            raise RecipeError(
                f"{loaded.path.name} imports code that changed since this run began, "
                "or is another one on this machine.\n"
                "One replicate never mixes two codes, so nothing more was measured. Run the same command again."
            )
        return loaded

    def _replicate(self, replay: messages.Replay) -> "Replicate":
        """The replicate that all its arms share; the latest is kept, with its data."""
        if self._latest is None or self._latest[0] != replay:
            self._latest = replay, self._new_replicate(replay, kept=True)
        return self._latest[1]

    def _new_replicate(self, replay: messages.Replay, *, kept: bool) -> "Replicate":
        from keras_reprise.measure.replicate import Replicate

        recipe = self._load(replay.recipe).recipe
        data_dir = Path(self.setup.data_dir) if self.setup.data_dir else None
        replicate = Replicate(Seeds(replay.seed), recipe.scale(replay.scale), replay.data, data_dir)
        replicate.on_epoch = self._progressed
        if callable(recipe.data) and replay.data == recipe.data_name:
            replicate.load = recipe.data
        if replay.fingerprint and replicate.dataset().content_sha256 != replay.fingerprint:
            raise DataError(
                f"The data of {recipe.slug} were changed while they were measured on.\n"
                "What is recorded stays; run the same command again: it measures on the new data."
            )
        if kept:
            replicate.folder = Path(self.setup.cache) / replay.folder
            replicate.checkpoints = Checkpoints(replicate.folder / "checkpoints", replicate.unwritten.append)
        return replicate

    def _progressed(self, done: float, total: float, detail: str) -> None:
        now = time.monotonic()
        if now - self._told >= PROGRESS_EVERY_S:
            self._told = now
            self.send(messages.Progressed(done, total, detail))


def _require_code(wanted: str, found: str) -> None:
    """MeasurementError unless this process imports the code that the run began with: a record is of one code."""
    if wanted and found != wanted:
        raise MeasurementError(
            "A worker imports another code of keras-reprise than this run began with: it was changed meanwhile.\n"
            "Nothing of the two is mixed; what is finished is kept. Run the same command again."
        )


def serve(connection: Connection) -> None:
    """Do the tasks that come over `connection` until it is closed."""

    def send(reply: messages.Reply) -> None:
        connection.send_bytes(messages.encode(reply))

    setup = messages.decode_task(connection.recv_bytes())
    assert isinstance(setup, messages.Setup)
    try:
        worker = Worker(setup, send)
    except UserError as error:
        return send(messages.Refused(type(error).__name__, str(error)))
    while True:
        task = messages.decode_task(connection.recv_bytes())
        assert not isinstance(task, messages.Setup)
        worker.do(task)


def _end_with_parent(parent: int) -> None:
    """End this process soon after its parent, however that ended."""
    while os.getppid() == parent:
        time.sleep(PARENT_LOOKED_FOR_S)
    end_process(1)


def main() -> None:
    """The worker's process; arguments are its connection's number and its parent. Interrupts are the driver's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(int(sys.argv[2]),), daemon=True).start()
    connection = Connection(int(sys.argv[1]))
    # Processes that a recipe starts or forks must not keep the driver waiting for the end of this one.
    os.set_inheritable(connection.fileno(), False)
    os.register_at_fork(after_in_child=connection.close)
    try:
        serve(connection)
    except (EOFError, OSError):
        return


if __name__ == "__main__":
    main()
