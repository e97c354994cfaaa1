import json
import shutil
import subprocess
from pathlib import Path

import pytest

from keras_reprise import catalog
from keras_reprise.base import checkout
from keras_reprise.base.errors import RecipeError
from keras_reprise.catalog import sources
from keras_reprise.catalog.lockfile import AcceptedHash
from keras_reprise.recipe import loading, locking, numerics
from keras_reprise.record.schema import SCHEMA

TOP = Path(__file__).parents[2]
DECLARED_AT = "0c1ea4b"


@pytest.fixture
def folder(tmp_path, plain_recipe):
    target = tmp_path / "recipes" / "family"
    target.mkdir(parents=True)
    shutil.copy(plain_recipe, target)
    locking.relock(target.parent)
    return target.parent


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "family" / "plain.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def entry(folder: Path):
    return catalog.read_lock(folder).recipes[0]


def test_the_projects_own_lock_is_up_to_date():
    found = locking.unlocked(checkout.recipes_folder())
    assert not found, "\n".join(locking.describe(found))


def test_the_settings_of_the_projects_own_lock_are_those_of_the_recipes():
    for one in catalog.read_lock().recipes:
        loaded = loading.load(checkout.recipes_folder() / one.path)
        assert (loaded.settings, loaded.measurements_everywhere(), loaded.summary) == (
            one.settings,
            one.measurements,
            one.summary,
        ), one.slug


def test_declared_are_exactly_the_sources_of_the_records_of_schema_1(reprise):
    records = [json.loads(path.read_bytes()) for path in (TOP / "results" / "records").rglob("*.json")]
    stored = {
        (one["recipe"]["slug"], one["recipe"]["version"], one["recipe"]["source_sha256"])
        for one in records
        if one["schema"] == 1
    }
    assert declared(TOP / "recipes") == stored


def test_declared_are_exactly_the_sources_of_the_records_at_the_commit_that_closed_the_list():
    shown = subprocess.run(
        ["git", "grep", "-h", "-E", '^    "(slug|source_sha256|version)":', DECLARED_AT, "--", "results/records"],
        cwd=TOP, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if shown.returncode:
        pytest.skip(f"git does not know {DECLARED_AT} here")
    values = [line.split(": ")[1].strip(' ",') for line in shown.stdout.splitlines()]
    at_that_commit = {(slug, int(version), source) for slug, source, version in zip(*[iter(values)] * 3, strict=True)}
    assert declared(TOP / "recipes") == at_that_commit


def declared(folder: Path) -> set[tuple[str, int, str]]:
    return {
        (one.slug, one.version, accepted.sha256)
        for one in catalog.read_lock(folder).recipes
        for accepted in one.accepted
        if accepted.evidence == "declared"
    }


def test_a_new_recipe_is_locked_with_its_card_and_what_it_measures(folder):
    found = entry(folder)
    assert (found.slug, found.version, found.path, found.family) == ("plain", 1, "family/plain.py", "family")
    assert found.card.claims[0].id == "two-is-two"
    assert set(found.measurements) == {"quick", "full"}
    assert set(found.measurements["quick"]) == set(numerics.NUMERICS)
    assert (found.summary, list(found.accepted)) == (None, [])
    assert locking.unlocked(folder) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("value=2.0", "value=2.01"),
        ("0.01 * noise[0]", "0.02 * noise[0]"),
        ('Scale("quick")', 'Scale("quick", n=3)'),
        ("def value(arms", "print(3)\n\n\ndef value(arms"),
    ],
)
def test_a_changed_measurement_without_a_new_version_is_refused_with_the_remedy(folder, old, new):
    edit(folder, old, new)
    assert [one.kind for one in locking.unlocked(folder)] == ["code"]
    before = (folder / "family" / "plain.lock").read_bytes()
    with pytest.raises(
        RecipeError,
        match=r"(?s)version is still 1.*Set version=2, keep the old file with `reprise lock --supersede plain --why TEXT`",
    ):
        locking.relock(folder)
    assert (folder / "family" / "plain.lock").read_bytes() == before


def test_a_changed_recipe_with_a_new_version_is_locked(folder):
    edit(folder, "value=2.0", "value=2.01")
    edit(folder, "version=1", "version=2")
    locking.relock(folder)
    assert entry(folder).version == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Cost:   nothing", "Cost:   one second"),
        ("import os", "import os  # the environment"),
        ("Two is two.", "Two, it is."),
        ("above=1.9", "above=1.8"),
        ('"Rising"', '"It rises"'),
        ("What is two?", "What is it?"),
        ('return arms["two"]', 'return arms["one"]'),
    ],
)
def test_what_decides_no_number_is_locked_under_the_same_version(folder, old, new):
    before = entry(folder)
    edit(folder, old, new)
    assert [one.kind for one in locking.unlocked(folder)] == ["words"]
    locking.relock(folder)
    assert locking.unlocked(folder) == []
    assert entry(folder).measurements == before.measurements
    assert entry(folder).sha256 != before.sha256


