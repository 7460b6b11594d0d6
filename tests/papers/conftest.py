"""The fixtures of the tests of the workflow, for the tests of the papers."""

from tests.workflow.conftest import anomalous, files, snakemake, study

__all__ = ["anomalous", "files", "snakemake", "study"]
