"""The same figures in a live JupyterLab: Python reads what a hand has set, the page shows what Python sets."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from types import SimpleNamespace

import nbformat
import psutil
import pytest
from conftest import axe

QUIET = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "notebook-extension/tracker": {"windowingMode": "none"},  # every cell is in the page, also below the fold
    "docmanager-extension/plugin": {"autosave": False},
}
UNUSED = [
    "@jupyterlab/apputils-extension:announcements",
    "@jupyterlab/extensionmanager-extension",
    "jupyterlab-jupytext",
]
START = """import ctypes, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # should the tests be killed, the server leaves by itself
from jupyterlab.labapp import main
sys.exit(main())"""


def ask(lab, path, method="GET"):
    request = urllib.request.Request(lab.url + path, method=method, headers={"Authorization": f"token {lab.token}"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
        return json.loads(answer.read() or b"null")


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


@pytest.fixture(scope="module")
def lab(tmp_path_factory, browser):
    """A running JupyterLab with a home of its own: its address, its token and the folder it shows."""
    home = tmp_path_factory.mktemp("lab")
    config, data, runtime, root = (home / name for name in ("config", "data", "runtime", "root"))
    root.mkdir()
    kernel = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    write(data / "kernels/here/kernel.json", {"argv": kernel, "display_name": "here", "language": "python"})
    for name, settings in QUIET.items():
        write(config / f"lab/user-settings/@jupyterlab/{name}.jupyterlab-settings", settings)
    write(config / "labconfig/page_config.json", {"disabledExtensions": dict.fromkeys(UNUSED, True)})
    server = {"ip": "127.0.0.1", "port": 0, "open_browser": False, "root_dir": str(root), "allow_root": True,
              "jpserver_extensions": {"jupyterlab_jupytext": False, "jupyter_server_terminals": False}}  # fmt: skip
    app = {"open_browser": False, "expose_app_in_browser": True, "news_url": None, "extension_manager": "readonly",
           "check_for_updates_class": "jupyterlab.handlers.announcements.NeverCheckForUpdate"}  # fmt: skip
    write(config / "jupyter_server_config.json", {"ServerApp": server, "LabApp": app})
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "JPY_", "IPYTHON"))}
    lab = SimpleNamespace(url="", token="safegrid-test", root=root)
    environment = kept | {
        "HOME": str(home), "JUPYTER_CONFIG_DIR": str(config), "JUPYTER_DATA_DIR": str(data),
        "JUPYTER_RUNTIME_DIR": str(runtime), "IPYTHONDIR": str(home / "ipython"), "JUPYTER_TOKEN": lab.token,
        "XDG_CONFIG_HOME": str(home / "xdg"), "PYDEVD_DISABLE_FILE_VALIDATION": "1", "TQDM_DISABLE": "",
    }  # fmt: skip
    said = home / "log.txt"
    with said.open("wb") as sink:
        process = subprocess.Popen([sys.executable, "-c", START], env=environment, cwd=root, stdin=subprocess.DEVNULL,
                                   stdout=sink, stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip
    try:
        late = time.monotonic() + 60
        while not lab.url:
            assert time.monotonic() < late and process.poll() is None, said.read_text()[-4000:]  # noqa: PT018
            with contextlib.suppress(OSError, ValueError, KeyError):  # no port yet, half written, not listening yet
                note = json.loads((runtime / f"jpserver-{process.pid}.json").read_text())
                lab.url = f"http://127.0.0.1:{note['port']}/"
                ask(lab, "api/status")
                continue
            lab.url = ""
            time.sleep(0.05)
        yield lab
    finally:  # kernels lead groups of their own: end the server, then whatever it left
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(8)
        for left in psutil.wait_procs(family, timeout=2)[1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()


READY = """() => {
  const panel = window.jupyterapp?.shell?.currentWidget;
  return !!panel?.content?.widgets?.length && panel.sessionContext.session?.kernel?.status === "idle";
}"""
RUN = """async (index) => {
  const app = window.jupyterapp, notebook = app.shell.currentWidget.content;
  notebook.activeCellIndex = index;
  notebook.deselectAll();
  await app.commands.execute("notebook:run-cell");
  const outputs = notebook.widgets[index].model.outputs.toJSON();
  const error = outputs.find((o) => o.output_type === "error");
  if (error) throw new Error(`cell ${index}: ${error.ename}: ${error.evalue}`);
  return outputs.map((o) => [o.text ?? ""].flat().join("")).join("").trim();
}"""


def until(page, index, expected, patience=20):
    """Runs a cell until it prints this: what a hand sets reaches Python beside the cells, not between them."""
    late = time.monotonic() + patience
    while (seen := page.evaluate(RUN, index)) != expected:
        assert time.monotonic() < late, f"cell {index} prints {seen!r}, expected {expected!r}"


CELLS = [
    """import ipywidgets, safegrid as sg
