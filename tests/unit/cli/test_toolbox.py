import json


def test_what_is_not_installed_is_told_with_the_way_out(portcullis):
    ran = portcullis("toolbox", "status")
    assert (ran.status, ran.out, ran.err) == (
        1,
        "not installed\n",
        "hint: run `portcullis toolbox install`\n",
    )


def test_the_pinned_tools_are_known_before_they_are_installed(portcullis):
    status = json.loads(portcullis("toolbox", "status", "--format", "json").out)
    assert (status["installed"], status["current"]) == (False, False)
    assert {"ruff", "pytest", "mypy", "typos", "zizmor"} <= set(status["tools"])


def test_an_installed_toolbox_shows_its_versions(portcullis, tmp_path, toolbox_at):
    place = toolbox_at(tmp_path / "tools")
    current = portcullis("toolbox", "status", PORTCULLIS_TOOLBOX=str(tmp_path / "tools"))
    assert current.status == 0
    assert current.out.startswith(f"{place}: installed\n")
    assert "  ruff" in current.out
    again = portcullis("toolbox", "install", PORTCULLIS_TOOLBOX=str(tmp_path / "tools"))
    assert (again.status, again.out, again.err) == (0, current.out, "")


def test_a_toolbox_of_another_version_is_not_current(portcullis, tmp_path, toolbox_at):
    place = toolbox_at(tmp_path / "tools")
    other = place.with_name("tools-000000000000")
    place.rename(other)
    (tmp_path / "tools").unlink()
    (tmp_path / "tools").symlink_to(other.name)
    ran = portcullis("toolbox", "status", PORTCULLIS_TOOLBOX=str(tmp_path / "tools"))
    assert ran.status == 1
    assert "installed, but not what this version pins" in ran.out
