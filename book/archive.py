"""Packs the built book into one file that needs no server: unpack it, then open index.html.

python book/archive.py [ARCHIVE]  # _build/safegrid-book.zip, where no name is given

From a file a browser runs scripts, but fetches neither modules nor other pages. So the pages in the archive announce no
modules, and their search shows titles without a line of what was found. All else is the book as it is served. The same
book gives the same bytes.
"""

import re
import sys
import zipfile
from pathlib import Path

BUILT = Path(__file__).parents[1] / "_build" / "html"
HOME = "safegrid-book"
"""The one folder that an archive unpacks to."""
MODULE = re.compile(rb'\n<link rel="modulepreload"[^>]*>')


def unserved(name: str, content: bytes) -> bytes:
    """A file of the book as it is where nobody serves it."""
    if name.endswith(".html"):
        return MODULE.sub(b"", content)
    if name == "_static/documentation_options.js":
        return content.replace(b"SHOW_SEARCH_SUMMARY: true", b"SHOW_SEARCH_SUMMARY: false")
    return content


def pack(built: Path, archive: Path) -> None:
    """Writes a built book into an archive, or leaves what was there before."""
    unfinished = archive.with_name(f"{archive.name}.unfinished")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as files:
        for path in sorted(path for path in built.rglob("*") if path.is_file()):
            name = path.relative_to(built).as_posix()
            entry = zipfile.ZipInfo(f"{HOME}/{name}")  # without the file's date
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            files.writestr(entry, unserved(name, path.read_bytes()), compresslevel=9)
    unfinished.replace(archive)


if __name__ == "__main__":
    if not (BUILT / "index.html").exists():
        sys.exit(f"{BUILT} has no index.html: build the book first, as the README says")
    target = Path(*sys.argv[1:2] or [BUILT.parent / f"{HOME}.zip"])
    pack(BUILT, target)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB. Unpack it, then open {HOME}/index.html")
