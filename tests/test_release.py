"""What a release says of itself and carries."""

import re
from pathlib import Path

import yaml
from archive import BUILT, HOME

import safegrid

ROOT = Path(__file__).parents[1]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "book.yml").read_text())
STEPS = {name: job["steps"] for name, job in WORKFLOW["jobs"].items()}
FIELDS = {
    "abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi", "identifiers", "keywords",
    "license", "license-url", "message", "preferred-citation", "references", "repository", "repository-artifact",
    "repository-code", "title", "type", "url", "version",
}  # fmt: skip
"""All that version 1.2.0 of the Citation File Format knows."""


def test_the_citation_is_one_that_readers_of_citations_accept():
    assert set(CITATION) <= FIELDS
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["type"] == "software"
    for field in ("message", "title", "abstract"):
        assert len(CITATION[field]) > 20
    assert all(isinstance(word, str) for word in CITATION["keywords"])
    assert all(set(author) == {"name"} for author in CITATION["authors"])  # an entity, not a person


def test_the_citation_says_what_the_book_and_the_package_say():
    book = yaml.safe_load((ROOT / "_config.yml").read_text())
    assert [author["name"] for author in CITATION["authors"]] == [book["author"]]
    assert CITATION["repository-code"] == book["repository"]["url"]
    assert str(CITATION["version"]) == safegrid.__version__
    assert f'license = "{CITATION["license"]}"' in (ROOT / "pyproject.toml").read_text()


def test_a_tag_s_release_gets_the_archive_that_the_checked_book_was_packed_into():
    assert WORKFLOW[True]["push"]["tags"] == ["v*"]  # YAML reads `on` as true
    runs = [step.get("run", "") for step in STEPS["check"]]
    assert runs.index("bash .ci/run") < runs.index("python book/archive.py")
    (kept,) = (step["with"] for step in STEPS["check"] if "upload-artifact@" in step.get("uses", ""))
    assert ROOT / kept["path"] == BUILT.parent / f"{HOME}.zip"
    release = WORKFLOW["jobs"]["release"]
    assert (release["if"], release["needs"]) == ("startsWith(github.ref, 'refs/tags/v')", "check")
    assert STEPS["release"][0]["with"]["name"] == kept["name"]
    assert f'gh release upload "$TAG" {HOME}.zip' in STEPS["release"][1]["run"]


def test_every_action_of_the_workflow_is_pinned_to_a_commit():
    used = [step["uses"] for steps in STEPS.values() for step in steps if "uses" in step]
    assert used
    assert [name for name in used if not re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", name)] == []
