"""What stands in the way of a tree that is copied over another."""

from pathlib import Path

from app.executors.laying import in_the_way


def a_tree(place: Path, *paths: str) -> Path:
    """Files by path; `a -> b` is a link, `a/` an empty directory."""
    place.mkdir()
    for path in paths:
        name, _, leads = path.partition(" -> ")
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        if leads:
            (place / name).symlink_to(leads)
        elif name.endswith("/"):
            (place / name).mkdir()
        else:
            (place / name).write_text("x")
    return place


def test_what_agrees_stays(tmp_path: Path):
    above = a_tree(tmp_path / "above", "deps/lib/file", "deps/one")
    tree = a_tree(tmp_path / "tree", "deps/lib/file", "deps/two", "other")
    assert in_the_way(tree, above, ["deps"]) == ()
    assert in_the_way(tree, above, ["absent"]) == ()
    assert in_the_way(tree, above, ["other"]) == ()


def test_links_and_files_where_a_directory_must_be(tmp_path: Path):
    above = a_tree(tmp_path / "above", "deps/lib/file", "web/sub/file", "top/file")
    tree = a_tree(tmp_path / "tree", "deps/lib -> /etc", "web -> /", "top")
    assert in_the_way(tree, above, ["deps", "web/sub", "top"]) == ("deps/lib", "web", "top")
    assert in_the_way(tree, above, ["web/sub", "web/sub/file"]) == ("web",)


def test_directories_where_none_may_be(tmp_path: Path):
    above = a_tree(tmp_path / "above", "deps/lib -> elsewhere", "conf")
    tree = a_tree(tmp_path / "tree", "deps/lib/file", "conf/")
    assert in_the_way(tree, above, ["deps", "conf"]) == ("deps/lib", "conf")


def test_a_link_for_a_file_and_a_file_for_a_link_need_nothing(tmp_path: Path):
    above = a_tree(tmp_path / "above", "a", "b -> a")
    tree = a_tree(tmp_path / "tree", "a -> /etc/passwd", "b")
    assert in_the_way(tree, above, ["a", "b"]) == ()
