"""Write the plan of the study, as Snakemake has checked it, in one step."""

import json
import os
from pathlib import Path
from typing import Any

snakemake: Any


def main() -> None:
    """Write the content given by the rule to its output."""
    output = Path(snakemake.output.plan)
    temporary = output.with_name(f".{output.name}.tmp")
    temporary.write_text(json.dumps(snakemake.params.content, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, output)
    Path(snakemake.log[0]).write_text(f"wrote {output}\n", encoding="utf-8")


main()
