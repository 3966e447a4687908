"""Pages that load nothing from elsewhere and run no script but their own: the last hand on the built HTML.

Each page gets a Content-Security-Policy in a <meta>, so that it holds on any host. Inline scripts are allowed by their
hash, and so are the theme's two `onclick` attributes ('unsafe-hashes'). Inline `style` attributes are allowed
(tables and the theme have some; they can run nothing), inline <style> elements only by hash. Widget state loses the
copies of code and style that anywidget puts there: the page's runtime never runs text from the state. The theme's
second copy of its icons, a script of half a megabyte beside the fonts, is left out. Computed numbers in the text get a
true minus sign.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

STATE = re.compile(r'(<script type="application/vnd\.jupyter\.widget-state\+json">)(.*?)(</script>)', re.S)
INLINE = {
    "script": re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*\btype=\"application/)[^>]*>(.*?)</script>", re.S),
    "style": re.compile(r"<style[^>]*>(.*?)</style>", re.S),
    "handler": re.compile(r'\son[a-z]+="([^"]*)"'),
}
ICON_SCRIPT = re.compile(r"\s*<script src=\"[^\"]*fontawesome[^\"]*\.js[^\"]*\"></script>")
PASTED_MINUS = re.compile(r'(?<=<span class="pasted-text">)[^<]*')
FONT_PRELOAD = re.compile(r"\s*<link rel=\"preload\" as=\"font\"[^>]*>")


def hashes(texts: Iterable[str]) -> str:
    """Each text as a source expression of the policy."""
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return "".join(sorted({f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in digests}))


def policy(page: str, handlers: Iterable[str]) -> str:
    """The strictest policy under which this page still works; the search page also parses the others' handlers."""
    scripts, styles = (INLINE[kind].findall(page) for kind in ("script", "style"))
    return (
        f"default-src 'none'; script-src 'self'{hashes(scripts)}{hashes(handlers)} 'unsafe-hashes'; "
        f"style-src 'self'{hashes(styles)}; style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'"
    )


def bare_state(match: re.Match[str]) -> str:
    """The page's widget state without code and style."""
    state = json.loads(match[2])
    for model in state["state"].values():
        for key in ("_esm", "_css"):
            model["state"].pop(key, None)
    text = json.dumps(state, separators=(",", ":"), allow_nan=False)  # no browser reads NaN
    return match[1] + text.replace("<", "\\u003c") + match[3]  # neither </script> nor <!-- can end or open anything


def true_minus(match: re.Match[str]) -> str:
    """A number that a cell computed, with the sign that the text around it has."""
    return re.sub(r"(?<![\w.])-(?=\d)", "−", match[0])


def finish(app: Any, exception: Exception | None) -> None:
    """Rewrites every page of a finished build."""
    if exception or app.builder.format != "html":
        return
    pages = {path: path.read_text(encoding="utf-8") for path in Path(app.outdir).rglob("*.html")}
    handlers = {html.unescape(handler) for page in pages.values() for handler in INLINE["handler"].findall(page)}
    for path, page in pages.items():
        if '<meta http-equiv="Content-Security-Policy' in page:
            continue
        page = FONT_PRELOAD.sub("", ICON_SCRIPT.sub("", STATE.sub(bare_state, page)))
        page = PASTED_MINUS.sub(true_minus, page)
        meta = f'<meta http-equiv="Content-Security-Policy" content="{policy(page, handlers)}">'
        head = re.search(r"<head>\s*(<meta charset=[^>]*>\n?)?", page)  # the charset must come early
        at = head.end() if head else 0  # a redirect has no head of its own
        path.write_text(f"{page[:at]}    {meta}\n{page[at:]}", encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls this once."""
    app.connect("build-finished", finish, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
