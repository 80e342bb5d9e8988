"""`portcullis presets`: the list, and all about one."""

from app.presets import PRESETS


def test_the_list(portcullis):
    lines = portcullis("presets").out.splitlines()
    assert sum(line.startswith("  ") for line in lines) == len(PRESETS)
    places = [line for line in lines if not line.startswith("  ")]
    assert len(places) == len(set(places)), "each heading once"
    assert any(line.startswith("  pytest *") for line in lines), "self-reported"
    assert any(line.startswith("  biome ") and line.endswith("(toolbox: web)") for line in lines)


def test_all_about_one(portcullis):
    for preset in PRESETS:
        told = portcullis("presets", preset.name).out
        for part in (
            preset.summary,
            preset.version,
            *preset.config_files,
            *(one.path for one in preset.reports),
        ):
            assert part in told, (preset.name, part)
        assert told.rstrip().endswith(preset.script.rstrip())
        assert ("self-reported" in told) is (preset.tool == "")
    assert "what each commit of the change adds" in portcullis("presets", "detect-secrets").out
    assert "not needed     exit 3\n" in portcullis("presets", "zizmor").out
