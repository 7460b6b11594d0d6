"""Malformed layout of a study: its text, keys, name and grid."""

from __future__ import annotations

from tests.study.study_texts import Case, study

LAYOUT: list[Case] = [
    ("empty_file", "", "", ("the file is empty", "start from config/config.yaml")),
    ("only_comments", "# nothing\n\n", "", ("the file is empty",)),
    ("list_at_top", "- study: test\n", "", ("must be a mapping", "key: value")),
    ("text_at_top", "just text\n", "", ("must be a mapping",)),
    ("two_documents", study() + "---\n" + study(), "", ("not valid YAML", "another document")),
    ("bad_indentation", "study: test\n model: 3\n", "", ("not valid YAML", "check indentation")),
    ("unclosed_bracket", study(model="model: {n_sites: [3\n"), "", ("not valid YAML",)),
    ("tab", "study: test\nmodel:\n\tn_sites: 3\n", "", ("not valid YAML",)),
    (
        "python_tag",
        "study: !!python/object/apply:os.system ['touch pwned']\n",
        "study",
        ("YAML tags are not allowed", "python/object/apply:os.system", "remove the tag"),
    ),
    ("own_tag", study(model="model: !include other.yaml\n"), "model", ("tags are not allowed",)),
    (
        "alias",
        "study: &name test\nmodel: {n_sites: *name}\n",
        "model.n_sites",
        ("aliases (*name) are not allowed",),
    ),
    (
        "duplicate_key",
        study(more="hierarchy: {depth: 30}\n"),
        "hierarchy",
        ("stands twice", "first on line 4", "keep one"),
    ),
    (
        "duplicate_key_in_section",
        study(bath="bath:\n  eta_cm: 1\n  eta_cm: 2\n  gamma_cm: 3\n"),
        "bath.eta_cm",
        ("= '2'", "stands twice", "first on line 4"),
    ),
    ("no_study", study(head=""), "study", ("not given", "letters, digits")),
    ("no_model", study(model=""), "model", ("not given", "n_sites, topology")),
    ("section_null", study(depth="hierarchy:\n"), "hierarchy", ("null", "keys depth")),
    ("section_number", study(bath="bath: 3\n"), "bath", ("= 3", "mapping", "eta_cm")),
    (
        "name_shell",
        study(head="study: '$(rm -rf ~); echo'\n"),
        "study",
        ("$(rm -rf ~); echo", "letters, digits", "plain name"),
    ),
    ("name_traversal", study(head="study: ../../etc\n"), "study", ("../../etc", "letters")),
    ("name_option", study(head="study: -rf\n"), "study", ("'-rf'", "starting with a letter")),
    ("name_newline", study(head='study: "a\\nb"\n'), "study", ("a\\nb", "letters")),
    ("name_trailing_newline", study(head='study: "a\\n"\n'), "study", ("'a\\n'", "letters")),
    ("name_unicode", study(head="study: größe\n"), "study", ("größe", "letters")),
    ("name_number", study(head="study: 5\n"), "study", ("= 5", "letters")),
    ("name_long", study(head=f"study: {'a' * 65}\n"), "study", ("aaa", "1 to 64")),
    (
        "unknown_top_key",
        study(more="modle: {n_sites: 4}\n"),
        "modle",
        ("not a known key", "did you mean 'model'?"),
    ),
    (
        "unknown_section_key",
        study(model="model: {n_sites: 3, hoping_cm: 50}\n"),
        "model.hoping_cm",
        ("= 50", "not a known key", "did you mean 'hopping_cm'?"),
    ),
    (
        "key_in_wrong_section",
        study(model="model: {n_sites: 3, eta_cm: 50}\n"),
        "model.eta_cm",
        ("= 50", "belongs into the section 'bath'"),
    ),
    ("hostile_key", study(more='"\\x1b[2Jx": 1\n'), "'\\x1b[2Jx'", ("keys must be words",)),
    ("grid_mapping", study(more="grid: {a: [1]}\n"), "grid", ("non-empty list of blocks",)),
    ("grid_empty", study(more="grid: []\n"), "grid", ("non-empty list of blocks",)),
    ("block_empty", study(more="grid: [{}]\n"), "grid[0]", ("non-empty mapping",)),
    (
        "axis_unknown",
        study(more="grid: [{bath.eta_over_w: [1]}]\n"),
        "grid[0].bath.eta_over_w",
        ("[1]", "not a key a grid can vary", "did you mean 'bath.eta_over_v'?"),
    ),
    (
        "axis_scalar",
        study(more="grid: [{model.n_sites: 4}]\n"),
        "grid[0].model.n_sites",
        ("= 4", "non-empty list"),
    ),
    (
        "axis_nested_list",
        study(more="grid: [{model.hopping_cm: [[1, 2, 3]]}]\n"),
        "grid[0].model.hopping_cm[0]",
        ("[1, 2, 3]", "one number or word"),
    ),
    (
        "axis_duplicate",
        study(more="grid: [{model.temperature_K: [2, 2.0]}]\n"),
        "grid[0].model.temperature_K[1]",
        ("2.0", "given twice", "grid[0].model.temperature_K[0] = 2"),
    ),
    (
        "axis_duplicate_exponent",
        study(more="grid: [{propagation.tolerance: [1e-6, 0.000001]}]\n"),
        "grid[0].propagation.tolerance[1]",
        ("given twice", "tolerance[0]"),
    ),
    (
        "axis_hostile_word",
        study(more="grid: [{model.topology: [ring, '; rm -rf /']}]\n"),
        "model.topology",
        ("; rm -rf /", "ring or chain", "at grid[0], model.topology = '; rm -rf /'"),
    ),
    (
        "axis_nan",
        study(more="grid: [{bath.gamma_cm: [.nan]}]\n"),
        "grid[0].bath.gamma_cm[0]",
        ("nan", "finite"),
    ),
    (
        "point_invalid",
        study(more="grid: [{model.n_sites: [3, 4, 2]}]\n"),
        "model.n_sites",
        ("= 2", ">= 3 on a ring", "at grid[0], model.n_sites = 2"),
    ),
    (
        "points_duplicate",
        study(
            bath="bath: {gamma_cm: 50, terms: 0}\n",
            more="grid:\n - bath.eta_over_v: [2]\n - bath.eta_cm: [100]\n",
        ),
        "grid[1]",
        ("bath.eta_cm = 100", "same point as grid[0], bath.eta_over_v = 2"),
    ),
    (
        "base_and_block_disagree",
        study(more="grid: [{bath.eta_over_v: [1, 2]}]\n"),
        "bath.eta_over_v",
        ("exactly one of", "remove it or eta_cm"),
    ),
    (
        "grid_too_large",
        study(
            more="grid:\n - {model.n_sites: ["
            + ", ".join(map(str, range(3, 253)))
            + "], hierarchy.depth: ["
            + ", ".join(map(str, range(1, 51)))
            + "]}\n"
        ),
        "grid",
        ("12500 points", "at most 10000"),
    ),
    ("huge_integer", study(model=f"model: {{n_sites: {'9' * 400}}}\n"), "model.n_sites", (">= 2",)),
    ("endless_integer", study(model=f"model: {{n_sites: {'9' * 5000}}}\n"), "model.n_sites", ()),
    (
        "huge_float",
        study(model=f"model: {{n_sites: 3, hopping_cm: {'9' * 400}}}\n"),
        "model.hopping_cm",
        ("<= 100000",),
    ),
    ("deep_nesting", "a: " + "[" * 5000, "", ("nested too deeply",)),
    ("protocols_empty", study(more="protocols: []\n"), "protocols", ("[]", "non-empty list")),
    ("protocols_word", study(more="protocols: current\n"), "protocols", ("'current'", "list")),
    (
        "protocols_unknown",
        study(more="protocols: [curent]\n"),
        "protocols",
        ("curent", "current, franck_condon, marcus"),
    ),
    ("protocols_twice", study(more="protocols: [marcus, marcus]\n"), "protocols", ("twice",)),
    (
        "idle_start_site",
        study(more="start_site: 1\n"),
        "start_site",
        ("= 1", "only with the protocols franck_condon or marcus"),
    ),
    (
        "start_site_outside",
        study(more="start_site: 3\nprotocols: [marcus]\n"),
        "start_site",
        ("= 3", "from 0 to 2"),
    ),
    ("band_zero", study(more="analysis: {band_percent: 0}\n"), "analysis.band_percent", ("> 0",)),
    (
        "fit_range",
        study(more="analysis: {drude_smith_range_fs: [50, 20]}\n"),
        "analysis.drude_smith_range_fs",
        ("[50.0, 20.0]", "to > from"),
    ),
    (
        "fit_range_beyond_run",
        study(more="analysis: {drude_smith_range_fs: [0, 101]}\n"),
        "analysis.drude_smith_range_fs",
        ("propagation.duration_fs = 100",),
    ),
    ("one_rank", study(more="resources: {max_ranks: 1}\n"), "resources.max_ranks", (">= 2",)),
]
