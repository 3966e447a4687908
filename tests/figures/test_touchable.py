"""A figure brings a picture for where no script runs."""

import base64
import io

import nbclient
import nbformat
import pytest
from PIL import Image

import safegrid as sg

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.mark.parametrize("make", ["explorer", "laboratory", "story", "cards", "headlines"])
def test_a_figure_brings_a_picture_for_where_no_script_runs(make, request):
    figure = sg.SafetyLab(n_episodes=20, n_steps=20) if make == "laboratory" else request.getfixturevalue(make)
    assert figure.figure == make
    data, _ = figure._repr_mimebundle_()
    assert data[WIDGET]["model_id"] == figure.model_id
    with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as picture:
        assert min(picture.size) > 250


def test_a_figure_before_all_others_does_not_keep_a_notebook_from_showing_them():
    """In a fresh kernel whose first picture is a widget's, what pyplot draws next is shown."""
    cells = (
        "import safegrid as sg; lab = sg.SafetyLab(n_episodes=20, n_steps=20); lab",
        "import matplotlib.pyplot as plt; plt.plot([0, 1]);",
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    nbclient.NotebookClient(notebook, timeout=300).execute()
    assert ["image/png" in o.data for cell in notebook.cells for o in cell.outputs] == [True, True]
