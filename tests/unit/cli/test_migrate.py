import json


def test_an_empty_database_is_migrated_once(portcullis, database_url):
    before = portcullis("migrate", "--check", PORTCULLIS_DATABASE_URL=database_url)
    first = portcullis("migrate", PORTCULLIS_DATABASE_URL=database_url)
    second = portcullis("migrate", "--format", "json", PORTCULLIS_DATABASE_URL=database_url)
    after = portcullis("migrate", "--check", PORTCULLIS_DATABASE_URL=database_url)

    assert (before.status, first.status, second.status, after.status) == (1, 0, 0, 0)
    assert before.out.startswith("the database is empty")
    assert before.err == "hint: run `portcullis migrate`\n"
    assert first.out.startswith("migrated from an empty database to ")
    answer = json.loads(second.out)
    assert answer["current"] is True
    assert answer["before"] == answer["after"]
    assert after.out.endswith("is current\n")


def test_a_server_that_is_away_is_our_trouble(portcullis):
    url = "postgresql://nobody:hunter22@127.0.0.1:1/gate"
    ran = portcullis("migrate", PORTCULLIS_DATABASE_URL=url)

    assert ran.status == 2
    assert ran.err.startswith("error: ")
    assert "hunter22" not in ran.err
