"""A bet before the answer is seen: one question, three or four answers, and a reason for each of them.

    :::{ask} How often does it crash?
    - [ ] Never.

      What follows when somebody bets on this.
    - [x] Always.

      And on this, which is right.
    - [ ] As often as its teacher.

      And on this.

    :::

On a page the answers are radio buttons, and CSS shows the reason of the one that is chosen; no script. The reasons
stand together in a live region, so that a screen reader says what appears. On paper all of them are printed, below
the answers. A notebook shows the source, which Markdown reads as a list of tasks; the empty line before the end keeps
the last reason apart from it.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

MARK = re.compile(r"\[([ x])\]\s+")
VERDICTS = {"right": "✓ Right.", "wrong": "✗ No."}


class Tag(nodes.General, nodes.TextElement):
    """One element of HTML, with what it holds."""


def tag(name: str, attributes: dict[str, str], *inside: nodes.Node) -> Tag:
    """A Tag of this name, around these nodes."""
    return Tag("", "", *inside, tag=name, attributes=attributes)


def open_tag(translator: Any, node: Tag) -> None:
    """Writes the opening tag."""
    translator.body.append(translator.starttag(node, node["tag"], "", **node["attributes"]))


def close_tag(translator: Any, node: Tag) -> None:
    """Writes the closing tag."""
    translator.body.append(f"</{node['tag']}>\n")


class Ask(SphinxDirective):
    """The directive. Its argument is the question, its body a list of answers."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """The question as nodes, or an error at its line."""
        question, complaints = self.parse_inline(self.arguments[0])
        answers = [self.answer(item) for item in self.items()]
        right = [verdict for verdict, _, _ in answers].count("right")
        if right != 1:
            raise self.error(f"an ask has exactly one right answer, marked [x]; this one has {right}")
        group = f"ask-{self.env.new_serialno('ask')}"
        button = nodes.raw("", f'<input type="radio" name="{group}">', format="html")
        labels = [tag("label", {}, button.deepcopy(), *words) for _, words, _ in answers]
        reasons = [tag("div", {"class": f"ask-reason {verdict}"}, *reason) for verdict, _, reason in answers]
        parts = (
            tag("legend", {}, *question),
            tag("div", {"class": "ask-answers"}, *labels),
            tag("div", {"class": "ask-reasons", "aria-live": "polite"}, *reasons),
        )
        return [tag("fieldset", {"class": "ask"}, *parts), *complaints]

    def items(self) -> list[nodes.Node]:
        """The items of the list that the body must be."""
        body = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, body)
        if [type(part) for part in body] != [nodes.bullet_list]:
            raise self.error("the body of an ask is one list of answers, each - [ ] or - [x], and nothing else")
        if len(body[0]) not in (3, 4):
            raise self.error(f"an ask has three or four answers; this one has {len(body[0])}")
        return body[0].children

    def answer(self, item: nodes.Node) -> tuple[str, list[nodes.Node], list[nodes.Node]]:
        """Verdict, words and reason of one answer."""
        words, *reason = item.children or [nodes.paragraph()]
        mark = MARK.match(words.astext())
        if not mark or not isinstance(words[0], nodes.Text):
            raise self.error(f"an answer begins with [ ] or [x] and a space; this one is {words.astext()!r}")
        if not reason or not isinstance(reason[0], nodes.paragraph):
            raise self.error(f"an answer has a reason, a paragraph of its own below it; {words.astext()!r} has none")
        words[0] = nodes.Text(words[0][mark.end() :])
        verdict = "right" if mark[1] == "x" else "wrong"
        reason[0][:0] = [nodes.strong("", VERDICTS[verdict]), nodes.Text(" ")]
        return verdict, words.children, reason


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls this once."""
    app.add_node(Tag, html=(open_tag, close_tag))
    app.add_directive("ask", Ask)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
