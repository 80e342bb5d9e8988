from hypothesis import given
from hypothesis import strategies as st

from app.model import MASK, any_of, redacted

SECRETS = ["hush-hush", "hush-hush-hush", "ghs_0123456789", "-----BEGIN", "no secret"]


def test_no_secret_leaves_the_text_as_it_is() -> None:
    assert redacted("git@github.com: a.b.c", None, any_of(["", "x"])) == "git@github.com: a.b.c"
    assert any_of(["", ""]) is None


def test_secrets_that_overlap_are_masked_as_one() -> None:
    assert redacted("a ghs_0123456789abc b", any_of(["a ghs_", "9abc b"])) == MASK
    assert redacted("a hush b hush", any_of(["hush"])) == f"a {MASK} b {MASK}"


def test_passwords_of_addresses_and_settings_are_masked() -> None:
    assert redacted("postgresql://u:p@ss:w@h:5432/db") == f"postgresql://{MASK}@h:5432/db"
    assert redacted("host=h password=hush dbname=d") == f"host=h password={MASK} dbname=d"
    assert redacted("https://h:8400/a@b") == "https://h:8400/a@b"


@given(st.lists(st.sampled_from([*SECRETS, " ", "x"])).map("".join), st.lists(st.sampled_from(SECRETS)))
def test_of_a_known_value_nothing_is_left(text: str, known: list[str]) -> None:
    found = redacted(text, any_of(known))
    assert not any(value in found for value in known)
    assert redacted(found, any_of(known)) == found
