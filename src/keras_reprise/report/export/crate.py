"""A Process Run Crate: the records with their cards, machines and environments, described as RO-Crate metadata.

Each record is the result of a CreateAction whose instrument is the recipe. Source: Process Run Crate 0.5, https://w3id.org/ro/wfrun/process/0.5
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_reprise.base.errors import UserError
from keras_reprise.base.files import make_folder
from keras_reprise.judge.groups import gather
from keras_reprise.report import phrases
from keras_reprise.report.cite.citations import AUTHOR
from keras_reprise.store.store import Store, Summary

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
    files: dict[str, Any] = {}

    def add(path: str, name: str) -> Any:
        if path not in files:
            properties = {"name": name, "encodingFormat": "application/json"}
            files[path] = crate.add_file(store.root / path, path, properties=properties)
        return files[path]

    actions = []
    for group in gather(summaries, store):
        recipe = _entity(
            crate, f"#{group.slug}-v{group.version}", "SoftwareApplication", name=f"{group.slug}@{group.version}",
            description=group.card.title, softwareVersion=str(group.version),
        )  # fmt: skip
        for summary in group.members:
            store.read(store.root / summary.path)
            inputs = [
                add(f"cards/{summary.recipe.card[:12]}.json", f"card of {group.slug}@{group.version}"),
                add(f"environments/{summary.environment}.json", f"environment {summary.environment}"),
                add(f"machines/{summary.machine}.json", f"machine {summary.machine}"),
            ]
            result = add(
                summary.path, f"{group.slug}@{group.version}, {group.scale} scale, seed {summary.replicate.seed}"
            )
            action = _entity(
                crate, f"#{summary.id}", "CreateAction", name=f"replicate of {group.slug}@{group.version} with seed {summary.replicate.seed}",
                description=phrases.replay([summary], store.document("environments", summary.environment)),
                startTime=_moment(summary.started_at), endTime=_moment(summary.finished_at), instrument=recipe, object=inputs, result=result,
                actionStatus=STATUS.get(summary.status, STATUS["failed"]),
            )  # fmt: skip
            if summary.status != "complete":
                action["error"] = f"the replicate ended as {summary.status}; the record says why"
            actions.append(action)
    crate.root_dataset["mentions"] = actions
    make_folder(folder)
    crate.write(folder)
    return folder / "ro-crate-metadata.json"


def _moment(text: str) -> str:
    """A time of a record in the form that the profile's shapes take: whole seconds with an offset."""
    return f"{text[:19]}+00:00"


def _entity(crate: Any, identifier: str, kind: str, **properties: Any) -> Any:
    from rocrate.model.contextentity import ContextEntity

    found = crate.dereference(identifier)
    if found is None:
        plain = {name: value for name, value in properties.items() if isinstance(value, str)}
        found = crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **plain}))
        for name, value in properties.items():
            if not isinstance(value, str):
                found[name] = value
    return found
