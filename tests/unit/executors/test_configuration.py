"""Which configuration files come from the base."""

from pathlib import Path

from app.executors.configuration import replacement, write_layer
from app.executors.laying import in_the_way


def tree(place: Path, **files: str) -> Path:
    place.mkdir()
    for name, content in files.items():
        path = place / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return place


def test_base_wins_and_what_only_the_head_has_goes(tmp_path: Path):
    base = tree(tmp_path / "base", ruff_toml="base", sub__setup_cfg="base sub", code_py="1")
    head = tree(
        tmp_path / "head", ruff_toml="head", sub__ruff_toml="new", code_py="2", sub__setup_cfg="head sub"
    )
    what = replacement(head, base, ("ruff.toml", "setup.cfg"))
    assert what.files == ("ruff.toml", "sub/setup.cfg")
    assert what.removed == ("sub/ruff.toml",)
    write_layer(base, what.files, tmp_path / "layer", root=False)
    layer = {
        str(p.relative_to(tmp_path / "layer")): p.read_text()
        for p in (tmp_path / "layer").rglob("*")
        if p.is_file()
    }
    assert layer == {"ruff.toml": "base", "sub/setup.cfg": "base sub"}


def test_anchored_patterns_mean_the_root_only(tmp_path: Path):
    base = tree(tmp_path / "base", ruff_toml="base")
    head = tree(tmp_path / "head", ruff_toml="head", sub__ruff_toml="fixture")
    assert replacement(head, base, ("/ruff.toml",)).removed == ()


def test_links_of_the_head_are_hidden_not_followed(tmp_path: Path):
    base = tree(tmp_path / "base", conf__ruff_toml="base")
    head = tree(tmp_path / "head", other__ruff_toml="head")
    (head / "conf").symlink_to("other")
    what = replacement(head, base, ("ruff.toml",))
    assert what.files == ("conf/ruff.toml",)
    assert in_the_way(head, base, what.files) == ("conf",)
    assert what.removed == ("other/ruff.toml",)


def test_a_link_that_is_the_configuration_itself(tmp_path: Path):
    base = tree(tmp_path / "base", real__toml="kept")
    (base / "ruff.toml").symlink_to("real/toml")
    (base / "out.toml").symlink_to("/etc/hostname")
    head = tree(tmp_path / "head")
    (head / "ruff.toml").symlink_to("/dev/null")
    what = replacement(head, base, ("ruff.toml", "out.toml"))
    assert what.files == ("ruff.toml",), "a link out of the base's tree gives nothing"
    write_layer(base, what.files, tmp_path / "layer", root=False)
    assert (tmp_path / "layer/ruff.toml").read_text() == "kept"
    assert not (tmp_path / "layer/ruff.toml").is_symlink()


def test_a_folder_that_only_the_head_has_goes_as_a_whole(tmp_path: Path):
    base = tree(tmp_path / "base", code_py="1", web___venv__own__a_py="base")
    head = tree(
        tmp_path / "head",
        _venv__a_py="head",
        web___venv__own__a_py="head",
        web___venv__more__b_py="head",
        linked__code_py="head",
    )
    (head / "linked/.venv").symlink_to("../web")
    what = replacement(head, base, (".venv",))
    assert what.files == ("web/.venv/own/a.py",)
    assert what.removed == (".venv", "linked/.venv", "web/.venv/more")
