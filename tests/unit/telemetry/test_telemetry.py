import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from app import telemetry
from app.model import MASK

KEY = "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    telemetry.setup(log_format="json", level="info", stream=stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def entries(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_ours_and_libraries_entries_have_one_form(lines):
    structlog.get_logger("app.engine").info("run opened", run=7)
    logging.getLogger("uvicorn.error").info("started on port %d", 8400)

    ours, theirs = entries(lines)
    assert (ours["event"], ours["run"], ours["level"], ours["logger"]) == (
        "run opened",
        7,
        "info",
        "app.engine",
    )
    assert (theirs["event"], theirs["logger"]) == ("started on port 8400", "uvicorn.error")
    assert ours.keys() - {"run"} == theirs.keys()


def test_ids_are_on_every_entry_below(lines):
    with structlog.contextvars.bound_contextvars(delivery="d-1", run=3):
        logging.getLogger("somebody").warning("from afar")

    assert entries(lines)[0]["run"] == 3
    assert entries(lines)[0]["delivery"] == "d-1"


def test_the_level_is_kept_and_chatter_is_left_out(lines):
    structlog.get_logger("app").debug("too much")
    logging.getLogger("httpx").info("HTTP Request: GET …")

    assert not lines.getvalue()


def test_secrets_never_reach_the_log(lines):
    telemetry.register_secret("correct-horse\nbattery-staple")
    telemetry.register_secret("-----BEGIN PRIVATE KEY-----\nour-own-key\n-----END PRIVATE KEY-----\n")
    token = "ghs_" + "A1b2" * 9
    log = structlog.get_logger("app")
    log.info(
        "fetching with %s",
        token,
        authorization="Bearer abc",
        nested={"webhook_secret": "s", "urls": ["https://me:pw@host/x", b"correct-horse"]},
        installation=12,
        token="",
    )
    try:
        int("battery-staple")
    except ValueError:
        log.exception("it broke")
    logging.getLogger("library").warning("key %s", KEY)

    text = lines.getvalue()
    for secret in (token, "Bearer abc", "pw@host", "correct-horse", "battery-staple", "MII"):
        assert secret not in text
    first, second, third = entries(lines)
    assert first["nested"] == {
        "webhook_secret": MASK,
        "urls": [f"https://{MASK}@host/x", f"b'{MASK}'"],
    }
    assert first["installation"] == 12
    assert first["token"] == ""
    assert "with base 10: '[redacted]'" in str(second["exception"])
    assert third["event"] == "key [redacted]"


def test_a_known_value_does_not_hide_the_shape_of_another_secret(lines):
    telemetry.register_secret("-----BEGIN")
    telemetry.register_secret("ghs_12")
    logging.getLogger("library").warning("%s, %s!", KEY, "ghs_" + "12" * 12)

    assert entries(lines)[0]["event"] == "[redacted], [redacted]!"


@pytest.mark.parametrize(
    "written",
    ["a+b/c d&e f", "a%2Bb%2Fc%20d%26e%20f", "a%2bb%2fc+d%26e+f", "YStiL2MgZCZlIGY=", "OmErYi9jIGQmZSBm"],
)
def test_a_secret_is_known_however_it_is_written(lines, written):
    telemetry.register_secret("a+b/c d&e f")
    structlog.get_logger("app").info("sent", headers={f"x {written}": "1"}, body=f"q={written};")

    (entry,) = entries(lines)
    assert written.rstrip("=")[:-1] not in json.dumps(entry)
    assert MASK in entry["body"]


def test_very_short_values_do_not_mask_words(lines):
    telemetry.register_secret("run")
    structlog.get_logger("app").info("run opened")

    assert entries(lines)[0]["event"] == "run opened"


def test_the_console_form_is_for_people():
    stream = io.StringIO()
    telemetry.setup(stream=stream)
    structlog.get_logger("app").info("listening", address="http://127.0.0.1:8400")

    assert "listening" in stream.getvalue()
    assert "address=http://127.0.0.1:8400" in stream.getvalue()
    assert "\x1b[" not in stream.getvalue()
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()
