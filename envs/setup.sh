#!/bin/sh
# Sets smallpolaron up (`make setup` calls this): finds a Python that is new enough and hands over
# to envs/bootstrap. Steered by SMALLPOLARON_PETSC, SMALLPOLARON_CACHE, PYTHON and UV; see
# CONTRIBUTING.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

tried=
if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON"
else
    set -- python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3
fi
for python; do
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    tried="$tried $python ($version)"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || continue
    # not by PYTHONPATH, which a colon in the path would split
    PYTHONDONTWRITEBYTECODE=1 exec "$python" -c 'import runpy, sys
sys.path.insert(0, sys.argv.pop())
runpy.run_module("bootstrap", run_name="__main__", alter_sys=True)' "$here"
done

cat >&2 <<X

Set-up stopped. smallpolaron needs Python 3.11 or newer; found:${tried:- none on PATH}.
What to do:
  - Install a newer Python, or load the module that has one (Debian 12 and Ubuntu 24.04 have one).
  - Name it: make setup PYTHON=/path/to/python3.12
X
exit 1
