"""`gate --between`: did another environment, or another commit, change speed, peak memory or quality?"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from keras_reprise.base.git import git
from keras_reprise.gate import expectations, measuring, quality
from keras_reprise.gate.baselines import calibrated
from keras_reprise.gate.design import SECOND_LOOK
from keras_reprise.gate.early import settled
from keras_reprise.gate.gating import Outcome, changes, judged, notes_of
from keras_reprise.gate.injection import injected
from keras_reprise.gate.installations import sides
from keras_reprise.gate.journal import journal
from keras_reprise.gate.looks import Look, look_of
from keras_reprise.gate.measuring import Taken
from keras_reprise.gate.processes import Process
from keras_reprise.gate.rule import Row
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.sides import comparable
from keras_reprise.store.store import Store

Say = Callable[[str], None]


def between(store: Store, settings: Settings, name: str, a: str, b: str, say: Say) -> Outcome:
    """Measure both environments in ABBA blocks of fresh processes; what looks changed is measured again like that.

    The first look ends as soon as nothing that could be seen can be left, as that of a gate does.
    """
    this = measuring.this_machine()
    recipes = quality.chosen(settings)
    with sides((a, b), settings, say) as made:
        facts = {side: measuring.software(made[side]) for side in "ab"}
        settings = comparable(settings, facts["a"], facts["b"])
        known = calibrated(store, this, name, settings, beside=True)
        seeds = dict.fromkeys("ab", measuring.seeds_of(recipes, settings, {}))
        seconds = 2 * expectations.expected_s(settings, settings.rounds, seeds["a"], None, store)
        more_s = seconds * SECOND_LOOK * (1 if known.noise else 2)  # and a third look where nothing is calibrated
        say(
            f"{2 * settings.rounds * len(settings.benchmarks)} processes in ABBA blocks and "
            f"{2 * sum(map(len, seeds['a'].values()))} "
            f"replicates: about {expectations.in_words(seconds)}, less once nothing that could be seen is left, and at "
            f"most {expectations.in_words(more_s)} more if things look changed."
        )
        processes: list[Process] = []

        def looks(found: Mapping[str, Taken]) -> tuple[Look, Look]:
            return look_of(found["a"], settings.estimate), look_of(injected(found["b"]), settings.estimate)

        def enough(found: Mapping[str, Taken]) -> dict[str, Row]:
            return settled(*looks(found), settings, known)

        def again(suspects: Sequence[str], step: str) -> tuple[Look, Look]:
            more = measuring.again(suspects, made, settings, seeds, begun, step)
            processes.extend(process for one in more.values() for process in one.processes)
            return looks(more)

        commits = [git(Path.cwd(), "rev-parse", made[side].commit or "HEAD") for side in "ab"]
        begun = journal(store, "between", a, b, commits, facts, settings)
        first, early = measuring.until_settled(made, settings, seeds, begun, enough)
        processes += [process for one in first.values() for process in one.processes]
        judgement = judged(looks(first), again, settings, known, say, early)
    begun.forget()
    return Outcome(judgement, a, b, changes(facts["a"], facts["b"]), notes_of(judgement, known, processes), this)
