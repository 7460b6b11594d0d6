from pathlib import Path

import pytest
from bootstrap.errors import SetupError
from bootstrap.settings import ROOT, cache_folder, locked_version, read_settings


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"HOME": "/home/a"}, "/home/a/.cache/smallpolaron"),
        ({"HOME": "/home/a", "XDG_CACHE_HOME": "/x"}, "/x/smallpolaron"),
        ({"HOME": "/home/a", "XDG_CACHE_HOME": "/x", "SMALLPOLARON_CACHE": "/y"}, "/y"),
    ],
)
def test_cache_folder(env, expected):
    assert cache_folder(env) == Path(expected)


def test_route_defaults_to_auto():
    assert read_settings({"HOME": "/home/a"}).petsc == "auto"


def test_route_may_be_a_folder(tmp_path):
    settings = read_settings({"HOME": "/h", "SMALLPOLARON_PETSC": str(tmp_path)})
    assert settings.petsc == str(tmp_path.resolve())


def test_unknown_route_is_refused_with_the_allowed_values():
    with pytest.raises(SetupError) as caught:
        read_settings({"HOME": "/h", "SMALLPOLARON_PETSC": "weel"})
    message = str(caught.value)
    assert "SMALLPOLARON_PETSC=weel" in message
    assert "auto, ready, system, wheel, build, none" in message


def test_lock_names_the_petsc_version_of_pyproject():
    version = locked_version(ROOT, "petsc")
    assert f'"petsc=={version}"' in (ROOT / "pyproject.toml").read_text()
    assert locked_version(ROOT, "petsc4py") == version


def test_lock_points_at_the_public_index_only():
    words = (ROOT / "uv.lock").read_text().split('"')
    hosts = {w.split("/")[2] for w in words if w.startswith(("http:", "https:", "file:"))}
    assert hosts == {"pypi.org", "files.pythonhosted.org"}
