import pytest
from bootstrap.errors import SetupError
from bootstrap.headers import find_build_python
from bootstrap.interpreters import Interpreter
from bootstrap.uv import Uv

WITHOUT = Interpreter("/usr/bin/python3", (3, 12), "x", headers=False)


@pytest.fixture
def offline_uv(script, tmp_path):
    return Uv(str(script("uv", "echo no network >&2; exit 2")), tmp_path, {})


def test_headers_decide_which_python_builds(offline_uv, tmp_path):
    having = Interpreter("/opt/python3", (3, 11), "y", headers=True)
    found = find_build_python([WITHOUT, having], offline_uv, tmp_path, {})
    assert found.interpreter is having
    assert found.include == ()


def test_debian_headers_are_unpacked_without_root(script, offline_uv, tmp_path):
    script("apt-get", '[ "$2 $3" = "download libpython3.12-dev" ] && : > libpython3.12-dev.deb')
    unpacked = "usr/include/python3.12"
    script("dpkg-deb", f"/bin/mkdir -p {unpacked} && : > {unpacked}/Python.h")
    path = {"PATH": str(tmp_path / "bin")}
    found = find_build_python([WITHOUT], offline_uv, tmp_path / "cache", path)
    assert found.interpreter is WITHOUT
    assert (found.include[0] / "Python.h").is_file()


@pytest.mark.parametrize("apt", [None, "exit 100", "exit 0"])
def test_no_headers_anywhere(script, offline_uv, tmp_path, capsys, apt):
    if apt:
        script("apt-get", apt)
        script("dpkg-deb", "exit 0")
    path = {"PATH": str(tmp_path / "bin")}
    with pytest.raises(SetupError) as caught:
        find_build_python([WITHOUT], offline_uv, tmp_path / "cache", path)
    message = str(caught.value)
    assert "Python 3.12 (/usr/bin/python3) has no header Python.h" in message
    assert "apt install python3.12-dev" in message
    assert "PYTHON=" in message
    assert "fetching it for the build" in capsys.readouterr().out
