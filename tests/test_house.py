"""What a machine can hold us to.

The rules that `docs/architecture.md` states and no other tool checks: where SQL may
stand, who writes a table, what mirrors what, and that the papers keep up with the
code. A rule that should not hold somewhere is argued here, in one line.
"""

import ast
import configparser
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from campfire.config import PREFIX, Config

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "campfire"
TESTS = ROOT / "tests"
DECISIONS = ROOT / "docs" / "decisions"

# Modules of chat/, live/, outside/ and web/ without a test file of their own, and why.
NO_MIRROR = {
    "web/keys.py": "names and types, and nothing that could go wrong",
}

# What makes a statement, so that prose with the word "select" is none.
STATEMENT = re.compile(
    r"\bSELECT\b.+\bFROM\b|\bINSERT\s+(OR\s+\w+\s+)?INTO\b|\bREPLACE\s+INTO\b"
    r"|\bUPDATE\s+\w+\s+SET\b|\bDELETE\s+FROM\b|\bPRAGMA\s+\w+",
    re.IGNORECASE | re.DOTALL,
)
WRITTEN = re.compile(
    r"\b(?:INSERT\s+(?:OR\s+\w+\s+)?INTO|REPLACE\s+INTO"
    r"|UPDATE(?:\s+OR\s+\w+)?(?=\s+\w+\s+SET\b)|DELETE\s+FROM)\s+(\w+)",
    re.IGNORECASE,
)
CREATED = re.compile(r"^CREATE (?:VIRTUAL )?TABLE (\w+)", re.MULTILINE)

# Names that say how proud we are, or nothing, instead of what a thing is.
EMPTY_NAMES = re.compile(
    r"Manager|Service|Helper|Util|Abstract|Impl(?![a-z])|Factory"
    r"|Cached|Optimi[sz]ed|Enhanced|Smart|Improved|Advanced"
)
EMPTY_MODULES = {"utils", "util", "helpers", "common", "core", "misc", "base", "lib"}
# Taken apart, or this file would find itself.
PROMISES = re.compile(
    r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b"
    r"|\bfor " + r"now\b|\bnot " + r"implemented\b|\bcoming " + r"soon\b"
    r"|\bin a real (app|implementation)\b",
    re.IGNORECASE,
)


def modules(*folders: str) -> list[Path]:
    """Every Python file of the package, or of some of its folders."""
    roots = [PACKAGE / folder for folder in folders] or [PACKAGE]
    return sorted(path for root in roots for path in root.rglob("*.py"))


def nouns(*folders: str) -> list[Path]:
    return [path for path in modules(*folders) if path.name != "__init__.py"]


def named(paths: Iterable[Path]) -> list[object]:
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in paths]


def ours(*patterns: str) -> list[Path]:
    """Files of the package that we wrote: nothing copied, nothing compressed."""
    return sorted(
        path
        for pattern in patterns
        for path in PACKAGE.rglob(pattern)
        if not {"vendor", "compressed"} & set(path.relative_to(PACKAGE).parts)
    )


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def texts(tree: ast.AST) -> Iterator[str]:
    """Every string of the code but its docstrings; an f-string with its gaps."""
    prose = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(
            node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        )
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    inside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside.update(node.values)
            yield " gap ".join(
                part.value
                for part in node.values
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node not in prose
            and node not in inside
        ):
            yield node.value


def tables() -> set[str]:
    return {
        table
        for script in (PACKAGE / "migrations").glob("*.sql")
        for table in CREATED.findall(script.read_text(encoding="utf-8"))
    }


# Every file says what it is


@pytest.mark.parametrize("path", named(modules()))
def test_a_module_opens_with_what_it_owns(path: Path) -> None:
    docstring = ast.get_docstring(parsed(path))
    assert docstring, "opens without a docstring"
    assert docstring.rstrip().endswith("."), "a docstring is whole sentences"


@pytest.mark.parametrize(
    "path", named(ours("*.html", "static/**/*.js", "static/**/*.css", "*.sql"))
)
def test_a_file_opens_with_a_comment(path: Path) -> None:
    start = path.read_text(encoding="utf-8").lstrip()
    assert start.startswith(
        {".html": "{#", ".sql": "--"}.get(path.suffix, ("/*", "//"))
    )


