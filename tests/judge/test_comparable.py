"""What is pooled, under which key, and which of repeats counts."""

import msgspec
from summaries import summary

from keras_reprise.judge import comparable
from keras_reprise.record.schema import DataRef

IMAGES = DataRef("images", "a" * 64, 10, 5, False)


def test_records_are_pooled_only_when_all_of_their_key_is_equal():
    first = summary(1, {"c": 1.0})
    others = [
        msgspec.structs.replace(first, machine="1" * 12),
        msgspec.structs.replace(first, environment="2" * 12),
        msgspec.structs.replace(first, data=IMAGES),
        msgspec.structs.replace(first, data=msgspec.structs.replace(IMAGES, substitute=True)),
        msgspec.structs.replace(first, recipe=msgspec.structs.replace(first.recipe, scale="full")),
        msgspec.structs.replace(first, recipe=msgspec.structs.replace(first.recipe, measurement="b" * 64)),
    ]
    assert len(comparable.groups([first, *others, summary(2, {"c": 2.0})])) == 1 + len(others)


def test_groups_come_in_the_order_of_versions_and_what_has_no_data_last():
    first = summary(1, {"c": 1.0})
    versions = [
        msgspec.structs.replace(first, recipe=msgspec.structs.replace(first.recipe, version=version))
        for version in (10, 2, 1)
    ]
    with_data = msgspec.structs.replace(versions[2], data=IMAGES)
    found = list(comparable.groups([*versions, with_data]))
    assert [(key.version, key.data is None) for key in found] == [(1, False), (1, True), (2, True), (10, True)]


def test_together_keeps_the_order_in_which_things_come():
    assert comparable.together("banana", str) == {"b": ["b"], "a": ["a", "a", "a"], "n": ["n", "n"]}
    assert list(comparable.together([3, 1, 2, 5], lambda number: number % 2).items()) == [(1, [3, 1, 5]), (0, [2])]


def test_of_two_records_that_were_finished_at_once_the_latest_is_the_same_in_any_order():
    one, other = (msgspec.structs.replace(summary(1, {"c": 1.0}), id=letter * 64) for letter in "ab")
    assert comparable.latest([one, other]) == comparable.latest([other, one]) == other
    assert comparable.digest([one, other]) == comparable.digest([other, one])
