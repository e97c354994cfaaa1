"""Which arm a free worker takes."""

import pytest

from keras_reprise.record.schema import Card
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
