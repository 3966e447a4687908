"""How much is there to read? Words of each main line and of what lies deeper, and how thick the numbers stand.

python book/words.py    # a table, one row a chapter; of the built book, so that computed numbers count as they read

The main line is the prose of a chapter: neither code, formulas on lines of their own, tables, exercises, margin notes
nor what stands under its heading "Deeper". Bets are counted apart: of their reasons a reader sees the one that answers
him. Of a book that is not built each computed number counts as one.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

BOOK = Path(__file__).parent
CHAPTERS = sorted(BOOK.glob("[01]*_*.md"))
EXERCISES = re.compile(r"^`{3,}\{exercise-start\}.*?\{solution-end\}\n`{3,}", re.S | re.M)
FENCED = re.compile(r"^(`{3,}|:{3,}).*?^\1$", re.S | re.M)
FORMULA = re.compile(r"^\$\$.*?^\$\$", re.S | re.M)
ASK = re.compile(r"^:::\{ask\} ([^\n]+)\n(.*?)^:::$", re.S | re.M)
ANSWER = re.compile(r"^- \[([ x])\] (.+)\n\n((?:  .+\n|\n(?=  ))+)", re.M)
LINE = re.compile(r"^(?:\||\(.*\)=$|# ).*$|^#+ ", re.M)  # a row of a table, a label, the title; marks of headings
GLUED = re.compile(r"\{glue:text\}`([^`:]+)(?::[^`]*)?`")
SILENT = re.compile(  # titles of pages, sources, code, symbols, and what a number only names: weight 6, log 100
    r"\{[\w:]+\}`[^`]*`|`[^`]+`|\$[^$\n]+\$|Theorems? \d\.\d"
    r"|\b(?:[Ww]eights?|[Ll]ogs?|seeds?|[Cc]ell|worst) \(?\d[\d.]*(?:(?:,|–| to| and| or|, and|, or) ?\d[\d.]*)*"
)
NUMBER = re.compile(r"(?<![\w.,])[−+-]?\d[\d.,]*")


@dataclass(frozen=True)
class Reading:
    """Prose of one part of a chapter, as it reads."""

    paragraphs: tuple[str, ...]

    @property
    def words(self) -> int:
        """All of them."""
        return sum(map(length, self.paragraphs))

    @property
    def numbers_per_hundred_words(self) -> float:
        """Numbers written in digits; not those that are names, as in weight 6."""
        found = sum(len(NUMBER.findall(SILENT.sub("x", paragraph))) for paragraph in self.paragraphs)
        return 100 * found / max(self.words, 1)


@dataclass(frozen=True)
class Bet:
    """A question, and of each answer whether it is right, its words and its reason."""

    question: str
    answers: tuple[tuple[bool, str, str], ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """All that a reader could see of it."""
        return self.question, *(text for _, *told in self.answers for text in told)


def bets(source: str) -> list[Bet]:
    """The asks of a page's source, in their order."""
    return [
        Bet(question, tuple((mark == "x", words, reason.strip()) for mark, words, reason in ANSWER.findall(body)))
        for question, body in ASK.findall(source)
    ]


def length(paragraph: str) -> int:
    """Words of a paragraph."""
    return len(SILENT.sub("x", paragraph).split())


def readings(source: str, glued: Mapping[str, str] | None = None) -> tuple[Reading, Reading]:
    """Main line and deeper part of a chapter's source, with the values that its cells computed."""
    prose = source.split("\n---\n", 1)[1]
    for left_out in (EXERCISES, FENCED, FORMULA):
        prose = left_out.sub("", prose)
    prose = GLUED.sub(lambda role: (glued or {}).get(role[1], "0"), prose)
    parts: tuple[list[str], list[str]] = ([], [])
    for part in re.split(r"^(?=## )", prose, flags=re.M):
        parts[part.startswith("## Deeper\n")].append(LINE.sub("", part))
    main, deep = (
        Reading(tuple(p for p in re.split(r"\n\s*\n|\n(?=- |\d\. )", "".join(of)) if p.strip())) for of in parts
    )
    return main, deep


def glued_values(page: str) -> dict[str, str]:
    """What the cells of a built page computed for its text; nothing where the book is not built."""
    path = BOOK.parent / "_build" / "jupyter_execute" / "book" / f"{page}.glue.json"
    told = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {name: output["data"]["text/plain"].strip("'") for name, output in told.items()}


def main() -> None:
    """Prints the table."""
    rows = []
    for path in CHAPTERS:
        line, deep = readings(path.read_text(), glued_values(path.stem))
        longest = max(map(length, line.paragraphs))
        asked = sum(length(text) for bet in bets(path.read_text()) for text in bet.texts)
        rows.append((path.stem, line.words, f"{line.numbers_per_hundred_words:.1f}", longest, deep.words, asked))
    print(tabulate(rows, ("chapter", "main line", "numbers a hundred words", "longest paragraph", "deeper", "bets")))


if __name__ == "__main__":
    main()
