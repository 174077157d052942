"""The settings: read from the environment once, refused when they cannot be meant."""

from dataclasses import FrozenInstanceError
from ipaddress import ip_network
from pathlib import Path

import pytest

from campfire.config import Config, Misconfigured


def test_an_empty_environment_is_enough() -> None:
    config = Config.from_env({})
    assert config == Config()
    assert (config.host, config.port, config.data) == ("127.0.0.1", 8000, Path("data"))
    assert config.origin is None
    assert config.rate_limits is True


def test_every_setting_is_read() -> None:
    config = Config.from_env(
        {
            "CAMPFIRE_HOST": "::1",
            "CAMPFIRE_PORT": "0",
            "CAMPFIRE_DATA": "/var/lib/campfire",
            "CAMPFIRE_ORIGIN": "https://Chat.Example:8443/",
            "CAMPFIRE_BASE": "/teams/our.chat/",
            "CAMPFIRE_TRUSTED_PROXIES": "127.0.0.1/32, fd00::/8",
            "CAMPFIRE_CORS_ORIGINS": "https://a.example, http://B.example:80",
            "CAMPFIRE_LOG_FILE": "/var/log/campfire.log",
            "CAMPFIRE_LOG_FORMAT": "json",
            "CAMPFIRE_LARGEST_FILE": "500",
            "CAMPFIRE_FILES_PER_PERSON": "2000",
            "CAMPFIRE_RATE_LIMITS": "off",
            "CAMPFIRE_BACKUPS": "/mnt/backups",
            "CAMPFIRE_BACKUPS_KEPT": "30",
            "CAMPFIRE_ARCHIVE": "on",
            "CAMPFIRE_METRICS_TOKEN": "a long secret",
        }
    )
    assert config == Config(
        host="::1",
        port=0,
        data=Path("/var/lib/campfire"),
        origin="https://chat.example:8443",
        base="/teams/our.chat",
        trusted_proxies=(ip_network("127.0.0.1/32"), ip_network("fd00::/8")),
        cors_origins=("https://a.example", "http://b.example"),
        log_file=Path("/var/log/campfire.log"),
        log_format="json",
        largest_file=500,
        files_per_person=2000,
        rate_limits=False,
        backups=Path("/mnt/backups"),
        backups_kept=30,
        archive=True,
        metrics_token="a long secret",
    )


def test_what_is_not_ours_is_left_alone() -> None:
    assert Config.from_env({"PATH": "/bin", "CAMP_PORT": "1"}) == Config()


def test_what_is_given_overrules_the_environment() -> None:
    environ = {"CAMPFIRE_HOST": "0.0.0.0", "CAMPFIRE_PORT": "1234"}
    config = Config.from_env(environ, port=4321, host=None, data=None)
    assert (config.host, config.port) == ("0.0.0.0", 4321)


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("CAMPFIRE_PROT", "CAMPFIRE_PORT"),
        ("CAMPFIRE_ORIGINS", "CAMPFIRE_ORIGIN"),
        ("CAMPFIRE_RATE_LIMIT", "CAMPFIRE_RATE_LIMITS"),
        ("CAMPFIRE_port", "CAMPFIRE_PORT"),
    ],
)
def test_an_unknown_variable_is_refused_and_the_nearest_named(
    variable: str, meant: str
) -> None:
    with pytest.raises(Misconfigured) as refused:
        Config.from_env({variable: "1"})
    assert variable in str(refused.value)
    assert str(refused.value).endswith(f"did you mean {meant}?")


@pytest.mark.parametrize("variable", ["CAMPFIRE_", "CAMPFIRE_X", "CAMPFIRE_\u2603"])
def test_any_unknown_variable_is_refused(variable: str) -> None:
    with pytest.raises(Misconfigured, match="did you mean CAMPFIRE_"):
        Config.from_env({variable: "1"})


def test_backups_can_be_left_to_somebody_else() -> None:
    assert Config().backups == Path("backups")
    assert Config.from_env({"CAMPFIRE_BACKUPS": "off"}).backups is None
    with pytest.raises(Misconfigured, match="CAMPFIRE_BACKUPS_KEPT"):
        Config.from_env({"CAMPFIRE_BACKUPS_KEPT": "0"})
    with pytest.raises(Misconfigured, match="CAMPFIRE_ARCHIVE needs"):
        Config.from_env({"CAMPFIRE_ARCHIVE": "on", "CAMPFIRE_BACKUPS": "off"})


@pytest.mark.parametrize("value", ["*", "https://*.example", "null", "a.example,"])
def test_a_site_that_may_read_answers_is_named_in_full(value: str) -> None:
    with pytest.raises(Misconfigured, match="CAMPFIRE_CORS_ORIGINS"):
        Config.from_env({"CAMPFIRE_CORS_ORIGINS": value})


