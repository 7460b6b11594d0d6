"""A finished study as an RO-Crate: its files with a machine-readable description of all of them.

RO-Crate 1.1 (https://w3id.org/ro/crate/1.1), with the run as in the profile Process Run Crate:
who made what, with which software, from which study. Nothing is fetched from the network.
"""

from __future__ import annotations

import mimetypes
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from rocrate.model.contextentity import ContextEntity
from rocrate.model.entity import Entity
from rocrate.model.softwareapplication import SoftwareApplication
from rocrate.rocrate import ROCrate

import smallpolaron
from smallpolaron.archive.verify import result_files, verify
from smallpolaron.planning.status import status
from smallpolaron.planning.study import load_plan
from smallpolaron.results.store import Result, read_result
from smallpolaron.study.plan import Plan, plan_json, read_plan
from smallpolaron.support.files import file_digest, temporary_name
from smallpolaron.support.problems import ConfigurationError, StoreError

PROFILE: Final = "https://w3id.org/ro/wfrun/process/0.5"
LEFT_OUT: Final = ("logs", "benchmarks")
"""Folders of a study that stay behind: they speak of machines, not of physics."""
_FORMATS: Final = {".h5": "application/x-hdf5", ".cff": "text/x-yaml", ".yaml": "text/x-yaml"}


def write_crate(
    folder: Path, output: Path, configuration: Path | None = None, partial: bool = False
) -> int:
    """Write a study as RO-Crate; return the number of its files.

    Args:
        folder: results of the study, with its plan.json.
        output: archive (.zip) or folder to write; must not exist.
        configuration: the study file; None to look for it here and in ``config``.
        partial: whether jobs may be missing.

    Raises:
        StoreError: the output exists or lies within the results, a result is not sound, jobs are
            missing, or the study file is not found or has the name of another file.
        PlanError: the folder has no plan that can be read.
        NotWritable: no space, no permission or the like; nothing is left of the output.
    """
    _check_output(folder, output)
    plan = read_plan(folder / "plan.json")
    missing = _missing_jobs(plan, folder, partial)
    study = configuration or _study_file(plan)
    beside = folder / study.name
    if beside.exists() and not beside.samefile(study):
        raise StoreError(f"{study}: the results have a file of that name; rename the study file")
    crate = ROCrate()
    results = {path: read_result(path) for path in result_files(folder)}
    text = _study_text(study, plan)
    files = [crate.add_file(study, study.name, properties=_about(study, text))]
    for path in _files(folder):
        if path == beside:
            continue
        text = _description(path.relative_to(folder), results.get(path))
        target = path.relative_to(folder).as_posix()
        files.append(crate.add_file(path, target, properties=_about(path, text)))
    for path in _repository_files():
        crate.add_file(path, path.name, properties=_about(path, f"{path.name} of smallpolaron."))
    _describe(crate, plan, missing)
    _run(crate, files, list(results.values()), missing)
    _write(crate, output)
    return len(files)


def _check_output(folder: Path, output: Path) -> None:
    if output.exists():
        raise StoreError(f"{output}: exists; remove it or choose another")
    if output.resolve().is_relative_to(folder.resolve()):
        raise StoreError(
            f"{output}: lies within the results, and the next crate would hold it; choose "
            "a place outside"
        )


def _write(crate: ROCrate, output: Path) -> None:
    """Write the archive or folder whole or not at all."""
    with temporary_name(output) as temporary:
        try:
            if output.suffix == ".zip":
                crate.write_zip(temporary)
            else:
                crate.write(temporary)
            os.replace(temporary, output)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _missing_jobs(plan: Plan, folder: Path, partial: bool) -> int:
    """Return how many MPI jobs are not done; refuse them unless the crate may be partial."""
    bad = [each for each in verify([folder]) if not each.sound]
    if bad:
        raise StoreError(
            f"{bad[0].path}: {bad[0].state}: {bad[0].detail}; a crate holds sound results only; "
            f"see: smallpolaron verify {folder}"
        )
    jobs = status(plan, folder)
    missing = [each.job.name for each in jobs if each.state not in ("done", "flagged")]
    if missing and not partial:
        raise StoreError(
            f"{folder}: {len(missing)} of {len(jobs)} MPI jobs are not done, such as "
            f"{missing[0]}; finish the study, or pass --partial"
        )
    return len(missing)


def _study_file(plan: Plan) -> Path:
    """Return the file here or in ``config`` whose plan is the one of the results."""
    for path in sorted(path for place in ("", "config/") for path in Path().glob(f"{place}*.y*ml")):
        try:
            if plan_json(load_plan(path, within_budget=False)) == plan_json(plan):
                return path
        except ConfigurationError:
            continue
    raise StoreError(
        f"no study file in this folder or in config/ has the plan of study '{plan.study}'; "
        "name its study file with --config"
    )


