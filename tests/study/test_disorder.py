"""Static disorder in a study: what may be asked for, and which points it stands for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from smallpolaron.derive.tables import point_rows
from smallpolaron.study.parameters import holstein_model
from smallpolaron.study.plan import ID_PATTERN, Plan, PlanError, read_plan, write_plan

PlanOf = Callable[[str], Plan]
FaultsOf = Callable[[str], list[str]]

STUDY = """\
study: test
model: {topology: chain, n_sites: 4}
bath: {eta_over_v: 2, gamma_cm: 50}
disorder: {site_energy_cm: 30, site_energy_distribution: normal, seed: 7, members: 3}
propagation: {duration_fs: 100}
protocols: [franck_condon]
"""
CLEAN = "\n".join(line for line in STUDY.splitlines() if "disorder" not in line)
BOTH = STUDY.replace("seed", "hopping_cm: 10, hopping_distribution: uniform, seed")


def energies(plan: Plan) -> list[list[float]]:
    return [point.parameters.model.site_energies_cm for point in plan.points]


def hoppings(plan: Plan) -> list[list[float]]:
    return [point.parameters.model.hopping_cm for point in plan.points]


def independent_draws(seed: int, member: int, stream: int, count: int) -> list[float]:
    """Return evenly distributed numbers in (0, 1) as the documentation describes them."""
    source = np.random.SeedSequence([seed, member], spawn_key=(stream,))
    words = np.random.PCG64(source).random_raw(count)
    return [(int(word) // 2**12 + 0.5) / 2**52 for word in words]


def test_a_point_stands_for_its_members(plan_of: PlanOf) -> None:
    plan = plan_of(STUDY)
    (ensemble,) = plan.ensembles
    assert [point.id for point in plan.points] == list(ensemble.members)
    assert len(plan.points) == 3
    assert ensemble.protocols == ("franck_condon",)
    for number, point in enumerate(plan.points):
        assert f"point__member~{number}-" in point.id
        assert re.fullmatch(ID_PATTERN, point.id)
        assert point.parameters.content()["disorder"] == {
            "seed": 7,
            "member": number,
            "site_energy_cm": 30.0,
            "site_energy_distribution": "normal",
            "hopping_cm": None,
            "hopping_distribution": None,
        }
        assert point.parameters.hierarchy.symmetry == "none"
        assert point.parameters.model.hopping_cm == 50.0
        assert len(point_rows(plan)) == 3
    assert ensemble.parameters.model.site_energies_cm == 0.0
    assert ensemble.parameters.disorder.members == 3


def test_values_by_another_route(plan_of: PlanOf) -> None:
    plan = plan_of(BOTH.replace("n_sites: 4", "n_sites: 4, site_energies_cm: [0, 10, 20, 30]"))
    for member, point in enumerate(plan.points):
        site = [NormalDist().inv_cdf(u) for u in independent_draws(7, member, 0, 4)]
        bond = [u - 0.5 for u in independent_draws(7, member, 1, 3)]
        model = point.parameters.model
        wanted = [10.0 * i + 30.0 * x for i, x in enumerate(site)]
        np.testing.assert_allclose(model.site_energies_cm, wanted, atol=1.1e-6)
        np.testing.assert_allclose(model.hopping_cm, [50 + 10 * x for x in bond], atol=1.1e-6)
        assert holstein_model(point.parameters).energies.shape == (4,)


def test_a_ring_draws_a_hopping_for_every_bond(plan_of: PlanOf) -> None:
    plan = plan_of(BOTH.replace("chain", "ring"))
    assert {len(values) for values in hoppings(plan)} == {4}
    assert {point.parameters.hierarchy.symmetry for point in plan.points} == {"none"}


def test_exponential_disorder_is_a_tail_below(plan_of: PlanOf) -> None:
    drawn = energies(plan_of(STUDY.replace("normal", "exponential").replace("3}", "200}")))
    assert np.max(drawn) < 0
    assert np.mean(drawn) == pytest.approx(-30, abs=4)


def test_more_members_keep_the_first(plan_of: PlanOf) -> None:
    few, many = plan_of(STUDY), plan_of(STUDY.replace("members: 3", "members: 9"))
    assert many.points[:3] == few.points
    assert many.ensembles[0].name != few.ensembles[0].name
    both = plan_of(STUDY.replace(", members: 3", "") + "grid: [{disorder.members: [3, 9]}]\n")
    assert [p.id for p in both.points] == [p.id for p in many.points]
    assert [p.parameters for p in both.points] == [p.parameters for p in many.points]
    assert [len(ensemble.members) for ensemble in both.ensembles] == [3, 9]


def test_draws_are_the_same_again(plan_of: PlanOf) -> None:
    assert plan_of(STUDY) == plan_of(STUDY)
    other = plan_of(STUDY.replace("seed: 7", "seed: 8"))
    assert not set(np.ravel(energies(other))) & set(np.ravel(energies(plan_of(STUDY))))


def test_site_energies_and_hoppings_do_not_change_each_other(plan_of: PlanOf) -> None:
    assert energies(plan_of(BOTH)) == energies(plan_of(STUDY))
    alone = "{hopping_cm: 10, hopping_distribution: uniform, seed: 7, members: 3}"
    text = "\n".join(
        f"disorder: {alone}" if line.startswith("disorder") else line for line in BOTH.splitlines()
    )
    assert hoppings(plan_of(text)) == hoppings(plan_of(BOTH))


def test_all_widths_share_one_set_of_draws(plan_of: PlanOf) -> None:
    text = STUDY.replace("site_energy_cm: 30, ", "")
    plan = plan_of(text + "grid: [{disorder.site_energy_cm: [20, 60]}]\n")
    drawn = np.array(energies(plan))
    np.testing.assert_allclose(drawn[3:], 3 * drawn[:3], atol=1e-5)
    assert plan.points[0].id.startswith("site_energy_cm~20__member~0-")
    assert len({point.id for point in plan.points}) == 6


def test_widths_of_hopping_and_hopping_have_different_names_in_ids(plan_of: PlanOf) -> None:
    text = BOTH.replace("hopping_cm: 10, ", "").replace("eta_over_v: 2", "eta_cm: 100")
    plan = plan_of(text + "grid: [{model.hopping_cm: [40], disorder.hopping_cm: [5]}]\n")
    assert plan.points[0].id.startswith("hopping_cm~40__disorder_hopping_cm~5__member~0-")


def test_points_without_disorder_are_what_they_were(plan_of: PlanOf) -> None:
    (clean,) = plan_of(CLEAN).points
    assert "disorder" not in clean.parameters
    text = STUDY.replace("site_energy_cm: 30, ", "")
    mixed = plan_of(text + "grid: [{disorder.site_energy_cm: [null, 30]}]\n")
    assert [point.hash for point in mixed.points].count(clean.hash) == 1
    assert len(mixed.points) == 4


def test_eta_in_units_of_v_means_the_hopping_before_the_draw(plan_of: PlanOf) -> None:
    assert {p.parameters.bath.eta_cm for p in plan_of(BOTH).points} == {100.0}


def test_the_plan_file_keeps_ensembles(plan_of: PlanOf, tmp_path: Path) -> None:
    plan = plan_of(BOTH)
    write_plan(tmp_path / "plan.json", plan)
    read = read_plan(tmp_path / "plan.json")
    assert read == plan
    assert read.ensemble_named(plan.ensembles[0].name) == plan.ensembles[0]
    with pytest.raises(PlanError, match="no ensemble 'x'"):
        read.ensemble_named("x")
    edited = json.loads((tmp_path / "plan.json").read_text())
    edited["points"][1]["parameters"]["model"]["site_energies_cm"][0] += 1e-5
    (tmp_path / "plan.json").write_text(json.dumps(edited))
    with pytest.raises(PlanError, match="do not match its hash"):
        read_plan(tmp_path / "plan.json").point(plan.points[1].id)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("site_energy_cm: 30, ", ""), "has an effect only with disorder.site_energy_cm"),
        (("site_energy_distribution: normal, ", ""), "must be given with site_energy_cm"),
        (
            ("site_energy_cm: 30, site_energy_distribution: normal, ", ""),
            "disorder.members = 3: has an effect only with",
        ),
        (("normal", "cauchy"), "normal or uniform or exponential"),
        (("seed: 7", "hopping_cm: 5"), "disorder.hopping_distribution is not given"),
        (("seed: 7", "hopping_distribution: normal"), "only with disorder.hopping_cm"),
        (("site_energy_cm: 30", "site_energy_cm: 0"), "> 0"),
        (("site_energy_cm: 30", "site_energy_cm: -5"), "> 0"),
        (("seed: 7", "seed: -1"), "disorder.seed = -1"),
        (("seed: 7", "seed: 1.5"), "disorder.seed = 1.5"),
        (("members: 3", "members: 0"), "disorder.members = 0"),
        (("members: 3", "members: 10001"), "disorder.members = 10001"),
        (
            ("topology: chain, n_sites: 4", "topology: infinite"),
            "no meaning on an infinite",
        ),
        (("n_sites: 4", "n_sites: converged"), "needs a number of sites"),
        (("propagation", "hierarchy: {symmetry: translation}\npropagation"), "no translation"),
        (("members: 3", "member: 3"), "did you mean 'members'"),
    ],
)
def test_what_is_refused(faults_of: FaultsOf, change: tuple[str, str], words: str) -> None:
    faults = faults_of(STUDY.replace(*change))
    assert any(words in line for line in faults), faults
    assert len(faults) <= 3, faults


def test_members_count_as_points(faults_of: FaultsOf) -> None:
    text = STUDY.replace("members: 3", "members: 6000") + "grid: [{model.n_sites: [3, 4]}]\n"
    (fault,) = faults_of(text.replace(", n_sites: 4", ""))
    assert "'12000 points': must give at most 10000 points, members" in fault


def test_the_same_ensemble_twice_is_refused(faults_of: FaultsOf) -> None:
    text = STUDY.replace(", n_sites: 4", "")
    (fault,) = faults_of(text + "grid: [{model.n_sites: [3]}, {model.n_sites: [3]}]\n")
    assert "is the same ensemble as" in fault


def test_a_current_may_flow_by_drawn_hoppings_only(plan_of: PlanOf) -> None:
    text = BOTH.replace("n_sites: 4", "n_sites: 4, hopping_cm: 0").replace(
        "franck_condon", "current"
    )
    assert plan_of(text.replace("eta_over_v: 2", "eta_cm: 100")).points
