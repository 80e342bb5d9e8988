"""Samples bent by chance, for every format, forge and event there is: evidence, an event, or a sentence."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fuzz import targets

TARGETS = targets()


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=40)
@given(st.randoms(use_true_random=False))
def test_what_strangers_write_is_read_or_refused(name, rng):
    TARGETS[name].once(rng)


@pytest.mark.parametrize("name", TARGETS)
def test_every_reader_has_a_sample_that_it_reads(name):
    assert TARGETS[name].samples
    for sample in TARGETS[name].samples:
        TARGETS[name].holds(sample)