# Names


@pytest.mark.parametrize("path", named(modules()))
def test_a_name_says_what_a_thing_is(path: Path) -> None:
    assert path.stem not in EMPTY_MODULES
    proud = [
        node.name
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if EMPTY_NAMES.search(node.name)
    ]
    assert proud == []


@pytest.mark.parametrize(
    "path",
    named(
        [
            *modules(),
            *ours("*.html", "static/**/*.js", "static/**/*.css", "*.sql"),
            *sorted(TESTS.rglob("*.py")),
            *sorted(ROOT.glob("*.md")),
            *sorted((ROOT / "docs").rglob("*.md")),
            ROOT / "Makefile",
            ROOT / "setup.cfg",
        ]
    ),
)
def test_nothing_is_promised_in_place_of_being_done(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [found.group() for found in PROMISES.finditer(text)] == []


# Floors


@pytest.mark.parametrize("path", named(modules("web", "live", "outside")))
def test_sql_does_not_stand_on_the_event_loop(path: Path) -> None:
    assert [text for text in texts(parsed(path)) if STATEMENT.search(text)] == []


def test_the_search_for_sql_finds_it_where_it_stands() -> None:
    found = [
        path
        for path in modules("chat")
        if any(map(STATEMENT.search, texts(parsed(path))))
    ]
    assert found, "without a statement in chat/ its absence elsewhere means nothing"


def test_a_table_is_written_by_one_module() -> None:
    writers: dict[str, set[str]] = defaultdict(set)
    for path in modules():
        for text in texts(parsed(path)):
            for table in WRITTEN.findall(text):
                writers[table.lower()].add(str(path.relative_to(PACKAGE)))
    assert {"users", "rooms", "messages"} <= writers.keys()
    assert {
        table: sorted(modules) for table, modules in writers.items() if len(modules) > 1
    } == {}
    assert {
        (table, module)
        for table, modules in writers.items()
        for module in modules
        if not module.startswith("chat/")
    } == set()
    assert writers.keys() <= tables(), "a table that no migration makes"


def test_only_the_front_door_reads_the_environment() -> None:
    readers = {
        path.name
        for path in modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }
    assert readers
    assert readers <= {"__main__.py", "config.py"}


# Events


def announced(path: Path) -> Iterator[str]:
    """Classes of this module that it hands to `tx.announce`."""
    for node in ast.walk(parsed(path)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "announce"
            and isinstance(node.args[0], ast.Call)
            and isinstance(node.args[0].func, ast.Name)
        ):
            yield node.args[0].func.id


def event_names(path: Path) -> dict[str, str]:
    """Each class of the module that carries a `name`, and the name."""
    return {
        owner.name: statement.value.value
        for owner in ast.walk(parsed(path))
        if isinstance(owner, ast.ClassDef)
        for statement in owner.body
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and statement.target.id == "name"
        and "ClassVar" in ast.unparse(statement.annotation)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    }


@pytest.mark.parametrize("path", named(nouns("chat")))
def test_an_event_says_its_name(path: Path) -> None:
    names = event_names(path)
    assert set(announced(path)) <= names.keys(), "announced without a name"
    for event, name in names.items():
        assert re.fullmatch(r"[a-z]+\.[a-z]+", name), f"{event}: noun.verb"


def test_no_two_events_share_a_name() -> None:
    names = [name for path in nouns("chat") for name in event_names(path).values()]
    assert names
    assert sorted(names) == sorted(set(names))


# Mirrors


@pytest.mark.parametrize("path", named(nouns("chat", "live", "outside", "web")))
def test_a_module_has_its_tests(path: Path) -> None:
    within = path.relative_to(PACKAGE)
    mirror = TESTS / within.with_name(f"test_{within.name}")
    if str(within) in NO_MIRROR:
        assert not mirror.exists(), "has tests now: take it off the list"
    else:
        assert mirror.exists(), f"{mirror.relative_to(ROOT)} is missing"


def test_the_list_of_exceptions_names_modules_that_exist() -> None:
    assert [name for name in NO_MIRROR if not (PACKAGE / name).exists()] == []


# Templates and scripts


@pytest.mark.parametrize("path", named(ours("*.html")))
def test_a_template_escapes_everything(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\|\s*safe\b|\bautoescape\b", text)


@pytest.mark.parametrize("path", named(ours("*.html")))
def test_a_template_holds_nothing_that_the_content_policy_forbids(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not re.search(r"<style\b|\sstyle=|\son[a-z]+=|javascript:", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)


# Papers


def test_decisions_are_numbered_without_holes() -> None:
    numbers = [int(path.name[:4]) for path in sorted(DECISIONS.iterdir())]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("path", named(sorted(DECISIONS.iterdir())))
def test_a_decision_has_the_four_headings(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.match(rf"# {int(path.name[:4])}\. ", text)
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == ["Status", "Context", "Decision", "Consequences"]


def test_every_fault_in_the_log_is_explained() -> None:
    paper = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    said = {
        str(node.args[0].value)
        for path in modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr)
        in {("log", "warning"), ("log", "error"), ("log", "exception")}
        and isinstance(node.args[0], ast.Constant)
    }
    assert "commit failed" in said
    assert sorted(fault for fault in said if f"`{fault}`" not in paper) == []


def test_every_part_that_may_be_ill_is_explained() -> None:
    paper = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    text = (PACKAGE / "web" / "readiness.py").read_text(encoding="utf-8")
    parts = re.findall(r'^ +"(\w+)": ', text, re.MULTILINE)
    assert "disk" in parts
    assert [part for part in parts if f"`{part}`" not in paper] == []


def settings() -> set[str]:
    """Names of the variables that an operator may set."""
    return {
        PREFIX + field.name.upper()
        for field in fields(Config)
        if "about" in field.metadata
    }


def test_every_setting_is_explained() -> None:
    papers = "".join(
        path.read_text(encoding="utf-8")
        for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    )
    assert "CAMPFIRE_ORIGIN" in settings()
    assert {setting for setting in settings() if f"`{setting}`" not in papers} == set()


def test_papers_name_no_setting_that_does_not_exist() -> None:
    papers = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for path in [*papers, ROOT / "campfire.service"]:
        named_there = re.findall(r"CAMPFIRE_[A-Z_]+[A-Z]", path.read_text("utf-8"))
        assert set(named_there) <= settings(), path.name


@pytest.mark.parametrize(
    "path", named([*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))])
)
def test_a_paper_points_at_what_exists(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_plan_of_the_house_shows_every_module() -> None:
    plan = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| `((?!campfire/)[\w/]+\.py)` \|", plan, re.MULTILINE)
    assert sorted(shown) == sorted(str(path.relative_to(PACKAGE)) for path in nouns())


# Dependencies


def requirements() -> set[str]:
    """Names of everything that setup.cfg asks pip for."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    wanted = setup["options"]["install_requires"]
    wanted += setup["options.extras_require"]["dev"]
    return {re.split(r"[\s\[<>=]", line)[0] for line in wanted.split("\n") if line}


def packages() -> dict[str, str]:
    """Names and versions of everything that package.json asks npm for."""
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    return {**wanted["dependencies"], **wanted["devDependencies"]}


def test_every_dependency_is_argued_in_one_line() -> None:
    text = (DECISIONS / "0008-dependencies.md").read_text(encoding="utf-8")
    argued = set(re.findall(r"^- `([^`]+)`: .", text, re.MULTILINE))
    assert argued == requirements() | packages().keys()


def test_every_dependency_has_an_exact_version() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []
    pinned = {pin.split("==")[0].lower() for pin in pins}
    assert {name for name in requirements() if name.lower() not in pinned} == set()
    assert [
        v for v in packages().values() if not re.fullmatch(r"\d+\.\d+\.\d+", v)
    ] == []


def test_the_lock_names_no_registry() -> None:
    assert "://" not in re.sub(
        r'"funding": \{.*?\}|"url": "[^"]*"',
        "",
        (ROOT / "package-lock.json").read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )


def test_nothing_copied_is_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "/campfire/static/vendor/" in ignored
    assert "/campfire/static/sounds/" in ignored
    assert "/campfire/static/compressed/" in ignored
    assert "/campfire/chat/passwords.txt" in ignored
    assert [path for path in ours("*") if ".min." in path.name] == []
