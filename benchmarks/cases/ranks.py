"""Products and growing bases on several ranks, and what real partitions predict for many."""

import time
from typing import Any

import numpy as np
from mpi4py import MPI

from benchmarks.cases.bases import odd_basis, pseudo_state
from benchmarks.cases.partition import Network, divide
from benchmarks.cases.rings import one_exponential, ring
from benchmarks.child import peak_mb, resident_mb
from smallpolaron.dynamics.population_runs import population_sector, run_one_sector
from smallpolaron.dynamics.progress import to_stderr
from smallpolaron.dynamics.starts import StartTask
from smallpolaron.hierarchy.compact import CompactGenerator
from smallpolaron.hierarchy.limits import NO_LIMITS
from smallpolaron.hierarchy.places import places
from smallpolaron.model.accuracy import Accuracy

_REPEATS = 20


def products(n_sites: int, depth: int, eta_cm: float, gamma_cm: float) -> dict[str, Any]:
    """Build a basis on all ranks, multiply, and return times, memory, halo and check sums.

    Args:
        n_sites: N.
        depth: depth of the fixed basis whose labels are taken.
        eta_cm: coupling, cm^-1.
        gamma_cm: rate of the bath, cm^-1.

    Returns:
        Seconds per product with its norm (the slowest rank; best and median of the repeats), the
        norm of L x and its product with another state, and per rank: labels, entries, ghosts,
        memory after the imports, with the compiled code, at the end and at most (MB).
    """
    comm = MPI.COMM_WORLD
    imports = resident_mb()
    # loads the compiled code
    CompactGenerator(odd_basis(3, 4, eta_cm, gamma_cm, comm))
    ready = resident_mb()
    basis = odd_basis(n_sites, depth, eta_cm, gamma_cm, comm)
    generator = CompactGenerator(basis)
    x, other = pseudo_state(basis.keys, 1), pseudo_state(basis.keys, 2)
    y, total = np.zeros_like(x), np.zeros_like(x)
    generator.apply_series(x, 1.0, y, total)
    seconds = []
    for _ in range(_REPEATS):
        comm.Barrier()
        start = time.perf_counter()
        norm = generator.apply_series(x, 1.0, y, total)
        seconds.append(comm.allreduce(time.perf_counter() - start, op=MPI.MAX))
    dot = comm.allreduce(complex(np.vdot(other, y)))
    mine = {
        "labels": basis.n_local,
        "entries": generator.n_nonzeros + basis.n_local,
        "ghosts": generator.n_ghosts,
        "imports_mb": imports,
        "ready_mb": ready,
        "resident_mb": resident_mb(),
        "peak_mb": peak_mb(),
    }
    return {
        "labels": basis.size,
        "best_s": min(seconds),
        "median_s": float(np.median(seconds)),
        "norm": norm,
        "dot": [dot.real, dot.imag],
        "ranks": comm.allgather(mine),
    }


def growing(
    n_sites: int, eta_cm: float, gamma_cm: float, growth: float, duration_fs: float
) -> dict[str, Any]:
    """Propagate from one occupied site, and return time, memory and populations.

    Args:
        n_sites: N.
        eta_cm: coupling, cm^-1.
        gamma_cm: rate of the bath, cm^-1.
        growth: share of the norm above which an element enters.
        duration_fs: length, fs.

    Returns:
        Most labels, seconds, populations at the end, and per rank the memory with the compiled
        code and at most (MB).
    """
    comm, model, site = MPI.COMM_WORLD, ring(n_sites), n_sites // 2
    bath, sector = one_exponential(eta_cm, gamma_cm), population_sector(model, site, "auto")

    def run(duration_fs: float, accuracy: Accuracy) -> Any:
        time_fs = np.array([0.0, duration_fs])
        task = StartTask(model, "franck_condon", site, time_fs, NO_LIMITS, comm, to_stderr)
        return run_one_sector(task, bath, accuracy, "", sector)

    # loads the compiled code
    run(5.0, Accuracy(1e-2))
    ready = resident_mb()
    comm.Barrier()
    start = time.perf_counter()
    found = run(duration_fs, Accuracy(growth=growth, tolerance=growth))
    seconds = comm.allreduce(time.perf_counter() - start, op=MPI.MAX)
    return {
        "labels": found.record.n_unknowns,
        "seconds": seconds,
        "populations": found.populations[-1].tolist(),
        "ranks": comm.allgather({"ready_mb": ready, "peak_mb": peak_mb()}),
    }


def partitions(
    n_sites: int,
    depth: int,
    eta_cm: float,
    gamma_cm: float,
    counts: list[int],
    entries_per_s: float,
    latency_s: float,
    bytes_per_s: float,
) -> dict[str, Any]:
    """Divide that basis among many ranks and predict the time of a product.

    Args:
        n_sites: N.
        depth: depth of the fixed basis whose labels are taken.
        eta_cm: coupling, cm^-1.
        gamma_cm: rate of the bath, cm^-1.
        counts: numbers of ranks.
        entries_per_s: rate of one rank.
        latency_s: time per message.
        bytes_per_s: rate at which one rank receives.

    Returns:
        Labels, entries, and for every number of ranks the partition's summary with `product_s`.
    """
    basis = odd_basis(n_sites, depth, eta_cm, gamma_cm, MPI.COMM_SELF)
    own = np.empty(basis.size, np.uint64)
    places(basis.frame, basis.maps, basis.keys, own)
    sparsity = basis.sparsity()
    row = sparsity.row_of_entry
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=basis.size))])
    columns = sparsity.columns[np.argsort(row, kind="stable")].astype(np.int64)
    network = Network(entries_per_s, latency_s, bytes_per_s)
    rows = []
    for count in counts:
        partition = divide(indptr, columns, own, count)
        rows.append({**partition.summary(), "product_s": network.product_s(partition)})
    return {
        "labels": basis.size,
        "entries": len(sparsity.columns) + basis.size,
        "ados": len(np.unique(own)),
        "network": network.as_data(),
        "partitions": rows,
    }