def test_settings_written_in_another_way_are_locked_under_the_same_version(folder):
    before = entry(folder)
    edit(folder, "value=2.0", "value=1.0 + 1.0")
    edit(folder, "seeds=12", "seeds=13")
    assert [one.kind for one in locking.unlocked(folder)] == ["code"]
    locking.relock(folder)
    assert locking.unlocked(folder) == []
    assert entry(folder).measurements == before.measurements


def test_a_raised_number_of_the_engine_is_noticed_without_running_a_recipe(folder, monkeypatch):
    monkeypatch.setitem(numerics.NUMERICS["jax"], "seeds", 2)
    assert [one.kind for one in locking.unlocked(folder)] == ["code"]
    with pytest.raises(RecipeError, match=r"(?s)What plain uses of the package changed \(NUMERICS\).*--replay plain"):
        locking.relock(folder)


def test_all_recipes_that_a_change_moves_are_named(folder, plain_recipe, monkeypatch):
    (folder / "family" / "other.py").write_text(plain_recipe.read_text().replace('slug="plain"', 'slug="other"'))
    locking.relock(folder)
    monkeypatch.setitem(numerics.NUMERICS["torch"], "data", 2)
    with pytest.raises(RecipeError, match="What other, plain use of the package changed"):
        locking.relock(folder)


def accept(folder: Path, *accepted: AcceptedHash) -> None:
    import msgspec

    for one in catalog.read_lock(folder).recipes:
        locking.write(folder, msgspec.structs.replace(one, accepted=list(accepted)))


def test_what_was_accepted_stays_and_nothing_is_declared_anew(folder):
    accepted = AcceptedHash("a" * 64, "source", "declared")
    accept(folder, accepted)
    edit(folder, "What is two?", "What is it?")
    locking.relock(folder)
    assert entry(folder).accepted == [accepted]
    (folder / "superseded").mkdir()
    (folder / "family" / "plain.py").rename(folder / "superseded" / "plain-v1.py")
    locking.relock(folder)
    assert (entry(folder).path, entry(folder).accepted) == ("superseded/plain-v1.py", [accepted])
    assert [path.name for path in folder.rglob("*.lock")] == ["plain-v1.lock"]


def test_a_new_version_accepts_nothing_of_the_old_one(folder):
    accept(folder, AcceptedHash("a" * 64, "source", "declared"))
    edit(folder, "version=1", "version=2")
    locking.relock(folder)
    assert entry(folder).accepted == []


def test_a_record_is_of_a_version_by_its_measurement_or_by_an_accepted_hash(folder):
    now, old, source = entry(folder).measurements, "b" * 64, "a" * 64
    accept(folder, AcceptedHash(source, "source", "declared"), AcceptedHash(old, "measurement", "replay", "quick"))
    lock = catalog.read_lock(folder)

    def of(
        measurement: str | None,
        sha256: str = "f" * 64,
        scale: str = "quick",
        backend: str | None = None,
        version: int = 1,
    ) -> bool:
        return lock.accepts("plain", version, scale, backend, measurement, sha256)

    assert of(now["quick"]["jax"])
    assert of(now["quick"]["jax"], backend="jax")
    assert not of(now["quick"]["jax"], backend="torch")
    assert not of(now["quick"]["jax"], scale="full")
    assert not of(now["quick"]["jax"], version=2)
    assert not of("c" * 64, source)
    assert of(old)
    assert not of(old, scale="full")
    assert of(None, source)
    assert not of(None, old)
    assert not of(source)
    assert not of(None, entry(folder).sha256)


def test_every_record_of_schema_1_in_the_results_is_of_its_version():
    for path in (TOP / "results" / "records").rglob("*.json"):
        one = json.loads(path.read_bytes())["recipe"]
        assert catalog.accepts(
            one["slug"], one["version"], one["scale"], None, one.get("measurement"), one["source_sha256"]
        ), path


def test_what_a_run_writes_is_of_the_version_that_the_lock_has(reprise, store_path):
    result = reprise("run", "l1-l2-toy", "--seeds", 1, "--store", store_path)
    assert result.exit_code == 0, result.output
    (path,) = (store_path / "records").rglob("*.json")
    record = json.loads(path.read_bytes())
    assert record["schema"] == SCHEMA
    one = record["recipe"]
    (environment,) = (store_path / "environments").glob("*.json")
    backend = json.loads(environment.read_bytes())["backend"]["name"]
    assert catalog.accepts(one["slug"], one["version"], one["scale"], backend, one["measurement"], "f" * 64)


