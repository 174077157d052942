"""TLS without a proxy: what is refused at the start, and what is read again later."""

from pathlib import Path

import pytest

from campfire.certificates import Certificates
from campfire.config import Config, Misconfigured
from campfire.database import Unusable
from tests.samples import certificate


def test_files_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    first, key = certificate(tmp_path, "chat.example")
    _, other = certificate(tmp_path, "other.example")
    Certificates(first, key)
    with pytest.raises(Unusable, match="cannot be used: KEY_VALUES_MISMATCH"):
        Certificates(first, other)
    with pytest.raises(Unusable, match="No such file"):
        Certificates(tmp_path / "nowhere", key)


def test_what_does_not_fit_is_not_taken_later_either(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = certificate(tmp_path, "chat.example")
    certificates = Certificates(*files)
    files[1].write_text("half of it")
    certificates.renew()
    assert caplog.messages == ["certificate not renewed"]


@pytest.mark.parametrize(
    "environ",
    [
        {"CAMPFIRE_TLS_CERTIFICATE": "a.pem"},
        {"CAMPFIRE_TLS_KEY": "a.key"},
        {
            "CAMPFIRE_TLS_CERTIFICATE": "a.pem",
            "CAMPFIRE_TLS_KEY": "a.key",
            "CAMPFIRE_ORIGIN": "http://chat.example",
        },
    ],
)
def test_half_of_it_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(Misconfigured):
        Config.from_env(environ)
