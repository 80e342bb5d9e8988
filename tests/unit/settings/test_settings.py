import re
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from app.model import Misconfigured
from app.settings import Settings, load, secret_key, variable
from tests.support.prerequisites import REPOSITORY

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"
KEY = "k" * 48


def test_nothing_set_is_a_whole_installation_on_sqlite():
    settings = load({"HOME": "/home/somebody", "XDG_STATE_HOME": "/state"})

    assert settings.data_dir == Path("/state/portcullis")
    assert settings.database.get_secret_value() == "sqlite:////state/portcullis/portcullis.db"
    assert settings.on_sqlite
    assert settings.base_url == "http://127.0.0.1:8400"
    assert settings.toolbox_dir == Path("/state/portcullis/toolbox")
    assert settings.github is None
    assert settings.github_api_url == "https://api.github.com"


def test_without_xdg_the_data_is_kept_at_home():
    assert load({}).data_dir == Path.home() / ".local/state/portcullis"


def test_values_are_typed():
    settings = load(
        {
            "PORTCULLIS_DATA_DIR": "relative",
            "PORTCULLIS_MAX_CHECK_TIMEOUT": "20m",
            "PORTCULLIS_MAX_LOG_BYTES": "8MiB",
            "PORTCULLIS_PARALLEL_CHECKS": "3",
            "PORTCULLIS_TRUSTED_APPS": "renovate[bot], dependabot[bot]",
            "PORTCULLIS_TOOLCHAINS": "/usr/lib:/usr/share",
            "PORTCULLIS_PUBLIC_URL": "https://gate.example/p/",
            "PORTCULLIS_LOG_FORMAT": "json",
        }
    )

    assert settings.data_dir == Path.cwd() / "relative"
    assert settings.max_check_timeout == timedelta(minutes=20)
    assert settings.max_log_bytes == 8 << 20
    assert settings.parallel_checks == 3
    assert settings.trusted_apps == ("renovate[bot]", "dependabot[bot]")
    assert settings.toolchains == (Path("/usr/lib"), Path("/usr/share"))
    assert settings.base_url == "https://gate.example/p"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_any_spelling_of_postgresql_means_psycopg(scheme):
    settings = load({"PORTCULLIS_DATABASE_URL": f"{scheme}://me:pw@db/gate"})

    assert settings.database.get_secret_value() == "postgresql+psycopg://me:pw@db/gate"
    assert not settings.on_sqlite


