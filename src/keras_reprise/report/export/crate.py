"""A Process Run Crate: the records with their cards, machines and environments, described as RO-Crate metadata.

Each record is the result of a CreateAction whose instrument is the recipe. Source: Process Run Crate 0.5,
https://w3id.org/ro/wfrun/process/0.5
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_reprise.base.errors import UserError
from keras_reprise.base.files import make_folder
from keras_reprise.judge.groups import Group, gather
from keras_reprise.report import phrases
from keras_reprise.report.cite.bibliography import AUTHOR
from keras_reprise.store.store import Store, Summary

if TYPE_CHECKING:
    from rocrate.model.contextentity import ContextEntity
    from rocrate.model.file import File
    from rocrate.rocrate import ROCrate

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
CRATE = "https://w3id.org/ro/crate/1.1"
LICENSE = "https://spdx.org/licenses/Apache-2.0"
STATUS = {"complete": "http://schema.org/CompletedActionStatus", "failed": "http://schema.org/FailedActionStatus"}


def write(summaries: Sequence[Summary], store: Store, folder: Path) -> Path:
    """Write the crate of these records into the empty `folder`; returns its metadata file."""
    try:
        from rocrate.rocrate import ROCrate
    except ImportError as error:
        raise UserError("A crate needs rocrate.\nInstall it with `pip install 'keras-reprise[export]'`.") from error
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is not empty, so no crate was written.\nGive --output a new folder.")
    crate = ROCrate(version="1.1")
    _describe(crate, summaries)
    crate.root_dataset["mentions"] = [
        _replicate(crate, store, group, recipe, summary)
        for group in gather(summaries, store)
        for recipe in [_recipe(crate, group)]
        for summary in group.members
    ]
    make_folder(folder)
    crate.write(folder)
    return folder / "ro-crate-metadata.json"


def _describe(crate: "ROCrate", summaries: Sequence[Summary]) -> None:
    """What the crate is as a whole."""
    crate.name = "keras-reprise results"
    crate.description = f"{len(summaries)} records of documented deep-learning experiments, replayed"
    crate.license = _entity(
        crate, LICENSE, "CreativeWork", name="Apache License 2.0", description="Apache License, version 2.0"
    )
    profile = _entity(crate, PROFILE, "CreativeWork", name="Process Run Crate", version="0.5")
    crate.root_dataset["conformsTo"] = profile
    project = _entity(crate, "#keras-reprise", "Organization", name=AUTHOR)
    crate.root_dataset["author"] = project
    crate.root_dataset["publisher"] = project
    crate.root_dataset["datePublished"] = _moment(max(summary.finished_at for summary in summaries))


def _recipe(crate: "ROCrate", group: Group) -> "ContextEntity":
    return _entity(
        crate,
        f"#{group.slug}-v{group.version}",
        "SoftwareApplication",
        name=f"{group.slug}@{group.version}",
        description=group.card.title,
        softwareVersion=str(group.version),
    )


def _replicate(
    crate: "ROCrate", store: Store, group: Group, recipe: "ContextEntity", summary: Summary
) -> "ContextEntity":
    """The action that gave a record, verified, with the files that it refers to."""
    store.read(store.root / summary.path)
    name, seed = f"{group.slug}@{group.version}", summary.replicate.seed
    inputs = [
        _file(crate, store, f"cards/{summary.recipe.card[:12]}.json", f"card of {name}"),
        _file(crate, store, f"environments/{summary.environment}.json", f"environment {summary.environment}"),
        _file(crate, store, f"machines/{summary.machine}.json", f"machine {summary.machine}"),
    ]
    action = _entity(
        crate,
        f"#{summary.id}",
        "CreateAction",
        name=f"replicate of {name} with seed {seed}",
        description=phrases.replay([summary], store.document("environments", summary.environment)),
        startTime=_moment(summary.started_at),
        endTime=_moment(summary.finished_at),
        instrument=recipe,
        object=inputs,
        result=_file(crate, store, summary.path, f"{name}, {group.scale} scale, seed {seed}"),
        actionStatus=STATUS.get(summary.status, STATUS["failed"]),
    )
    if summary.status != "complete":
        action["error"] = f"the replicate ended as {summary.status}; the record says why"
    return action


def _file(crate: "ROCrate", store: Store, path: str, name: str) -> "File":
    """A file of the store in the crate, added once."""
    found = crate.dereference(path)
    if found is None:
        properties = {"name": name, "encodingFormat": "application/json"}
        found = crate.add_file(store.root / path, path, properties=properties)
    return found


def _moment(text: str) -> str:
    """A time of a record in the form that the profile's shapes take: whole seconds with an offset."""
    return f"{text[:19]}+00:00"


def _entity(crate: "ROCrate", identifier: str, kind: str, **properties: object) -> "ContextEntity":
    from rocrate.model.contextentity import ContextEntity

    found = crate.dereference(identifier)
    if found is None:
        plain = {name: value for name, value in properties.items() if isinstance(value, str)}
        found = crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **plain}))
        for name, value in properties.items():
            if not isinstance(value, str):
                found[name] = value
    return found
