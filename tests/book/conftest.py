"""The built book in a real browser, and figures in a live JupyterLab; on 127.0.0.1 and nowhere else."""

import functools
import http.server
import importlib.resources
import os
import re
import shutil
import threading
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "_build" / "html"
BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")  # the lightest first
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-proxy-server",
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]  # fmt: skip
WHY_NOT = (
    "no browser: install Debian's chromium-headless-shell" if BROWSER is None
    else "the book is not built: run the README's first command" if not PAGES.exists()
    else ""
)  # fmt: skip
AXE = importlib.resources.files("axe_playwright_python") / "axe.min.js"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder without a word."""

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """To which a browser that turns away before the answer is no error."""

    def handle_error(self, *_):
        pass


def serve(folder):
    """A server of a folder on a free port, and its address."""
    server = Server(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}/"


@pytest.fixture(scope="session")
def browser():
    if WHY_NOT:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(WHY_NOT)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def site():
    server, address = serve(PAGES)
    yield address
    server.shutdown()
    server.server_close()


@pytest.fixture
def visit(browser, site):
    """Opens a page of the book, or of another address, in a browser that reaches nothing else; it must stay silent.

    Console errors (a violation of the page's Content-Security-Policy is one), script errors and requests to other hosts
    fail the test, unless `silent=False`.
    """
    opened, complaints = [], []

    def open_page(path, home=site, silent=True, **settings):
        context = (
            browser.new_context(viewport={"width": 1280, "height": 900})
            if not settings
            else browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | settings)
        )
        opened.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        said = complaints if silent else []

        def gate(route):
            said.append(f"asked for {route.request.url}")
            route.abort("blockedbyclient")

        context.route(re.compile(rf"^(?!{re.escape(home)}|data:|blob:|file:)"), gate)
        page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(home + path)
        return page

    yield open_page
    for context in opened:
        context.close()
    assert complaints == []


AT_REST = "() => !document.getAnimations().some((one) => one instanceof CSSTransition)"


def axe(page, selector, impacts=("minor", "moderate", "serious", "critical"), rules=None):
    """Accessibility violations of some impact inside a selector: rule → the elements. `rules`: only these, by id."""
    if not page.evaluate("() => typeof window.axe === 'object'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    page.wait_for_function(AT_REST, polling=50)  # a busy browser may draw no frame, and so keep no promise, for long
    options = {"resultTypes": ["violations"], "preload": False}  # preloading would fetch fonts and styles again
    if rules:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
    found = page.evaluate("([selector, options]) => axe.run({ include: [[selector]] }, options)", [selector, options])
    return {v["id"]: [node["html"][:120] for node in v["nodes"]] for v in found["violations"] if v["impact"] in impacts}


LEFT = """() => ({
  formulas: [...document.querySelectorAll(".math")].filter((one) => !one.querySelector(".katex")).length,
  figures: [...document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]')]
    .filter((one) => !one.parentElement.querySelector(".safegrid .sg-sentence:not(:empty)")).length,
  complaints: document.querySelectorAll(".sg-error:not(:empty), .katex-error").length,
})"""


def stands(page):
    """Everything on a page that a script sets is set: formulas, figures, the theme's own."""
    page.wait_for_load_state("load")
    page.wait_for_function(f"() => {{ const {{ formulas, figures }} = ({LEFT})(); return !formulas && !figures; }}")
    assert page.evaluate(LEFT)["complaints"] == 0
    assert page.evaluate("() => document.documentElement.dataset.theme") == "light"
    assert page.locator(".highlight").count() == page.locator(".highlight .copybtn").count()