def test_credentials_from_the_environment_and_from_files(tmp_path):
    key, secret = tmp_path / "key.pem", tmp_path / "secret"
    key.write_text(PEM + "\n")
    secret.write_text("hook\n")
    files = load(
        {
            "PORTCULLIS_GITHUB_APP_ID": "7",
            "PORTCULLIS_GITHUB_PRIVATE_KEY_FILE": str(key),
            "PORTCULLIS_GITHUB_WEBHOOK_SECRET_FILE": str(secret),
        }
    )
    inline = load(
        {
            "PORTCULLIS_GITHUB_APP_ID": "7",
            "PORTCULLIS_GITHUB_PRIVATE_KEY": PEM.replace("\n", "\\n"),
            "PORTCULLIS_GITHUB_WEBHOOK_SECRET": "hook",
        }
    )

    for settings in (files, inline):
        assert settings.github is not None
        app_id, private_key, webhook_secret = settings.github
        assert (app_id, private_key.get_secret_value(), webhook_secret.get_secret_value()) == (7, PEM, "hook")
        assert "MIIE" not in repr(settings)
        assert "MIIE" not in str(settings.model_dump())


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"PORT": "http"}, "PORTCULLIS_PORT is not a whole number"),
        ({"PORT": "70000"}, "PORTCULLIS_PORT should be less than or equal to 65535"),
        ({"PORT": "tcp://10.0.0.1:8400"}, "set enableServiceLinks: false"),
        (
            {"DATABASE_URL": "mysql://x"},
            "PORTCULLIS_DATABASE_URL is neither sqlite:///PATH nor postgresql://",
        ),
        ({"DATABASE_URL": "sqlite://"}, "PORTCULLIS_DATABASE_URL is neither"),
        ({"PUBLIC_URL": "gate.example"}, "PORTCULLIS_PUBLIC_URL is not an http(s) address"),
        ({"PUBLIC_URL": "https://u:p@gate.example"}, "must not hold a user"),
        ({"MAX_CHECK_TIMEOUT": "soon"}, "PORTCULLIS_MAX_CHECK_TIMEOUT is not a duration such as"),
        ({"MAX_CHECK_TIMEOUT": "0s"}, "PORTCULLIS_MAX_CHECK_TIMEOUT should be greater than"),
        ({"MAX_LOG_BYTES": "much"}, "PORTCULLIS_MAX_LOG_BYTES"),
        ({"LOG_FORMAT": "xml"}, "PORTCULLIS_LOG_FORMAT should be 'console' or 'json'"),
        ({"TOOLCHAINS": "opt/jdk"}, "PORTCULLIS_TOOLCHAINS names opt/jdk, which is not an absolute path"),
        ({"TOOLCHAINS": "/"}, "PORTCULLIS_TOOLCHAINS names /"),
        ({"TOOLCHAINS": "/not/there"}, "which is not a directory"),
        ({"SECRET_KEY": "short"}, "PORTCULLIS_SECRET_KEY is shorter than 32 characters"),
        ({"GITHUB_PRIVATE_KEY": "x"}, "PORTCULLIS_GITHUB_PRIVATE_KEY is not a private key in PEM form"),
        ({"GITHUB_APP_ID": "7"}, "PORTCULLIS_GITHUB_APP_ID is set but PORTCULLIS_GITHUB_PRIVATE_KEY"),
        ({"GITHUB_PRIVATE_KEY": PEM, "GITHUB_PRIVATE_KEY_FILE": "/x"}, "are both set; keep one"),
        ({"GITHUB_PRIVATE_KEY_FILE": "/not/there"}, "cannot read /not/there: No such file or directory"),
        (
            {"DATABSE_URL": "sqlite:///x"},
            "PORTCULLIS_DATABSE_URL is not a setting; did you mean PORTCULLIS_DATABASE_URL",
        ),
    ],
)
def test_a_wrong_setting_is_named(environment, says):
    with pytest.raises(Misconfigured) as raised:
        load({f"PORTCULLIS_{name}": value for name, value in environment.items()})

    assert says in raised.value.message
    assert raised.value.hint


def test_all_wrong_settings_are_told_at_once_and_no_secret_is_repeated():
    with pytest.raises(Misconfigured) as raised:
        load({"PORTCULLIS_PORT": "x", "PORTCULLIS_SECRET_KEY": "hunter2", "PORTCULLIS_LOG_LEVEL": "loud"})

    assert len(raised.value.message.splitlines()) == 3
    assert "hunter2" not in raised.value.message


def test_names_of_others_with_our_prefix_are_no_slips():
    load(
        {
            "PORTCULLIS_OUT": "/w/out",
            "PORTCULLIS_HEAD_SHA": "a" * 40,
            "PORTCULLIS_TEST_POSTGRES": "postgresql://x",
            "PORTCULLIS_SERVICE_HOST": "10.0.0.1",
            "PORTCULLIS_PORT_8400_TCP": "tcp://10.0.0.1:8400",
            "PORTCULLIS_PORT": "",
        }
    )


