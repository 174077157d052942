"""The Containerfile and compose.yaml: what they name is ours, and their steps work.

Without an engine the steps run in a clean root of their own, made by bubblewrap, where
this machine's Python stands in for that of the image and pip finds what Campfire needs
in place. It has a network of its own, which leads nowhere.
"""

import email
import glob
import json
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from configparser import ConfigParser
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from campfire.__main__ import SHUTDOWN_TAKES, parser
from campfire.app import FILE
from campfire.config import Config
from tests.test_house import ROOT
from tests.test_wheel import needed, wheel

__all__ = ["wheel"]  # The fixture.

ANYBODY = "10001:10001"
# Starts what is given, asks after its health once it says that it is there, stops it.
LIFE = """
mkfifo /tmp/said
{start} >/tmp/said & server=$!
exec 3</tmp/said
while read -r line <&3; do
  case $line in "Campfire is at "*) break ;; esac
done
{health}
health=$?
cat <&3 >/dev/null &
kill -{signal} $server
wait $server && exit $health
"""


@dataclass
class Stage:
    """From one FROM to the next."""

    image: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        return [rest for word, rest in self.steps if word == instruction]

    def one(self, instruction: str) -> str:
        (rest,) = self.all(instruction)
        return rest

    @property
    def environment(self) -> dict[str, str]:
        pairs = shlex.split(" ".join(self.all("ENV")))
        return dict(pair.split("=", 1) for pair in pairs)

    @property
    def health(self) -> list[str]:
        command: list[str] = json.loads(self.one("HEALTHCHECK").partition("CMD ")[2])
        return command


def stages() -> list[Stage]:
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.M).replace("\\\n", " ")
    found: list[Stage] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        word, rest = line.split(None, 1)
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            found.append(Stage(image, name))
        else:
            found[-1].steps.append((word, rest))
    return found


def compose() -> dict[str, Any]:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    described: dict[str, Any] = yaml.safe_load(text)
    return described


def settings() -> ConfigParser:
    read = ConfigParser()
    read.read(ROOT / "setup.cfg", encoding="utf-8")
    return read


def test_the_image_is_of_a_python_that_campfire_runs_on() -> None:
    build, final = stages()
    assert build.image == final.image
    version = re.search(r"/python:(\d+)\.(\d+)-slim-", final.image)
    least = settings()["options"]["python_requires"]
    assert version and least.startswith(">=")
    major, minor = map(int, least[2:].split("."))
    assert (int(version[1]), int(version[2])) >= (major, minor)


def test_the_image_runs_campfire_as_nobody_with_one_volume() -> None:
    *_, final = stages()
    (script,) = settings()["options.entry_points"]["console_scripts"].split("\n")[1:]
    start = json.loads(final.one("ENTRYPOINT")) + json.loads(final.one("CMD"))
    assert start[0] == script.split(" = ")[0]
    assert parser().parse_args(start[1:]).command == "serve"
    config = Config.from_env(final.environment)
    assert str(config.data) == final.one("VOLUME")
    assert str(config.port) == final.one("EXPOSE")
    assert final.one("USER") == ANYBODY
    assert final.health == ["python3", "-m", "campfire.ready"]
    assert final.one("STOPSIGNAL") == "SIGTERM"
    assert not re.search(r"\b(apt-get|pip|gcc|npm)\b", " ".join(final.all("RUN")))


def test_only_what_the_image_is_made_of_is_sent_to_the_engine() -> None:
    allowed = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.M))
    copied = [
        name
        for stage in stages()
        for rest in stage.all("COPY")
        if "--from" not in rest
        for name in rest.split()[:-1]
    ]
    assert set(copied) == allowed


def test_the_service_may_do_nothing_but_serve_this_machine() -> None:
    (service,) = compose()["services"].values()
    *_, final = stages()
    config = Config.from_env(final.environment)
    assert service["ports"] == [f"127.0.0.1:{config.port}:{config.port}"]
    (volume,) = service["volumes"]
    assert volume == f"{next(iter(compose()['volumes']))}:{config.data}"
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert [mount.partition(":")[0] for mount in service["tmpfs"]] == ["/tmp"]
    assert float(service["stop_grace_period"].removesuffix("s")) > SHUTDOWN_TAKES
    assert (ROOT / service["build"]["dockerfile"]).exists()


def test_the_service_believes_its_own_network_alone() -> None:
    (service,) = compose()["services"].values()
    given = re.sub(r"\$\{\w+:-(.*?)}", r"\1", json.dumps(service["environment"]))
    config = Config.from_env(json.loads(given))
    (subnet,) = compose()["networks"]["default"]["ipam"]["config"]
    assert config.trusted_proxies == (ip_network(subnet["subnet"]),)
    assert config.origin


