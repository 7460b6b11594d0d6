import multiprocessing
import time

import pytest
from bootstrap.cache import WheelCache


def write_two(scratch, wheels):
    (wheels / "petsc-1-py3-none-any.whl").write_text("new")
    (wheels / "petsc4py-1-cp311-abi3-any.whl").write_text("new")


def slow_provide(base, log):
    def build(scratch, wheels):
        with open(log, "a", encoding="utf-8") as stream:
            stream.write("built\n")
        time.sleep(0.5)
        write_two(scratch, wheels)

    WheelCache(base, "key").provide(build)


def test_concurrent_set_ups_build_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    arguments = (tmp_path / "wheels", tmp_path / "log")
    workers = [context.Process(target=slow_provide, args=arguments) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [w.exitcode for w in workers] == [0, 0, 0]
    assert (tmp_path / "log").read_text() == "built\n"
    assert len(WheelCache(tmp_path / "wheels", "key").wheels()) == 2


def test_failed_build_leaves_nothing(empty_cache):
    def build(scratch, wheels):
        (wheels / "petsc-1-py3-none-any.whl").touch()
        raise RuntimeError("compiler fell over")

    with pytest.raises(RuntimeError, match="fell over"):
        empty_cache.provide(build)
    assert [p.suffix for p in empty_cache.base.iterdir()] == [".lock"]


def test_failed_rebuild_keeps_the_old_set(full_cache):
    def build(scratch, wheels):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        full_cache.provide(build, fresh=True)
    assert len(full_cache.wheels()) == 2


def test_finished_set_is_not_built_again(full_cache):
    def build(scratch, wheels):
        raise AssertionError

    assert full_cache.provide(build) is False


def test_rebuild_replaces_the_set(full_cache):
    assert full_cache.provide(write_two, fresh=True) is True
    assert {w.name for w in full_cache.folder.iterdir()} == {
        "petsc-1-py3-none-any.whl",
        "petsc4py-1-cp311-abi3-any.whl",
    }


def test_remains_of_a_killed_build_are_removed(empty_cache):
    remains = empty_cache.base / f"build-{empty_cache.key}-abc"
    remains.mkdir(parents=True)
    empty_cache.provide(write_two)
    assert not remains.exists()
