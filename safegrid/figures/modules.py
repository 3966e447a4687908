"""The page's modules as one text, for anywidget, which takes one; a built page is served them as they are."""

import re
from collections.abc import Iterator
from pathlib import Path

MODULES = Path(__file__).parent / "js"

_IMPORT = re.compile(r'^import \{ \w+(?:, \w+)* \} from "\./(\w+\.js)";\n', re.M)
_EXPORT = re.compile(r"^export (?=async|function|const|let|class)", re.M)
_DECLARED = re.compile(r"^(?:export )?(?:async )?(?:function\*?|const|let|class) (\w+)", re.M)


class ModuleError(ValueError):
    """Modules that cannot be joined; names them and says why."""


def ordered(entry: str = "render.js", folder: Path = MODULES) -> list[str]:
    """The entry and every module it needs, each after those that it needs itself.

    Raises:
        ModuleError: modules that need each other.
    """

    def visit(name: str, above: tuple[str, ...]) -> Iterator[str]:
        if name in above:
            raise ModuleError(f"modules need each other: {' → '.join((*above, name))}")
        for needed in _IMPORT.findall((folder / name).read_text(encoding="utf-8")):
            yield from visit(needed, (*above, name))
        yield name

    return list(dict.fromkeys(visit(entry, ())))


def joined(entry: str = "render.js", folder: Path = MODULES) -> str:
    """One module that does what the entry does: its modules in order, without their imports and exports.

    Raises:
        ModuleError: two modules that declare the same name, modules that need each other, or an import or export that
            is more than names in braces.
    """
    texts, home = [], dict[str, str]()
    for name in ordered(entry, folder):
        text = _IMPORT.sub("", (folder / name).read_text(encoding="utf-8"))
        for declared in _DECLARED.findall(text):
            if home.setdefault(declared, name) != name:
                raise ModuleError(f"{name} and {home[declared]} both declare {declared}, expected different names")
        text = _EXPORT.sub("", text)
        if odd := re.search(r"^(?:import|export (?!default \{ render \};$)).*", text, re.M):
            raise ModuleError(f"{name} has {odd[0]!r}, expected names in braces and no other default than the entry's")
        texts.append(text)
    return "\n".join(texts)
