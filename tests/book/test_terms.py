"""Words that explain themselves: the first use of a term on a page is linked, nothing else is, and no term is idle."""

import io
import re
import sys

import pytest
from conftest import PAGES
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils
from test_chapters import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import terms

GLOSSARY = """# Glossary

```{glossary}
budget
  A bound on *harm*.

claim
  What is said; see {doc}`page`.

sweep
  Many at once.

target
  What a {term}`claim` moves towards.

target network
  A copy.

policy, P
  What is done.
```
"""
LINK = re.compile(
    r'<a class="term reference internal" href="glossary.html#term-([\w-]+)" title="([^"]*)">(.*?)</a>', re.S
)


def linked(folder, text):
    """What a page links to its glossary: the anchors, titles and words of its links, in their order."""
    (folder / "book").mkdir()
    (folder / "book" / "glossary.md").write_text(GLOSSARY)
    (folder / "book" / "page.md").write_text(f"# A page\n\n{text}\n")
    (folder / "index.md").write_text("# Index\n\n```{toctree}\nbook/glossary\nbook/page\n```\n")
    settings = {"extensions": ["myst_parser", "ask", "far_formulas", "terms"],
                "myst_enable_extensions": ["colon_fence", "dollarmath", "smartquotes"]}  # fmt: skip
    complaints, out = io.StringIO(), folder / "out"
    with patch_docutils(), docutils_namespace():
        Sphinx(folder, None, out, out, "html", settings, status=None, warning=complaints).build()
    assert complaints.getvalue() == ""
    assert "term reference" not in (out / "book" / "glossary.html").read_text()
    return LINK.findall((out / "book" / "page.html").read_text())


def test_the_first_use_is_linked_with_its_definition_and_a_later_one_is_not(tmp_path):
    assert linked(tmp_path, "Keep a **budget**. Any budget; two budgets.") == [
        ("budget", "budget: A bound on harm.", "budget")
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Policies first, then a policy.", ["Policies"]),
        ("The budget’s end, and budgets.", ["budget"]),
        ("A target\nnetwork lags; a target does not; target networks.", ["target\nnetwork", "target"]),
        ("*Claims* differ.", ["Claims"]),
        ("- a list with a claim\n\n> and a quoted budget", ["claim", "budget"]),
    ],
    ids=["plural at the head", "genitive", "the longer of two", "in emphasis", "in lists and quotations"],
)
def test_a_term_is_found_as_it_is_inflected_and_broken(tmp_path, text, words):
    assert [word for _, _, word in linked(tmp_path, text)] == words


@pytest.mark.parametrize(
    "text",
    [
        "## A budget for claims",
        "The `budget`, the $budget$, the [budget](glossary.md) and ``policy``.",
        "```python\nbudget = policy\n```",
        "$$budget$$",
        "A low-budget policymaker; P.",
        "| budget | claim |\n|---|---|\n| 1 | 2 |",
        "```{figure} https://example.org/x.png\nA budget and a policy.\n```",
        ":::{ask} A budget?\n- [x] a claim\n\n  A policy.\n- [ ] b\n\n  No.\n- [ ] c\n\n  No.\n:::",
        "Somebody wants to claim it. Sweep the floor.",
    ],
    ids=["heading", "code and links", "block of code", "formula", "part of a word, symbol", "head of a table",
         "caption", "question", "not the term"],
)  # fmt: skip
def test_nothing_else_is_linked(tmp_path, text):
    assert linked(tmp_path, text) == []


def test_an_explicit_link_stays_gets_its_title_and_is_the_first_use(tmp_path):
    found = linked(tmp_path, "What it {term}`says <claim>` is a claim.")
    assert [(anchor, title) for anchor, title, _ in found] == [("claim", "claim: What is said; see A page.")]
    assert re.sub("<[^>]*>", "", found[0][2]) == "says"


def test_a_formula_of_another_page_is_carried_hidden_by_the_page_that_refers_to_it(tmp_path):
    (tmp_path / "far.md").write_text("---\norphan: true\n---\n# Far\n\n$$E = mc^2$$ (eq-far)\n\n$$x$$ (eq-alone)\n")
    linked(tmp_path, "By {eq}`eq-far` and {eq}`eq-near`.\n\n$$y$$ (eq-near)")
    page = (tmp_path / "out" / "book" / "page.html").read_text()
    (copy,) = re.findall(r'<div hidden id="preview-([\w-]+)">(.*?)</div>', page, re.S)
    assert copy[0] == "equation-eq-far"
    assert "<p>Far</p>" in copy[1]
    assert "E = mc^2" in copy[1]
    assert "eqno" not in copy[1]


built = pytest.mark.skipif(not PAGES.exists(), reason="the book is not built: run the README's first command")


def glossary():
    """Anchor → definition in the built glossary."""
    page = (PAGES / "book" / "glossary.html").read_text()
    return dict(re.findall(r'<dt id="term-([\w-]+)">.*?</dt><dd>(.*?)</dd>', page, re.S))


@built
def test_every_form_belongs_to_a_term_and_every_term_is_used_by_a_page():
    used = {anchor for path in PAGES.glob("book/*.html") for anchor, _, _ in LINK.findall(path.read_text())}
    assert set(glossary()) == used
    source = (ROOT / "book" / "glossary.md").read_text()
    assert all(re.search(rf"^{term}$", source, re.M) for term in terms.FORMS)


@built
def test_a_definition_has_no_formula_for_a_title_is_plain_text():
    assert [anchor for anchor, definition in glossary().items() if 'class="math' in definition] == []


@built
@pytest.mark.parametrize("path", sorted(PAGES.glob("book/*.html")), ids=lambda p: p.stem)
def test_a_page_links_a_term_once_of_its_own_accord(path):
    automatic = [anchor for anchor, _, words in LINK.findall(path.read_text()) if "std-term" not in words]
    assert len(automatic) == len(set(automatic))
    assert (automatic == []) == (path.stem in ("bibliography", "glossary"))
