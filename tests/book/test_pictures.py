"""Figures on a telephone: drawn again, narrow, with the panels below each other, each with its labels."""

import base64
import hashlib
import re
import sys

import matplotlib.pyplot as plt
import pytest
from conftest import PAGES
from IPython.core import pylabtools
from test_chapters import ROOT

import safegrid as sg

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import stacking


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def places(fig):
    """Left and upper edges of the panels as drawn, and the lower ones; in inches."""
    fig.canvas.draw()
    boxes = [ax.get_window_extent().transformed(fig.dpi_scale_trans.inverted()) for ax in stacking.panels_of(fig)]
    return [(box.x0, -box.y1, -box.y0) for box in boxes]


def test_panels_stand_below_each_other_row_by_row_with_the_labels_that_they_shared():
    fig, axes = plt.subplots(2, 2, figsize=(10, 6), sharey=True, layout="constrained")
    for i, ax in enumerate(axes.flat):
        ax.plot([0, 1], [i, i])
    axes[0, 0].set_ylabel("above")
    axes[1, 0].set(ylabel="below", xlabel="left")
    axes[1, 1].set_xlabel("right")
    assert stacking.stack(fig)
    (_, top, _), *rest = found = places(fig)
    assert all(later[1] > earlier[2] for earlier, later in zip(found, rest, strict=False))
    assert max(left for left, _, _ in found) < 1
    assert fig.get_size_inches()[0] == stacking.NARROW
    assert [ax.get_ylabel() for ax in axes.flat] == ["above", "above", "below", "below"]
    assert [ax.get_xlabel() for ax in axes.flat] == ["left", "right", "left", "right"]
    assert all(ax.yaxis.get_ticklabels()[0].get_visible() for ax in axes.flat)
    assert top > -fig.get_size_inches()[1]


def test_panels_of_one_row_say_where_the_text_looks_for_them():
    fig, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
    axes[0].set_title("crossroads")
    assert stacking.stack(fig)
    assert [ax.get_title() for ax in axes] == ["left: crossroads", "middle", "right"]


def test_small_boards_stay_two_in_a_row_and_charts_do_not():
    for aspect, lefts in (("equal", [0, 2, 0, 2]), ("auto", [0, 0, 0, 0])):
        fig, axes = plt.subplots(1, 4, figsize=(9, 2), layout="constrained")
        for ax in axes:
            ax.set_aspect(aspect)
        assert stacking.stack(fig)
        assert [round(left - 0.4) for left, _, _ in places(fig)] == lefts


def test_a_panel_has_the_title_of_its_column():
    fig, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
    axes[0, 0].set_title("cliff")
    axes[0, 1].set_title("rooms")
    assert stacking.stack(fig)
    assert [ax.get_title() for ax in axes.flat] == ["cliff", "rooms", "cliff", "rooms"]


def test_boards_keep_their_shape_and_their_one_colour_bar():
    env = sg.SafetyCriticalGridWorld()
    policies = dict.fromkeys((0.0, 6.0, 200.0), env.mdp.optimal(0.99))
    visits = {weight: env.mdp.occupancy(policy) for weight, policy in policies.items()}
    sg.plot_weights(env.mdp, policies, visits, label="visits")
    fig = plt.gcf()
    bars = len(fig.axes)
    assert stacking.stack(fig)
    assert len(fig.axes) == bars
    fig.canvas.draw()
    for ax in stacking.panels_of(fig):
        box = ax.get_window_extent()
        assert box.width == pytest.approx(box.height, rel=0.02)
        assert box.width > 200  # pixels, of the 360 of a small telephone


def test_a_wide_panel_is_drawn_narrow_and_keeps_its_height():
    fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
    ax.plot([0, 1], label="a line")
    fig.legend(loc="outside upper right", ncols=3)
    assert stacking.stack(fig)
    assert fig.get_size_inches() == pytest.approx((stacking.NARROW, 3.22))
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["a line"]


def test_a_figure_that_fits_is_left_alone():
    fig, _ = plt.subplots(2, 1, figsize=(4.8, 3))
    assert not stacking.stack(fig)
    assert fig.get_size_inches() == pytest.approx((4.8, 3))


def test_a_kernel_keeps_the_narrow_picture_under_the_digest_of_the_wide_one(tmp_path, monkeypatch):
    monkeypatch.setattr(pylabtools, "print_figure", pylabtools.print_figure)
    plain = pylabtools.print_figure(plt.subplots(1, 2, figsize=(9, 3))[0], base64=True)
    stacking.install(tmp_path / "narrow")
    printed = pylabtools.print_figure(plt.subplots(1, 2, figsize=(9, 3))[0], base64=True)
    pylabtools.print_figure(plt.subplots(figsize=(4, 3))[0], base64=True)
    assert printed == plain  # what a cell shows stays as it was
    assert [path.stem for path in (tmp_path / "narrow").iterdir()] == [
        hashlib.sha256(base64.b64decode(printed)).hexdigest()
    ]


def test_where_the_narrow_picture_has_no_room_there_is_none_and_no_complaint(tmp_path, monkeypatch):
    monkeypatch.setattr(pylabtools, "print_figure", pylabtools.print_figure)
    stacking.install(tmp_path)
    fig, ax = plt.subplots(figsize=(30, 3), layout="constrained")
    ax.set_yticks([0], ["a name that is far too long " * 3])
    assert pylabtools.print_figure(fig, base64=True)
    assert list(tmp_path.iterdir()) == []


def test_a_narrow_window_shows_the_narrow_picture_and_a_wide_one_the_wide(visit):
    page = visit("book/05_cql.html", viewport={"width": 390, "height": 844})
    offered = page.locator("picture > img")
    assert offered.count() > 5
    offered.first.scroll_into_view_if_needed()
    showing = "(img) => img.decode().then(() => [img.currentSrc, img.naturalWidth, img.clientWidth])"
    source, natural, shown = offered.first.evaluate(showing)
    assert source.endswith("-narrow.png")
    assert shown / natural > 0.75  # so letters of 10 points are ones of 10 pixels and more
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.wait_for_function("() => !document.querySelector('picture > img').currentSrc.includes('-narrow')")


def test_hardly_a_figure_scrolls():
    """Each page's pictures come from one kernel, which drew both or would have drawn neither."""
    if not PAGES.exists():
        pytest.skip("the book is not built")
    pages = [path.read_text() for path in PAGES.glob("book/*.html")]
    scrolling = sum(len(re.findall(r"<img data-wide", page)) for page in pages)
    assert scrolling <= sum(page.count("<picture>") for page in pages) / 10