@pytest.fixture
def packages(wheel: Path, tmp_path: Path) -> Path:
    """What the wheel declares to need, without Campfire."""
    with zipfile.ZipFile(wheel) as archive:
        (papers,) = (n for n in archive.namelist() if n.endswith("/METADATA"))
        asked = email.message_from_bytes(archive.read(papers))
    packages = tmp_path / "packages"
    for distribution in needed(asked.get_all("Requires-Dist", [])):
        for file in distribution.files or ():
            if ".." not in file.parts and file.suffix != ".pyc":
                (packages / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(distribution.locate_file(file)), packages / file)
    return packages


@dataclass
class Root:
    """The files of one stage on its way; programs and libraries are this machine's."""

    folder: Path
    packages: Path

    def __post_init__(self) -> None:
        for name in ("usr", "proc", "dev", "tmp", "packages", "etc"):
            (self.folder / name).mkdir(parents=True)
        for name in ("bin", "sbin", "lib", "lib64"):
            (self.folder / name).symlink_to(f"usr/{name}")

    def command(self, mounts: Iterator[str] | tuple[str, ...]) -> list[str]:
        user, group = ANYBODY.split(":")
        python = Path(sys.base_prefix)
        own = () if python == Path("/usr") else ("--ro-bind", str(python), "/usr/local")
        return [
            *("bwrap", "--unshare-all", "--die-with-parent", "--new-session"),
            *("--uid", user, "--gid", group, "--clearenv"),
            *mounts,
            *("--ro-bind", "/usr", "/usr", *own),
            *("--ro-bind", str(self.packages), "/packages"),
            *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),
            *("--setenv", "PYTHONPATH", "/packages", "--setenv", "PIP_NO_INDEX", "1"),
            *("--setenv", "PIP_NO_COMPILE", "1", "--chdir", "/"),
            # What the cache of the linker says in the image.
            *("--setenv", "LD_LIBRARY_PATH", "/usr/local/lib"),
        ]

    def run(self, line: str) -> None:
        writable = ("--bind", str(self.folder), "/")
        path = "/usr/local/bin:/usr/bin:/bin"
        done(*self.command(writable), "--setenv", "PATH", path, "sh", "-ec", line)

    def copy(self, rest: str, context: Path) -> None:
        *names, target = rest.split()
        into = self.folder / target.lstrip("/")
        for name in names:
            for found in map(Path, glob.glob(str(context / name.lstrip("/")))):
                if found.is_dir():
                    shutil.copytree(found, into, symlinks=True, dirs_exist_ok=True)
                else:
                    into.mkdir(parents=True, exist_ok=True)
                    shutil.copy(found, into)


def done(*command: str) -> None:
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_its_steps_make_a_campfire_that_is_healthy_and_stops(
    wheel: Path, packages: Path, tmp_path: Path
) -> None:
    tried = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"]
    if subprocess.run(tried, capture_output=True).returncode:
        pytest.skip("nobody may have a root of their own on this machine")
    context = tmp_path / "context"
    (context / "dist").mkdir(parents=True)
    shutil.copy(wheel, context / "dist")
    shutil.copy(ROOT / "constraints.txt", context)
    roots: dict[str, Root] = {}
    for number, stage in enumerate(stages()):
        root = roots[stage.name] = Root(tmp_path / f"stage-{number}", packages)
        for word, rest in stage.steps:
            if word == "RUN":
                root.run(rest)
            elif word == "COPY" and rest.startswith("--from="):
                name, _, rest = rest.removeprefix("--from=").partition(" ")
                root.copy(rest, roots[name].folder)
            elif word == "COPY":
                root.copy(rest, context)
    start = json.loads(stage.one("ENTRYPOINT")) + json.loads(stage.one("CMD"))
    life = LIFE.format(
        start=shlex.join(start),
        health=shlex.join(stage.health),
        signal=stage.one("STOPSIGNAL").removeprefix("SIG"),
    )
    data = root.folder / stage.one("VOLUME").lstrip("/")
    assert data.stat().st_mode & 0o777 == 0o700
    assert not [*root.folder.glob("opt/campfire/bin/pip*")]
    # As compose has it: nothing can be written to but the volume and /tmp.
    mounts = ("--ro-bind", str(root.folder), "/", "--bind", str(data), "/data")
    given = [
        part
        for name, value in stage.environment.items()
        for part in ("--setenv", name, value)
    ]
    done(*root.command(mounts), *given, "sh", "-c", life)
    assert (data / FILE).exists()
    assert not (data / f"{FILE}-wal").exists(), "it was stopped, not killed"
