import pytest
from bootstrap import installed
from bootstrap.errors import RouteError
from bootstrap.routes import routes


def kinds(settings, python, cache):
    return [route.kind for route in routes(settings, (python,), cache)]


def test_bare_machine_builds(settings, python, empty_cache):
    assert kinds(settings(), python, empty_cache) == ["build"]


def test_cached_wheels_are_used(settings, python, full_cache):
    assert kinds(settings(), python, full_cache) == ["cache"]


def test_half_a_cache_is_no_cache(settings, python, full_cache):
    next(full_cache.folder.glob("petsc4py*")).unlink()
    assert kinds(settings(), python, full_cache) == ["build"]


def test_installed_petsc_comes_before_the_cache(settings, python, full_cache, fake_petsc):
    asked = settings(PETSC_DIR=str(fake_petsc()))
    assert kinds(asked, python, full_cache) == ["installed", "cache"]


def test_wheel_ignores_an_installed_petsc(settings, python, full_cache, fake_petsc):
    asked = settings("wheel", PETSC_DIR=str(fake_petsc()))
    assert kinds(asked, python, full_cache) == ["cache"]


def test_build_ignores_the_cache(settings, python, full_cache):
    assert kinds(settings("build"), python, full_cache) == ["build"]


def test_without_what_is_ready_nothing_is_built(settings, python, empty_cache):
    assert kinds(settings("ready"), python, empty_cache) == ["none"]


def test_what_is_ready_is_used(settings, python, full_cache, fake_petsc):
    assert kinds(settings("ready"), python, full_cache) == ["cache"]
    asked = settings("ready", PETSC_DIR=str(fake_petsc()))
    assert kinds(asked, python, full_cache) == ["installed", "cache"]


def test_none_ignores_all(settings, python, full_cache, fake_petsc):
    asked = settings("none", PETSC_DIR=str(fake_petsc()))
    assert kinds(asked, python, full_cache) == ["none"]


def test_active_conda_environment_is_found(settings, python, empty_cache, fake_petsc):
    root = fake_petsc(soabi="")
    package = root / "lib" / "python3.11" / "site-packages" / "petsc4py" / "lib"
    package.mkdir(parents=True)
    (package / "PETSc.cpython-311-x86_64-linux-gnu.so").touch()
    found = next(routes(settings(CONDA_PREFIX=str(root)), (python,), empty_cache))
    assert found.installed.package == package.parent
    assert "conda" in found.reason


def test_conda_without_petsc_is_no_news(settings, python, empty_cache, tmp_path, capsys):
    assert kinds(settings(CONDA_PREFIX=str(tmp_path)), python, empty_cache) == ["build"]
    assert capsys.readouterr().out == ""


def test_newest_debian_package_comes_first(
    settings, python, empty_cache, fake_petsc, tmp_path, monkeypatch
):
    monkeypatch.setattr(installed, "DEBIAN", str(tmp_path / "petscdir"))
    for version in ("3.18", "3.22"):
        fake_petsc(folder=f"petscdir/petsc{version}/x86_64-linux-gnu-complex")
    first = next(routes(settings(), (python,), empty_cache))
    assert "petsc3.22" in first.reason


def test_modules_may_keep_petsc4py_on_pythonpath(
    settings, python, empty_cache, fake_petsc, tmp_path
):
    root = fake_petsc(soabi="")
    package = tmp_path / "modules" / "petsc4py" / "lib"
    package.mkdir(parents=True)
    (package / "PETSc.abi3.so").touch()
    asked = settings(PETSC_DIR=str(root), PYTHONPATH=str(tmp_path / "modules"))
    assert kinds(asked, python, empty_cache) == ["installed", "build"]


def test_real_petsc_is_passed_over_when_not_asked_for(
    settings, python, empty_cache, fake_petsc, capsys
):
    asked = settings(PETSC_DIR=str(fake_petsc("real")))
    assert kinds(asked, python, empty_cache) == ["build"]
    assert "has real scalars" in capsys.readouterr().out


def test_real_petsc_that_was_asked_for_stops_with_what_to_do(
    settings, python, empty_cache, fake_petsc
):
    root = fake_petsc("real")
    with pytest.raises(RouteError) as caught:
        kinds(settings(str(root)), python, empty_cache)
    message = str(caught.value)
    assert str(root) in message
    assert "real scalars" in message
    assert "python3-petsc4py-complex" in message
    assert "petsc=*=complex*" in message


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ({"soabi": ""}, ("has no petsc4py", "--with-petsc4py=1")),
        ({"soabi": "cpython-39-x86_64-linux-gnu"}, ("another Python", "cpython-39", "PYTHON=")),
    ],
)
def test_unusable_petsc_that_was_asked_for(
    settings, python, empty_cache, fake_petsc, layout, words
):
    with pytest.raises(RouteError) as caught:
        kinds(settings(str(fake_petsc(**layout))), python, empty_cache)
    for word in words:
        assert word in str(caught.value)


def test_missing_launcher_is_named(settings, python, empty_cache, fake_petsc, tmp_path):
    root = fake_petsc()
    (tmp_path / "bin" / "mpiexec").unlink()
    with pytest.raises(RouteError, match="mpiexec cannot be found"):
        kinds(settings(str(root)), python, empty_cache)


def test_system_without_any_stops(settings, python, full_cache):
    with pytest.raises(RouteError, match="SMALLPOLARON_PETSC=system, but no installed PETSc"):
        kinds(settings("system"), python, full_cache)


@pytest.mark.parametrize(
    ("name", "family"),
    [("libmpi.so.12", "mpich"), ("libmpi.so.40.30.4", "openmpi"), ("libmpi_cray.so.12", "unknown")],
)
def test_mpi_family(tmp_path, name, family):
    assert installed.mpi_family(tmp_path / name) == family


def test_launcher_beside_the_mpi_library_wins(tmp_path, script):
    other = script("mpiexec", "exit 0")
    own = tmp_path / "mpi" / "bin" / "mpiexec"
    own.parent.mkdir(parents=True)
    own.write_bytes(other.read_bytes())
    own.chmod(0o755)
    library = tmp_path / "mpi" / "lib" / "libmpi.so.12"
    env = {"PATH": str(other.parent)}
    assert installed.find_mpiexec(library, tmp_path, env) == str(own)
    assert installed.find_mpiexec(None, tmp_path / "nothing", env) == str(other)