def test_reading_what_the_lock_accepts_needs_no_recipe():
    import sys

    code = "import sys, keras_reprise.catalog.lockfile as v; print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_removed_recipe_is_noticed(folder):
    (folder / "family" / "plain.py").unlink()
    assert [one.kind for one in locking.unlocked(folder)] == ["gone"]


def test_the_same_version_twice_is_refused(folder):
    (folder / "other").mkdir()
    shutil.copy(folder / "family" / "plain.py", folder / "other" / "copy.py")
    with pytest.raises(RecipeError, match="are both plain version 1"):
        locking.relock(folder)


def git(folder: Path, *words: str) -> None:
    named = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *named, *words], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, branch: str, slug: str, plain_recipe: Path) -> None:
    """Add and lock a recipe on a branch of its own that starts from main."""
    git(folder, "checkout", "-q", "-b", branch, "main")
    (folder / "family" / f"{slug}.py").write_text(plain_recipe.read_text().replace('slug="plain"', f'slug="{slug}"'))
    sources.forget()
    locking.relock(folder)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", slug)


def test_two_branches_that_add_recipes_merge_without_a_conflict(folder, plain_recipe):
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "plain")
    commit(folder, "hers", "earlier", plain_recipe)
    commit(folder, "his", "later", plain_recipe)
    git(folder, "merge", "-q", "--no-edit", "hers")
    sources.forget()
    assert locking.unlocked(folder) == []
    assert [one.slug for one in catalog.read_lock(folder).recipes] == ["earlier", "later", "plain"]


def test_one_version_that_two_branches_brought_is_noticed_and_mended_by_a_higher_one(folder):
    (folder / "other").mkdir()
    for suffix in (".py", ".lock"):
        shutil.copy(folder / "family" / f"plain{suffix}", folder / "other" / f"plain{suffix}")
    sources.forget()
    (twin,) = locking.unlocked(folder)
    assert (twin.kind, twin.path) == ("twin", "other/plain.py")
    edit(folder, "version=1", "version=2")
    locking.relock(folder)
    assert locking.unlocked(folder) == []
    assert [(one.version, one.path) for one in catalog.read_lock(folder).recipes] == [
        (2, "family/plain.py"),
        (1, "other/plain.py"),
    ]


def test_only_locks_of_what_changed_are_written(folder, plain_recipe):
    (folder / "family" / "other.py").write_text(plain_recipe.read_text().replace('slug="plain"', 'slug="other"'))
    before = (folder / "family" / "plain.lock").stat().st_mtime_ns
    locking.relock(folder)
    assert (folder / "family" / "plain.lock").stat().st_mtime_ns == before


def test_a_recipe_without_its_lock_is_new_and_a_lock_without_its_recipe_goes(folder):
    text = (folder / "family" / "plain.lock").read_bytes()
    (folder / "family" / "plain.lock").unlink()
    sources.forget()
    assert [one.kind for one in locking.unlocked(folder)] == ["new"]
    locking.relock(folder)
    assert (folder / "family" / "plain.lock").read_bytes() == text
    (folder / "family" / "plain.py").unlink()
    assert [one.kind for one in locking.relock(folder)] == ["gone"]
    assert not list(folder.rglob("*.lock"))


def test_a_recipe_that_moves_with_its_lock_stays_as_it_is_locked(folder):
    (folder / "elsewhere").mkdir()
    for suffix in (".py", ".lock"):
        (folder / "family" / f"plain{suffix}").rename(folder / "elsewhere" / f"renamed{suffix}")
    sources.forget()
    assert locking.unlocked(folder) == []
    assert entry(folder).path == "elsewhere/renamed.py"


def test_why_a_version_was_replaced_goes_along_with_its_file(folder):
    for words in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first"],
    ):
        subprocess.run(["git", *words], cwd=folder, check=True)
    kept = locking.supersede(folder, "plain", why="two was not two")
    edit(folder, "value=2.0", "value=2.01")
    edit(folder, "version=1", "version=2")
    locking.relock(folder)
    new, old = catalog.read_lock(folder).recipes
    assert (new.version, new.replaced) == (2, "")
    assert (old.version, old.path, old.replaced) == (1, f"superseded/{kept.name}", "two was not two")
    assert locking.unlocked(folder) == []
    old_lock = (folder / "superseded" / "plain-v1.lock").read_bytes()
    assert b"two was not two" in old_lock
    assert b"replaced" not in (folder / "family" / "plain.lock").read_bytes()