@pytest.mark.parametrize(
    "value",
    [
        "chat",
        "//",
        "/a//b",
        "/a/../b",
        "/.",
        "/a?b",
        "/a#b",
        "/ä",
        "/%41",
        "/a b",
        "/a;b",
    ],
)
def test_a_base_is_a_path_that_nobody_writes_in_another_way(value: str) -> None:
    with pytest.raises(Misconfigured, match="CAMPFIRE_BASE"):
        Config.from_env({"CAMPFIRE_BASE": value})


def test_the_root_is_no_base() -> None:
    assert Config.from_env({"CAMPFIRE_BASE": "/"}).base == Config().base == ""


def test_an_origin_with_a_path_is_led_to_the_base() -> None:
    with pytest.raises(Misconfigured, match="ORIGIN .* CAMPFIRE_BASE"):
        Config.from_env({"CAMPFIRE_ORIGIN": "https://example.com/chat"})


def test_what_only_tests_set_is_no_setting() -> None:
    with pytest.raises(Misconfigured):
        Config.from_env({"CAMPFIRE_PASSWORD_COST": "4"})


@pytest.mark.parametrize("value", ["", "http", "-1", "65536", "80.5", "\u0664", " 80"])
def test_a_port_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(Misconfigured, match="CAMPFIRE_PORT"):
        Config.from_env({"CAMPFIRE_PORT": value})


def test_a_port_that_is_given_is_held_to_the_same() -> None:
    with pytest.raises(Misconfigured, match="CAMPFIRE_PORT"):
        Config.from_env({}, port=65_536)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "chat.example",
        "ftp://chat.example",
        "https://",
        "https://chat.example/path",
        "https://chat.example?query",
        "https://chat.example#fragment",
        "https://david@chat.example",
        "https://chat.example:http",
        "https://chat.example:99999",
        "https://[::1",
        "https://chat example",
    ],
)
def test_an_origin_that_no_browser_sends_is_refused(value: str) -> None:
    with pytest.raises(Misconfigured, match="CAMPFIRE_ORIGIN"):
        Config.from_env({"CAMPFIRE_ORIGIN": value})


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("https://chat.example", "https://chat.example"),
        ("HTTPS://Chat.Example/", "https://chat.example"),
        ("https://chat.example:443", "https://chat.example"),
        ("http://chat.example:80", "http://chat.example"),
        ("http://chat.example:443", "http://chat.example:443"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_kept_as_a_browser_sends_it(value: str, sent: str) -> None:
    assert Config.from_env({"CAMPFIRE_ORIGIN": value}).origin == sent


@pytest.mark.parametrize("value", ["localhost", "10.0.0.1/8", "10.0.0.0/33"])
def test_a_network_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(Misconfigured, match="CAMPFIRE_TRUSTED_PROXIES"):
        Config.from_env({"CAMPFIRE_TRUSTED_PROXIES": value})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CAMPFIRE_LOG_FORMAT", "xml"),
        ("CAMPFIRE_LOG_FORMAT", "JSON"),
        ("CAMPFIRE_RATE_LIMITS", "no"),
        ("CAMPFIRE_RATE_LIMITS", ""),
    ],
)
def test_a_choice_is_one_of_those_named(variable: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=f"{variable} must be"):
        Config.from_env({variable: value})


def test_the_settings_cannot_be_changed_later() -> None:
    with pytest.raises(FrozenInstanceError):
        Config().port = 1  # type: ignore[misc]


@pytest.mark.parametrize("value", ["0", "65", "two", "1.5"])
def test_so_many_workers_there_cannot_be(value: str) -> None:
    broker = {"CAMPFIRE_BROKER": "redis://127.0.0.1"}
    with pytest.raises(Misconfigured, match="CAMPFIRE_WORKERS"):
        Config.from_env(broker | {"CAMPFIRE_WORKERS": value})


@pytest.mark.parametrize("value", ["127.0.0.1:6379", "http://a.example", "memcached:"])
def test_a_broker_is_one_that_we_speak_with(value: str) -> None:
    with pytest.raises(Misconfigured, match="CAMPFIRE_BROKER"):
        Config.from_env({"CAMPFIRE_BROKER": value})


def test_several_workers_need_a_broker_and_one_does_not() -> None:
    assert Config.from_env({}).workers == 1
    with pytest.raises(Misconfigured, match="CAMPFIRE_BROKER"):
        Config.from_env({"CAMPFIRE_WORKERS": "2"})
    broker = {"CAMPFIRE_BROKER": "rediss://:secret@broker.example:6380"}
    assert Config.from_env(broker, workers=2).workers == 2
