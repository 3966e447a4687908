"""The page's modules as one text: for anywidget, which takes one, and for pages opened from a file, where none runs.

A built page that is served gets them as they are.
"""

import re
from collections.abc import Iterator
from pathlib import Path

MODULES = Path(__file__).parent / "js"

_IMPORT = re.compile(r'^import \{ \w+(?:, \w+)* \} from "\./(\w+\.js)";\n', re.M)
_EXPORT = re.compile(r"^export (?=async|function|const|let|class)", re.M)
_DEFAULT = "export default { render };\n"
_DECLARED = re.compile(r"^(?:export )?(?:async )?(?:function\*?|const|let|class) (\w+)", re.M)


class ModuleError(ValueError):
    """Modules that cannot be joined; names them and says why."""


def ordered(entry: str, folder: Path = MODULES) -> list[str]:
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


def joined(entry: str, folder: Path = MODULES) -> str:
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


def entries(folder: Path = MODULES) -> list[str]:
    """The modules that a page asks for by name."""
    return sorted(path.name for path in folder.glob("*.js") if path.read_text(encoding="utf-8").endswith(_DEFAULT))


def classic(entry: str, folder: Path = MODULES) -> str:
    """What `joined` gives, as a script of the old kind.

    It leaves what the entry exports at the element that loads it, as `module`, and no name anywhere else.
    """
    text = joined(entry, folder).removesuffix(_DEFAULT)
    return f'(() => {{\n"use strict";\n{text}document.currentScript.module = {{ render }};\n}})();\n'
