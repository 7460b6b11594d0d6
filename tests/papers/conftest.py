"""The fixtures of the tests of studies and workflow, for the tests of the papers."""

from tests.studies.conftest import plan_of
from tests.workflow.conftest import anomalous, files, snakemake, study

__all__ = ["anomalous", "files", "plan_of", "snakemake", "study"]
