import ctypes
import os
import shutil
import tomllib
from pathlib import Path

import pytest
from bootstrap import build
from bootstrap.blas import build_shim, exported
from bootstrap.errors import SetupError
from bootstrap.interpreters import Interpreter
from bootstrap.settings import ROOT
from bootstrap.uv import Uv, find_uv
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@pytest.fixture
def tools(script, tmp_path):
    """A PATH with the named tools and nothing else."""

    def make(*names):
        for name in names:
            script(name, "exit 0")
        return {"PATH": str(tmp_path / "bin")}

    return make


def test_no_compiler(tools):
    with pytest.raises(SetupError) as caught:
        build.require_tools(tools("make", "nm"))
    message = str(caught.value)
    assert "no C compiler (looked for cc, gcc, clang on PATH)" in message
    assert "apt install gcc" in message
    assert "SMALLPOLARON_PETSC=" in message


def test_compiler_named_by_the_user_is_missing(tools):
    with pytest.raises(SetupError, match="looked for icx on PATH"):
        build.require_tools(tools("gcc", "make", "nm") | {"CC": "icx"})


@pytest.mark.parametrize(("there", "missing"), [("nm", "make"), ("make", "nm")])
def test_missing_tool_is_named(tools, there, missing):
    with pytest.raises(SetupError, match=f"but {missing} cannot be found"):
        build.require_tools(tools("cc", there))


def test_any_compiler_will_do(tools):
    assert build.require_tools(tools("clang", "make", "nm")) == "clang"


def test_configure_options_ask_for_complex_scalars():
    options = build.configure_options(Path("/a/libblas.so"), cores=3).split(" ")
    assert "--with-scalar-type=complex" in options
    assert "--with-blaslapack-lib=/a/libblas.so" in options
    assert "--with-make-np=3" in options


def test_only_requirement_keeps_the_hashes_of_one_package():
    text = "petsc==1 \\\n    --hash=sha256:aa\n    # via x\npetsc4py==1 \\\n    --hash=sha256:bb\n"
    assert "sha256:aa" in build.only_requirement(text, "petsc")
    assert "sha256:bb" not in build.only_requirement(text, "petsc")
    assert "sha256:bb" in build.only_requirement(text, "petsc4py")
    with pytest.raises(SetupError, match="no source of numpy"):
        build.only_requirement(text, "numpy")


def test_blas_names_lose_their_prefix():
    assert exported("00 T scipy_dgemm_\n01 T scipy_openblas_set\n02 t scipy_x_\n") == ["dgemm_"]


def test_blas_shim_computes(tmp_path):
    wheel = pytest.importorskip("scipy_openblas32", reason="not on this route")
    if not shutil.which("cc"):
        pytest.skip("no compiler")
    folder = Path(wheel.get_lib_dir())
    library = ctypes.CDLL(str(build_shim(folder, tmp_path, "cc", os.environ)))
    x = (ctypes.c_double * 3)(1.0, 2.0, 3.0)
    n, step = ctypes.c_int(3), ctypes.c_int(1)
    library.ddot_.restype = ctypes.c_double
    dot = library.ddot_(*map(ctypes.byref, (n,)), x, ctypes.byref(step), x, ctypes.byref(step))
    assert dot == 14.0


def test_blas_shim_names_an_unknown_architecture(tmp_path):
    with pytest.raises(SetupError, match="this is riscv64"):
        build_shim(tmp_path, tmp_path, "cc", {}, machine="riscv64")


def test_uv_named_by_the_user_must_run(settings, python, tmp_path):
    asked = settings()
    asked = type(asked)(**{**vars(asked), "uv": str(tmp_path / "nothing")})
    with pytest.raises(SetupError, match="does not run or is older"):
        find_uv(asked, python)


def test_old_uv_on_path_is_not_used(settings, script, tmp_path, monkeypatch):
    script("uv", "echo uv 0.4.30")
    no_pip = Interpreter(str(script("python3", "exit 1")), (3, 11), "x", headers=False)
    with pytest.raises(SetupError) as caught:
        find_uv(settings(), no_pip)
    assert "has neither venv nor pip, and there is no uv" in str(caught.value)
    assert "apt install python3-venv" in str(caught.value)


def test_recent_uv_on_path_is_used(settings, script, python):
    path = script("uv", "echo uv 0.13.9")
    assert find_uv(settings(), python).path == str(path)


def test_packages_come_from_the_cache_without_asking_the_network(script, tmp_path):
    uv = Uv(str(script("uv", f'echo "$*" >> {tmp_path}/calls')), tmp_path, {})
    uv.sync(tmp_path / "env", ["test"])
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert "--offline" in call.split()


def test_the_network_is_asked_for_what_the_cache_lacks(script, tmp_path):
    body = f'echo "$*" >> {tmp_path}/calls; case "$*" in *--offline*) exit 2;; esac'
    uv = Uv(str(script("uv", body)), tmp_path, {})
    uv.sync(tmp_path / "env", ["test"])
    first, second = (tmp_path / "calls").read_text().splitlines()
    assert first == f"{second} --offline"


def test_neither_cache_nor_network(script, tmp_path):
    uv = Uv(str(script("uv", "echo dns error >&2; exit 2")), tmp_path, {})
    with pytest.raises(SetupError) as caught:
        uv.sync(tmp_path / "env", ["test"])
    assert "dns error" in caught.value.problem
    assert any("UV_CACHE_DIR" in remedy for remedy in caught.value.remedies)


def test_all_that_builds_this_package_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pins = [Requirement(each) for each in project["tool"]["uv"]["build-constraint-dependencies"]]
    assert all(str(pin.specifier).startswith("==") for pin in pins)
    locked = {canonicalize_name(pin.name) for pin in pins}
    needed = [Requirement(each) for each in project["build-system"]["requires"]]
    assert {canonicalize_name(each.name) for each in needed} <= locked
