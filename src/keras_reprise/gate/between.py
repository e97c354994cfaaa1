"""`gate --between`: did another environment, or another commit, change speed, peak memory or quality?"""

import secrets
from collections.abc import Callable, Mapping, Sequence

from keras_reprise.gate import measuring, quality
from keras_reprise.gate.documents import Calibration, calibration_path, read
from keras_reprise.gate.environments import sides
from keras_reprise.gate.gating import Outcome, changes, comparable, notes_of
from keras_reprise.gate.injection import injected
from keras_reprise.gate.processes import Process, Side, plan
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.verdicts import Known, Look, first_look, learn, look, look_of, second_look
from keras_reprise.store import Store

Say = Callable[[str], None]


def between(store: Store, settings: Settings, name: str, a: str, b: str, say: Say) -> Outcome:
    """Measure both environments in ABBA blocks of fresh processes; what looks changed is measured again the same way."""
    this = measuring.this_machine()
    recipes = quality.chosen(settings)
    with sides((a, b), say) as made:
        facts = {side: measuring.software(made[side]) for side in "ab"}
        settings = comparable(settings, facts["a"], facts["b"])
        known = known_within(store, this, name, settings)
        seeds = measuring.seeds_of(recipes, settings, {})
        seconds = 2 * measuring.expected_s(settings, settings.rounds, seeds, None, store)
        say(
            f"{2 * settings.rounds * len(settings.benchmarks)} processes in ABBA blocks and {2 * sum(map(len, seeds.values()))} "
            f"replicates: about {measuring.in_words(seconds)}, and at most as long again if something looks changed."
        )
        processes, old, new = _measured(made, settings, measuring.suites_of(settings), seeds)
        judgement = first_look(old, new, settings, known)
        if judgement.suspects:
            suspects = [row.metric for row in judgement.suspects]
            say(f"{len(suspects)} of {len(judgement.rows)} metrics look changed; measuring them again.")
            suites, only, chosen = measuring.needed_again(suspects, settings, recipes)
            more = measuring.other_seeds(seeds, chosen)
            second, old, new = _measured(made, settings, suites, more, only)
            judgement = second_look(judgement, old, new, settings, known)
            processes += second
    return Outcome(judgement, a, b, changes(facts["a"], facts["b"]), notes_of(judgement, known, processes), this)


def _measured(
    made: Mapping[str, Side],
    settings: Settings,
    suites: Sequence[str],
    seeds: Mapping[str, Sequence[int]],
    only: Sequence[str] = (),
) -> tuple[list[Process], Look, Look]:
    tasks = plan(suites, settings.rounds, secrets.randbits(32), ("a", "b"))
    processes = measuring.run_processes(tasks, made, only)
    mine = {side: [process for process in processes if process.side == side] for side in "ab"}
    found = {side: measuring.run_recipes(made[side], settings, seeds) for side in "ab"}
    mine["b"], found["b"] = injected(mine["b"], found["b"])
    return (
        processes,
        look_of(mine["a"], found["a"], settings.estimate),
        look_of(mine["b"], found["b"], settings.estimate),
    )


def known_within(store: Store, machine_id: str, name: str, settings: Settings) -> Known:
    """What is known of this machine within an occasion: what drifts from hour to hour hits both sides alike."""
    found = read(calibration_path(store, machine_id, name), Calibration)
    looks = [look(occasion, settings.estimate) for occasion in found.occasions] if found else []
    each = [learn([one], settings.rounds).noise for one in looks]
    metrics = {metric: None for one in each for metric in one}
    mean_square = {m: sum(one[m] ** 2 for one in each if m in one) / sum(m in one for one in each) for m in metrics}
    return Known({metric: square**0.5 for metric, square in mean_square.items()}, looks)
