"""What the code cells of a chapter take from each other: which draw, and which give a reader nothing but a drawing."""

import ast
import re
from dataclasses import dataclass

CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", re.S | re.M)
HEAD = re.compile(r"---\n(.*?)---\n|((?::[^\n]*\n)+)|", re.S)
DRAWS = re.compile(r"\bsg\.plot_\w+\(|\bplt\.\w+\(|\bax\w*(?:\[\w+\])?\.(?:plot|bar|hist)\(")


@dataclass(frozen=True)
class Cell:
    """One code cell: its metadata as text, its code, and the names that it needs from before and binds itself."""

    head: str
    code: str
    needs: frozenset[str]
    binds: frozenset[str]

    @property
    def lines(self):
        return [line for line in self.code.splitlines() if line.strip()]

    @property
    def draws(self):
        return bool(DRAWS.search(self.code)) and "remove-" not in self.head

    @property
    def seen(self):
        """Whether its code stands open on the page."""
        return not re.search(r"remove-cell|hide-input", self.head)


def cells(source):
    """The cells of a chapter's source, in their order."""
    return [cell(text) for text in CELL.findall(source)]


def cell(text):
    head = HEAD.match(text)
    code = text[head.end() :]
    tree = ast.parse(re.sub(r"^( *)[%!].*$", r"\1pass", code, flags=re.M))
    needs, binds = flow(tree.body, set())
    imported = {(one.asname or one.name).split(".")[0] for node in ast.walk(tree)
                if isinstance(node, ast.Import | ast.ImportFrom) for one in node.names}  # fmt: skip
    return Cell(head[0], code, frozenset(needs), frozenset(binds - imported))


def gives(all_cells, place):
    """What a cell binds that a later one, whose code stands open, needs before anything binds it anew."""
    live, given = set(all_cells[place].binds), set()
    for later in all_cells[place + 1 :]:
        if later.seen:
            given |= live & later.needs
        live -= later.binds
    return given


def flow(statements, bound):
    """Names that statements need from before them, and all that are bound after them."""
    needs, bound = set(), set(bound)
    for one in statements:
        inner = [getattr(one, part, []) for part in ("body", "orelse", "finalbody")]
        if isinstance(one, ast.For | ast.While | ast.If | ast.With | ast.Try):
            heads = [child for child in ast.iter_child_nodes(one) if not isinstance(child, ast.stmt)]
            needs |= set().union(*map(loads, heads)) - bound
            bound |= set().union(*map(stores, heads))
            for part in (*inner, *(handler.body for handler in getattr(one, "handlers", []))):
                more, bound = flow(part, bound)
                needs |= more
        else:
            needs |= loads(one) - bound
            bound |= stores(one)
    return needs, bound


def stores(node):
    """Names that a statement binds for those after it; not those inside functions and comprehensions."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(one.asname or one.name).split(".")[0] for one in node.names}
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp | ast.Lambda):
        return set()
    here = {node.id} if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else set()
    return here.union(*map(stores, ast.iter_child_nodes(node)))


def loads(node):
    """Names that a node reads and does not bind itself."""
    names = [one for one in ast.walk(node) if isinstance(one, ast.Name)]
    own = set()
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp | ast.FunctionDef | ast.Lambda):
        own = {one.id for one in names if isinstance(one.ctx, ast.Store)} | {one.arg for one in ast.walk(node)
                                                                          if isinstance(one, ast.arg)}  # fmt: skip
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Load) else set()
    return set().union(*map(loads, ast.iter_child_nodes(node))) - own