def _study_text(study: Path, plan: Plan) -> str:
    """Return what is said about the study file.

    Raises:
        ConfigurationError: it is not a study.
        StoreError: it is another study.
    """
    own = load_plan(study, within_budget=False)
    if own.study != plan.study:
        raise StoreError(f"{study}: is of study '{own.study}', the results are of '{plan.study}'")
    if plan_json(own) == plan_json(plan):
        return "Study file."
    return "Study file; the plan was made with other settings, by --config or an earlier version."


def _files(folder: Path) -> Iterator[Path]:
    """Yield what is packed; hidden files are those that a job is writing."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in parts)
        if parts[0] in LEFT_OUT or hidden:
            continue
        if path.is_symlink():
            raise StoreError(
                f"{path}: a symbolic link, which could lead to any file; replace it by its file"
            )
        if path.is_file():
            yield path


def _repository() -> Path:
    return Path(smallpolaron.__file__).resolve().parents[2]


def _repository_files() -> list[Path]:
    """Return licence and citation of the software, when it runs from a checkout."""
    names = ("LICENSE", "CITATION.cff")
    return [path for name in names if (path := _repository() / name).is_file()]


def _about(path: Path, description: str) -> dict[str, Any]:
    guessed = mimetypes.guess_type(path.name)[0] or "text/plain"
    return {
        "name": path.name,
        "description": description,
        "encodingFormat": _FORMATS.get(path.suffix, guessed),
        "contentSize": str(path.stat().st_size),
        "sha256": file_digest(path),
    }


def _description(path: Path, result: Result | None) -> str:
    if result is not None:
        failed = ", ".join(result.failed_gates)
        verdict = f"failed quality gates: {failed}" if failed else "all quality gates passed"
        return f"Result of kind {result.kind}, point {result.parameters.get('point')}; {verdict}."
    if path.name == "plan.json":
        return "Plan: every point with its resolved parameters."
    return f"{path.parts[0].capitalize()} of the study."


def _citation() -> Mapping[str, Any]:
    path = _repository() / "CITATION.cff"
    if not path.is_file():
        return {}
    content: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def _describe(crate: ROCrate, plan: Plan, missing: int) -> None:
    """Describe the whole: name, what is missing, licence, profile, papers."""
    cited = _citation()
    crate.name = f"smallpolaron study {plan.study}"
    crate.description = (
        f"Study '{plan.study}' of the dispersive Holstein model: {len(plan.points)} points, "
        "computed with hierarchical equations of motion; study file, plan, results, tables and "
        "figures." + (f" Not finished: {missing} MPI jobs are missing." if missing else "")
    )
    licence = str(cited.get("license", "BSD-3-Clause"))
    page = f"https://spdx.org/licenses/{licence}"
    crate.license = crate.add(
        ContextEntity(crate, page, {"@type": "CreativeWork", "name": licence, "url": page})
    )
    profile = {"@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}
    crate.root_dataset["conformsTo"] = crate.add(ContextEntity(crate, PROFILE, profile))
    crate.root_dataset["citation"] = [
        crate.add(ContextEntity(crate, _link(paper), _paper(paper)))
        for paper in cited.get("references", ())
    ]


def _link(paper: Mapping[str, Any]) -> str:
    return f"https://doi.org/{paper['doi']}" if "doi" in paper else str(paper["url"])


def _paper(paper: Mapping[str, Any]) -> dict[str, Any]:
    authors = [f"{who['given-names']} {who['family-names']}" for who in paper["authors"]]
    return {
        "@type": "ScholarlyArticle",
        "name": " ".join(str(paper["title"]).split()),
        "author": ", ".join(authors),
        "datePublished": str(paper["year"]),
    }


def _run(crate: ROCrate, files: list[Entity], results: list[Result], missing: int) -> None:
    """Describe the run: from the study file, which is the first, by what wrote the results."""
    ends = [
        str(result.provenance["date_utc"]) for result in results if "date_utc" in result.provenance
    ]
    state = "Active" if missing else "Completed"
    crate.add_action(
        instrument=_software(crate, results),
        identifier="#run",
        object=files[:1],
        result=files[1:],
        properties={
            "name": "Run of the study",
            "endTime": max(ends, default=""),
            "actionStatus": f"http://schema.org/{state}ActionStatus",
        },
    )


def _software(crate: ROCrate, results: list[Result]) -> list[Entity]:
    """Return the versions of the program that wrote results, each once."""
    keys = ("package_version", "git_commit", "git_dirty", "numerics_version")
    found = {tuple(result.provenance.get(key) for key in keys) for result in results}
    return [
        crate.add(
            SoftwareApplication(
                crate,
                f"#smallpolaron-{version}-{commit or 'installed'}{'-changed' if dirty else ''}",
                {
                    "name": "smallpolaron",
                    "softwareVersion": str(version),
                    "version": str(commit or version),
                    "description": f"NUMERICS_VERSION {numerics}"
                    + ("; with changes that were not committed" if dirty else ""),
                },
            )
        )
        for version, commit, dirty, numerics in sorted(found, key=str)
    ]
