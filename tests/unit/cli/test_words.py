import json

import pytest

from app.catalogue import catalogue
from app.cli.topics import topics


def test_presets_are_listed(portcullis):
    ran = portcullis("presets")
    listed = [line.split()[0] for line in ran.out.splitlines() if line.startswith("  ")]
    assert sorted(listed) == sorted(catalogue().presets)
    assert ran.err.startswith("hint: portcullis presets NAME tells all about one")


def test_one_preset_is_told_whole(portcullis):
    ran = portcullis("presets", "ruff")
    told = json.loads(portcullis("presets", "ruff", "--format", "json").out)
    preset = catalogue().presets["ruff"]

    assert preset.version in ran.out
    assert preset.script in ran.out
    assert all(rule in ran.out for rule in preset.severities)
    assert (told["name"], told["script"]) == ("ruff", preset.script)
    assert len(json.loads(portcullis("presets", "--format", "json").out)) == len(catalogue().presets)


def test_an_unknown_preset_names_the_known(portcullis):
    ran = portcullis("presets", "ruf")
    assert ran.status == 2
    assert "hint: there are: ruff, " in ran.err


def test_the_schema_is_json_schema(portcullis):
    schema = json.loads(portcullis("schema").out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(schema["properties"]["checks"]["patternProperties"]) == {"^(?:[a-z][a-z0-9_]{0,99})$"}


def test_every_word_can_be_explained():
    known = topics(catalogue())
    silent = [word for word, topic in known.items() if not topic.means or not topic.written]
    assert not silent
    assert {"checks.retry", "coverage.new", "findings", "checks.ID.passed", "settings.mode"} <= set(known)


def test_a_key_shows_the_keys_in_it(portcullis):
    ran = portcullis("explain", "checks.retry")
    assert ran.status == 0
    assert ran.out.startswith("checks.retry: ")
    assert "backoff" in ran.out


def test_a_function_shows_how_it_is_written(portcullis):
    assert portcullis("explain", "findings").out.startswith("findings: findings(min_severity, ")
    topic = json.loads(portcullis("explain", "coverage.new", "--format", "json").out)
    assert (topic["word"], topic["written"]) == ("coverage.new", "percentage")


def test_what_is_not_supported_yet_says_so(portcullis):
    assert "not yet supported by this version" in portcullis("explain", "window").out


def test_an_unknown_word_gets_a_suggestion(portcullis):
    ran = portcullis("explain", "coverage.neww")
    assert ran.status == 2
    assert "hint: did you mean coverage.new" in ran.err
    assert "explain gate the words of conditions" in portcullis("explain", "zzzzzzzz").err


def test_a_key_is_found_without_its_holder_and_a_family_by_its_name(portcullis):
    assert portcullis("explain", "needs").out == portcullis("explain", "checks.needs").out
    family = portcullis("explain", "tests").out
    assert "tests.failed" in family
    assert "tests.removed" in family
    suppressions = portcullis("explain", "suppressions").out
    assert "suppressions.new" in suppressions
    assert "(not yet supported)" not in suppressions


def test_the_gate_lists_every_word_that_a_condition_may_hold(portcullis):
    told = portcullis("explain", "gate").out
    names = catalogue().vocabulary.names
    for word, name in names.items():
        assert (f"\n  {word} " in told) != bool(name.unsupported)


@pytest.mark.parametrize("prepared", [False, True])
def test_a_run_is_looked_for_only_where_there_are_runs(portcullis, prepared, tmp_path):
    if prepared:
        (tmp_path / "portcullis.db").touch()

    ran = portcullis("explain", "99", PORTCULLIS_DATA_DIR=str(tmp_path))

    assert ran.status == 2
    assert ("the database holds no runs" if prepared else "no database is in") in ran.err
    assert "hint: PORTCULLIS_DATA_DIR or PORTCULLIS_DATABASE_URL" in ran.err
