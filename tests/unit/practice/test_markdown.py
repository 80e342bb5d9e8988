import pytest

from app.practice.markdown import markdown


def test_tables_and_folds_are_shown_as_such():
    text = "<!-- portcullis -->\n### Title\n\n<details><summary>2 checks</summary>\n\n| a | b |\n| --- | --- |\n| `x` | y<br>z |\n\n</details>\n\n<sub>end</sub>"

    shown = markdown(text)

    assert "<h3>Title</h3>" in shown
    assert "<details><summary>2 checks</summary>" in shown
    assert "<td><code>x</code></td>\n<td>y<br>z</td>" in shown
    assert "</details>" in shown
    assert "<sub>end</sub>" in shown
    assert "portcullis" not in shown


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "<details open ontoggle=alert(1)>x</details>",
        "<sub style='position:fixed'>x</sub>",
        "<!-- a --><iframe src=//example.org></iframe>",
        "<style>*{display:none}</style>",
    ],
)
def test_other_markup_is_escaped(hostile):
    shown = markdown(hostile)

    for tag in ("<script", "<img", "<details open", "<sub style", "<iframe", "<style"):
        assert tag not in shown
    assert "&lt;" in shown


def test_links_lead_only_to_pages_and_images_are_not_loaded():
    shown = markdown("[a](javascript:alert(1)) [b](https://example.org/x) ![c](https://example.org/c.png)")

    assert 'href="javascript' not in shown
    assert '<a href="https://example.org/x" rel="noreferrer nofollow">b</a>' in shown
    assert "<img" not in shown