env = sg.SafetyCriticalGridWorld(map_name="crossroads")
logs = [sg.generate_offline_episodes(env, 60, seed=seed) for seed in (0, 1)]
sweep = sg.train_sweep(logs, (0.0, 6.0, 50.0), n_steps=50, mdp=env.mdp, n_jobs=1, progress=False)
explorer = sg.ConservatismExplorer(sweep, env.mdp, logs=logs)
lab = sg.SafetyLab(n_episodes=50, n_steps=200)
linked = ipywidgets.FloatSlider(max=50)
ipywidgets.jslink((lab, "conservative_weight"), (linked, "value"));""",
    "explorer",
    "lab",
    "print(explorer.weight, explorer.log, lab.conservative_weight, linked.value)",
    "explorer.weight = 0.0; lab.conservative_weight = 12.5",
    "sg.train_button(explorer, n_steps=30)",
    "print(explorer.sweep.settings['n_steps'], len(explorer.data['policies']))",
]


def test_a_hand_and_python_move_the_same_figures(lab, visit):
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    kernel = {"kernelspec": {"name": "here", "display_name": "here", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), lab.root / "live.ipynb")
    page = visit(f"doc/tree/live.ipynb?token={lab.token}", home=lab.url, silent=False)
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.wait_for_function(READY, timeout=40_000, polling=50)
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.ready")
    for index in (0, 1, 2):
        page.evaluate(RUN, index)
    explorer, laboratory = page.locator(".sg-explorer"), page.locator(".sg-laboratory")
    explorer.wait_for()
    until(page, 3, "6.0 0 6.0 6.0")

    slider = explorer.get_by_role("slider", name="conservative weight")
    slider.press("ArrowRight")  # which JupyterLab would keep for itself
    explorer.locator(".sg-more > summary").click()
    explorer.get_by_label("log", exact=True).select_option("1")
    box = laboratory.get_by_label("conservative weight, exactly")
    box.fill("20")
    box.press("Enter")
    until(page, 3, "50.0 1 20.0 20.0")

    page.evaluate(RUN, 4)
    page.wait_for_function(
        "() => document.querySelector('.sg-explorer .sg-sentence').textContent.startsWith('Weight 0,')"
    )
    page.wait_for_function("() => document.querySelector('.sg-laboratory input[type=number]').value === '12.5'")
    until(page, 3, "0.0 1 12.5 12.5")

    assert laboratory.get_by_role("button", name="share link").count() == 0  # there is no page to link to
    page.evaluate(RUN, 5)
    page.get_by_role("button", name="the whole sweep").click()
    page.get_by_role("button", name="train", exact=True).click()
    page.locator(".jp-OutputArea-output .widget-hprogress, .jp-OutputArea-output [role=progressbar]").first.wait_for()
    until(page, 6, "30 6", patience=60)

    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
        page.wait_for_function("(theme) => document.body.dataset.jpThemeName === theme", arg=theme)
        assert axe(page, ".safegrid") == {}
    assert wrong == []
    for session in ask(lab, "api/sessions"):
        ask(lab, f"api/sessions/{session['id']}", "DELETE")
