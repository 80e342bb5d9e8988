"""What the operator allows wins over what a gate file asks for."""

import msgspec

from app.engine.prepare import with_operator_limits
from app.model import CheckSpec, External, Plan, Resources
from tests.unit.engine.conftest import Desk


def test_no_check_takes_more_time_or_memory_than_the_operator_allows(desk: Desk) -> None:
    options = msgspec.structs.replace(desk.services.options, max_timeout=60.0, max_memory=1 << 30)
    services = msgspec.structs.replace(desk.services, options=options)
    plan = Plan(
        path=".portcullis.yml",
        policy_sha="",
        gate_hash="",
        checks=(
            CheckSpec(id="large", key="large", timeout=600.0, resources=Resources(memory=64 << 30)),
            CheckSpec(id="small", key="small", timeout=6.0, resources=Resources(memory=1 << 20)),
            CheckSpec(id="ci", key="ci", timeout=600.0, external=External(context="ci", app="ci")),
        ),
    )
    limited = with_operator_limits(services, plan).checks
    assert [(check.timeout, check.resources.memory) for check in limited] == [
        (60.0, 1 << 30),
        (6.0, 1 << 20),
        (600.0, Resources().memory),
    ]


def test_the_operators_settings_are_those_limits(desk: Desk) -> None:
    assert desk.services.options.max_memory == int(desk.program.settings.max_check_memory)
    assert desk.services.options.max_timeout == desk.program.settings.max_check_timeout.total_seconds()
