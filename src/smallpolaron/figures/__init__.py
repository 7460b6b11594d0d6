"""Figures and tables of a study: one module, one ``main``, one picture and its numbers."""

import os
import sys

# Matplotlib reads it on import, and fails if it names a backend that this Python lacks, as that of
# a notebook from which a workflow is started. Pictures in files need no backend; within a notebook
# the variable is the notebook's own.
if "IPython" not in sys.modules:
    os.environ.pop("MPLBACKEND", None)