def test_the_secret_key_is_made_once_and_only_for_us(tmp_path):
    settings = load({"PORTCULLIS_DATA_DIR": str(tmp_path / "data")})
    first = secret_key(settings)

    assert secret_key(settings) == first
    assert len(first.get_secret_value()) >= 32
    assert stat.S_IMODE((tmp_path / "data/secret_key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret_key"]


def test_a_secret_key_that_others_can_read_is_refused(tmp_path):
    settings = load({"PORTCULLIS_DATA_DIR": str(tmp_path)})
    secret_key(settings)
    (tmp_path / "secret_key").chmod(0o644)

    with pytest.raises(Misconfigured, match="can be read by others"):
        secret_key(settings)


def test_an_emptied_secret_key_is_not_silently_replaced(tmp_path):
    settings = load({"PORTCULLIS_DATA_DIR": str(tmp_path)})
    (tmp_path / "secret_key").touch(0o600)

    with pytest.raises(Misconfigured, match="does not hold a key"):
        secret_key(settings)


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured, match="cannot make the data directory"):
        secret_key(load({"PORTCULLIS_DATA_DIR": str(tmp_path / "file" / "data")}))


def test_postgresql_needs_a_shared_secret_key():
    url = {"PORTCULLIS_DATABASE_URL": "postgresql://db/gate"}
    with pytest.raises(Misconfigured, match="PORTCULLIS_SECRET_KEY is not set"):
        secret_key(load(url))
    assert secret_key(load({**url, "PORTCULLIS_SECRET_KEY": KEY})).get_secret_value() == KEY


def test_every_setting_is_described():
    assert all(field.description for field in Settings.model_fields.values())
    assert variable("port") == "PORTCULLIS_PORT"


def test_the_readme_lists_every_setting_and_no_other():
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `(PORTCULLIS_\w+)` \| (.+?) \|", readme, re.MULTILINE)

    assert [name for name, _ in rows] == [variable(field) for field in Settings.model_fields]
    for (name, meaning), field in zip(rows, Settings.model_fields.values(), strict=True):
        assert str(field.description).startswith(meaning), name


@pytest.mark.parametrize(
    ("environment", "issuer"),
    [
        ({}, "https://token.actions.githubusercontent.com"),
        ({"PORTCULLIS_GITHUB_API_URL": "https://ghe.example/api/v3"}, "https://ghe.example/_services/token"),
        ({"PORTCULLIS_GITHUB_OIDC_ISSUER": "https://token.example/acme/"}, "https://token.example/acme"),
    ],
)
def test_identity_tokens_are_believed_of_our_own_github(tmp_path, environment, issuer):
    configured = load({"PORTCULLIS_DATA_DIR": str(tmp_path), **environment})
    assert configured.github_issuer == issuer
    assert configured.gitlab_oidc_issuers == ()


def test_gitlab_addresses_are_separated_by_commas(tmp_path):
    listed = "https://gitlab.com, https://git.example/"
    configured = load({"PORTCULLIS_DATA_DIR": str(tmp_path), "PORTCULLIS_GITLAB_OIDC_ISSUERS": listed})
    assert configured.gitlab_oidc_issuers == ("https://gitlab.com", "https://git.example")
    with pytest.raises(Misconfigured, match="PORTCULLIS_GITLAB_OIDC_ISSUERS"):
        load({"PORTCULLIS_DATA_DIR": str(tmp_path), "PORTCULLIS_GITLAB_OIDC_ISSUERS": "gitlab.com"})


def test_where_checks_with_network_may_go(tmp_path):
    given = {
        "PORTCULLIS_DATA_DIR": str(tmp_path),
        "PORTCULLIS_EGRESS_HOSTS": "index.example, *.files.example",
        "PORTCULLIS_EGRESS_PORTS": "443, 8443",
        "PORTCULLIS_EGRESS_ALLOWED": "10.1.2.3, fd00::/64",
    }
    configured = load(given)
    assert configured.egress_hosts == ("index.example", "*.files.example")
    assert configured.egress_ports == (443, 8443)
    assert configured.egress_allowed == ("10.1.2.3/32", "fd00::/64")
    assert load({"PORTCULLIS_DATA_DIR": str(tmp_path)}).egress_ports == (80, 443)
    for name, wrong in (("ALLOWED", "10.1.2.3/8"), ("DENIED", "intranet"), ("PORTS", "0"), ("PORTS", "web")):
        with pytest.raises(Misconfigured, match=f"PORTCULLIS_EGRESS_{name}"):
            load({**given, f"PORTCULLIS_EGRESS_{name}": wrong})
