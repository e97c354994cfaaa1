"""Which arm a free worker takes."""

import dataclasses

import msgspec
import pytest

from keras_reprise.record.schema import Card, DataRef
from keras_reprise.run.messages import RecipeSource
from keras_reprise.run.queue import Job, Queue, QueuedReplicate

HERE, THERE = ("machine-a", "environment"), ("machine-b", "environment")


def a_job(slug="one", arms=("x", "y"), seeds=(1, 2), **more):
    card = Card(slug, 1, "", "", [], dict.fromkeys(arms, ""), [], [], {})
    return Job(RecipeSource("", b""), card, "", {arm: {} for arm in arms}, "quick", tuple(seeds), **more)


def opened(job, place, seeds, present=()):
    return [QueuedReplicate(job, seed, 0, list(job.params), {}) for seed in seeds if (place, seed) not in present]


def a_queue(*jobs, present=(), places=(HERE,)):
    queue = Queue(jobs, lambda job, place, seeds: opened(job, place, seeds, present))
    for place in places:
        queue.add_place(place)
    return queue


def taken(queue, *turns, **more):
    """What the workers get in turn, as (recipe, seed, arm)."""
    found = (queue.next(worker, place, **more) for worker, place in turns)
    return [one and (one[0].job.card.slug, one[0].seed, one[1]) for one in found]


def measured(queue, seed, arm):
    (replicate,) = (replicate for replicate in queue.replicates if replicate.seed == seed)
    replicate.running.discard(arm)
    replicate.results[arm] = {}


def test_a_worker_stays_with_its_replicate_and_another_begins_the_next():
    queue = a_queue(a_job())
    assert taken(queue, ("a", HERE), ("b", HERE)) == [("one", 1, "x"), ("one", 2, "x")]
    measured(queue, 1, "x")
    assert taken(queue, ("a", HERE)) == [("one", 1, "y")]


def test_an_idle_worker_takes_an_arm_of_a_replicate_that_another_has_unless_it_must_not():
    queue = a_queue(a_job(seeds=(1,)))
    assert taken(queue, ("a", HERE)) == [("one", 1, "x")]
    assert taken(queue, ("b", HERE), shared=False) == [None]
    assert taken(queue, ("b", HERE)) == [("one", 1, "y")]


def test_what_a_worker_had_that_is_gone_is_for_others_of_its_kind_once_an_arm_was_given_up():
    queue = a_queue(a_job(seeds=(1,)), places=(HERE, THERE))
    assert taken(queue, ("a", HERE)) == [("one", 1, "x")]
    measured(queue, 1, "x")
    assert taken(queue, ("b", HERE), shared=False) == [None]
    queue.release("a")
    queue.replicates[0].given_up = True
    assert taken(queue, ("c", THERE), ("b", HERE), shared=False) == [None, ("one", 1, "y")]


def test_a_measured_replicate_is_assembled_first_and_once():
    queue = a_queue(a_job(arms=("x",)))
    assert taken(queue, ("a", HERE)) == [("one", 1, "x")]
    measured(queue, 1, "x")
    assert taken(queue, ("b", HERE), ("a", HERE)) == [("one", 1, None), ("one", 2, "x")]


def test_replicates_of_a_job_stay_on_machines_of_one_kind_and_another_kind_takes_another_job():
    queue = a_queue(a_job("one", seeds=(1, 2)), a_job("two", seeds=(1, 2)), places=(HERE, THERE))
    turns = [("a", HERE), ("b", THERE), ("b2", THERE), ("a2", HERE), ("c", THERE)]
    assert taken(queue, *turns) == [
        ("one", 1, "x"), ("two", 1, "x"), ("two", 2, "x"), ("one", 2, "x"), ("two", 1, "y"),
    ]  # fmt: skip


def test_a_job_goes_on_where_most_of_it_was_measured():
    job = a_job(seeds=(1, 2, 3))
    queue = a_queue(job, present={(THERE, 1), (THERE, 2)}, places=(HERE, THERE))
    assert (job.place, job.present, len(queue.replicates)) == (THERE, 2, 1)


def test_a_job_that_was_begun_stays_where_it_is():
    job = a_job(seeds=(1, 2, 3))
    queue = a_queue(job, present={(THERE, 1), (THERE, 2)})
    assert taken(queue, ("a", HERE)) == [("one", 1, "x")]
    queue.add_place(THERE)
    assert (job.place, len(queue.replicates)) == (HERE, 3)
    assert taken(queue, ("b", THERE)) == [None]


@pytest.mark.parametrize("auto", [False, True])
def test_with_auto_a_block_ends_where_the_verdicts_are_looked_at(auto):
    job = a_job(seeds=tuple(range(1, 31)), auto=auto)
    queue = a_queue(job)
    assert len(queue.replicates) == (6 if auto else 30)
    for replicate in list(queue.replicates):
        queue.remove(replicate)
    assert queue.block_done(job)
    if auto:
        assert [replicate.seed for replicate in queue.next_block(job)] == [7, 8, 9, 10, 11, 12]


def test_a_substitute_counts_in_a_jobs_name_only_where_the_recipe_has_data():
    job = a_job(substitute="digits")
    assert (job.name, job.key) == ("one-v1-quick", "one-v1-quick")
    job.card = msgspec.structs.replace(job.card, data="cifar10")
    assert job.name == "one-v1-quick-digits"


def test_jobs_of_one_name_that_measure_something_else_have_other_keys():
    first, second = (a_job(measurement=one * 64) for one in "12")
    assert (first.name, first.key) == (second.name, "one-v1-quick-111111111111")
    data = [dataclasses.replace(first, declared=DataRef("mine", one * 64, 1, 1, False)) for one in "34"]
    assert len({job.key for job in (first, second, *data)}) == 4
