"""The wheel, installed as an operator does it, and the one file made of it.

An empty virtual environment gets the wheel and what it declares to need, copied from
the packages that are installed here, so that the test asks no network. There is no
npm on its path, and it serves every file that a page names.
"""

import email
import re
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from urllib.parse import urljoin
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.timeout(180)


def run(*command: object) -> None:
    finished = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, because a build leaves its traces beside the source."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(
        ROOT / "campfire",
        source / "campfire",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    run(
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"),
        *("--no-build-isolation", "--wheel-dir", folder, source),
    )
    (built,) = folder.glob("*.whl")
    return built


def needed(requires: Iterable[str]) -> Iterator[metadata.Distribution]:
    """The distributions that are installed here for these, and for theirs in turn.

    One that its marker excludes is not installed; pip is the judge of that later.
    """
    pending, seen = list(requires), set[str]()
    while pending:
        line = pending.pop()
        name = re.split(r"[^\w.-]", line)[0]
        if "extra ==" in line or name in seen:
            continue
        seen.add(name)
        for distribution in metadata.distributions(name=name):
            yield distribution
            pending.extend(distribution.requires or ())


@pytest.fixture(scope="module")
def campfire(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, in an environment that holds the wheel and what it needs."""
    venv = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", venv)
    (packages,) = venv.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        (papers,) = (n for n in archive.namelist() if n.endswith("/METADATA"))
        asked = email.message_from_bytes(archive.read(papers))
    for distribution in needed(asked.get_all("Requires-Dist", [])):
        for file in distribution.files or ():
            if ".." not in file.parts and file.suffix != ".pyc":
                (packages / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(distribution.locate_file(file)), packages / file)
    # pip finds every requirement in place, or says which one is not.
    run(
        *(sys.executable, "-m", "pip", "--python", venv / "bin" / "python", "install"),
        *("--quiet", "--no-index", wheel),
    )
    return venv / "bin" / "campfire"


def test_the_wheel_holds_every_file_that_is_served(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        str(path.relative_to(ROOT))
        for pattern in ("templates/**/*", "static/**/*", "migrations/*", "**/*.py")
        for path in (ROOT / "campfire").glob(pattern)
        if path.is_file() and not path.name.startswith(".")
        if path.suffix != ".pyc"
    }
    for part in (
        "templates/",
        "static/vendor/",
        "static/sounds/",
        "static/compressed/",
    ):
        assert any(name.startswith(f"campfire/{part}") for name in wanted)
    assert wanted - held == set()
    assert "campfire/chat/passwords.txt" in held
    assert [name for name in held if name.startswith("tests")] == []


@pytest.fixture(scope="module")
def bundle(campfire: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `make bundle` makes it, of the packages that are installed already."""
    (packages,) = campfire.parent.parent.glob("lib/python*/site-packages")
    made = tmp_path_factory.mktemp("bundle") / "campfire.pyz"
    run(
        *(sys.executable, "-m", "shiv", "--console-script", "campfire"),
        *("--extend-pythonpath", "--site-packages", packages, "--output-file", made),
    )
    return made


@pytest.mark.parametrize("form", ["campfire", "bundle"])
def test_alone_it_serves_its_pages_and_their_files(
    form: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    program: Path = request.getfixturevalue(form)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [program, "serve", "--port", str(port), "--data", tmp_path / "data"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={"PATH": str(Path(sys.executable).parent), "SHIV_ROOT": str(tmp_path)},
    )
    assert server.stdout
    try:
        ready = (line for line in server.stdout if home in line)
        assert next(ready, None), "ended without saying where it serves"
        with urlopen(home) as page:
            text = page.read().decode()
        files = re.findall(r'(?:href|src)="(/static/[^"#]+)', text)
        assert any(file.endswith(".css") for file in files)
        hashed = next(file for file in files if file.endswith("/css/tokens.css"))
        files.append(urljoin(hashed, "../js/main.js"))
        files.append(urljoin(hashed, "../vendor/htmx.js"))
        for file in files:
            with urlopen(urljoin(home, file)) as answer:
                assert answer.status == 200
                assert answer.read()
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=30)
    assert server.returncode == 0
