"""The first use of a glossary's term on each page leads to the glossary, and has the definition as its title.

A term is found where it stands in a paragraph, in the singular or the plural or in another form that is listed here:
not in headings, code, links, formulas, captions, outputs or the answers of a question. The page's `tips.js` shows
titles to everyone; without scripts a browser shows them on hover.
"""

import functools
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ask import Tag
from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

GLOSSARY = "book/glossary"
TITLES = (nodes.title, nodes.caption, nodes.legend, nodes.thead)
SILENT = (*TITLES, nodes.literal, nodes.math, nodes.reference, nodes.citation, Tag)
FORMS = {
    "claim": r"(?<!to )[Cc]laims?",
    "cost": r"(?<=the )costs?|\Acost\Z",
    "discount factor, γ": r"[Dd]iscount(?:\s+factors?|ed|s)?",
    "doubly robust estimate": r"[Dd]oubly\s+robust(?:\s+estimates?)?",
    "freezing": r"[Ff]r(?:eez(?:es?|ing)|oze|ozen)",
    "limit": r"(?<=the )limit|\Alimit\Z",
    "overestimate": r"[Oo]verestimat(?:es?|ed|ion)|[Oo]ver-claim(?:s|ed|ing)?",
    "return": r"(?<!to )[Rr]eturn|(?<!and )(?<!nobody )returns|Returns",
    "state": r"(?<!to )[Ss]tate|(?<=the )states|(?<=visited )states",
    "sweep": r"[Ss]weeps?(?! the)",
    "sync": r"(?:[Tt]arget\s+s|[Ss])yncs?",
    "terminal and time-out": r"[Tt]erminal(?:\s+states?)?|[Tt]ime-outs?",
    "tried, untried": r"[Uu]ntried|(?:never|nobody(?:\s+ever)?)\s+tried|tried\s+actions?",
}
"""What matches a term where singular and plural are too little, or too much: who *states* something means no state."""


@dataclass(frozen=True)
class Entry:
    """A term of the glossary, where it stands there, and its definition."""

    term: str
    anchor: str
    definition: str


def pattern(term: str) -> str:
    """A regular expression that matches a term's names in running text; not a symbol of one letter."""
    return FORMS.get(term) or "|".join(inflected(name) for name in term.split(", ") if len(name) > 1)


def inflected(name: str) -> str:
    """A name at the head of a sentence or not, broken by a line or not, in the singular and the plural."""
    head = f"[{name[0].upper()}{name[0]}]" if name[1] == name[1].lower() else name[0]
    rest = re.escape(name[1:]).replace(r"\ ", r"\s+")
    return head + (f"{rest[:-1]}(?:y|ies)" if rest.endswith("y") else f"{rest}(?:e?s)?")


class FirstUses:
    """Splits the texts of one page, in their order, at each term's first use."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = sorted(entries, key=lambda entry: -len(entry.term))  # `target network` is no `target`
        names = "|".join(f"({pattern(entry.term)})" for entry in self.entries)
        self.names = re.compile(rf"(?<![\w-])(?:{names})(?![\w-])")
        self.used: set[Entry] = set()

    def split(self, text: str) -> Iterator[tuple[str, Entry | None]]:
        """Pieces of a text, with the entry of each piece that uses a term for the first time."""
        end = 0
        for match in self.names.finditer(text):
            entry = self.entries[(match.lastindex or 0) - 1]
            if entry not in self.used:
                self.used.add(entry)
                yield text[end : match.start()], None
                yield match[0], entry
                end = match.end()
        yield text[end:], None


@functools.lru_cache(maxsize=1)
def entries_of(env: Any, builder: Any) -> dict[str, Entry]:
    """Each entry of the book's glossary by its anchor."""
    found = {}
    for item in env.get_and_resolve_doctree(GLOSSARY, builder).findall(nodes.definition_list_item):
        term, definition = item[0], item[-1]
        words = " ".join(definition.astext().split())
        found[term["ids"][0]] = Entry(" ".join(term.astext().split()), term["ids"][0], words)
    return found


class Link(SphinxPostTransform):
    """Links first uses, and gives explicit links their title."""

    default_priority = 20  # once the explicit ones are resolved
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Runs once a page."""
        docname = self.env.docname
        if docname == GLOSSARY or GLOSSARY not in self.env.found_docs:
            return
        entries = entries_of(self.env, self.app.builder)
        first_uses = FirstUses(entries.values())
        join_lines(self.document)
        for node in list(self.document.findall()):
            if isinstance(node, nodes.reference) and (entry := entries.get(explicit_anchor(node))):
                first_uses.used.add(entry)
                describe(node, entry)
            elif isinstance(node, nodes.Text) and speaks(node):
                pieces = [
                    describe(make_refnode(self.app.builder, docname, GLOSSARY, entry.anchor, nodes.Text(words)), entry)
                    if entry
                    else nodes.Text(words)
                    for words, entry in first_uses.split(node.astext())
                ]
                node.parent.replace(node, pieces)


def join_lines(document: nodes.document) -> None:
    """Makes one text of the lines of a paragraph, which MyST keeps apart."""
    for element in list(document.findall(nodes.TextElement)):
        parts: list[nodes.Node] = []
        for are_texts, run in itertools.groupby(element.children, lambda child: isinstance(child, nodes.Text)):
            together = list(run)
            parts += [nodes.Text("".join(together))] if are_texts else together
        element[:] = parts


def explicit_anchor(node: nodes.reference) -> str:
    """Where a link made by the role `term` leads in the glossary; nothing for another link."""
    is_term = any("std-term" in child["classes"] for child in node.children if isinstance(child, nodes.Element))
    return str(node.get("refuri", "")).rpartition("#")[2] if is_term else ""


def describe(node: nodes.reference, entry: Entry) -> nodes.reference:
    """The link with the definition as its title."""
    node["reftitle"] = f"{entry.term}: {entry.definition}"
    node["classes"].append("term")
    return node


def speaks(text: nodes.Text) -> bool:
    """Whether a text is the book's own prose."""
    above, node = [], text.parent
    while node is not None:
        above.append(node)
        node = node.parent
    in_prose = any(isinstance(one, nodes.paragraph) for one in above)
    return in_prose and not any(isinstance(one, SILENT) or "nb_element" in one for one in above)


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls this once."""
    app.add_post_transform(Link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
