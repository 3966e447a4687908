"""A board shows the world, its layer and its policy, and looks as the page's does."""

import dataclasses
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from example_worlds import MAZE
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Rectangle

import safegrid
from safegrid.env import MOVES, SafetyCriticalGridWorld
from safegrid.figures.board import plot_board, plot_weights
from safegrid.figures.marks import FORK, HATCHES, LONE, arrow, outset
from safegrid.figures.style import BALANCE, BLUE, GREEN, GREY, ORANGE, PALETTES, PAPER, RED, find_palette

SCRIPTS = "\n".join(path.read_text() for path in sorted(Path(safegrid.__file__).parent.rglob("*.js")))
STYLE = (Path(safegrid.__file__).parent / "figures" / "figures.css").read_text()


def arrows_of(ax, name="_arrows"):
    """The corners of each arrow, (7, 2)."""
    (drawn,) = (artist for artist in ax.collections if artist.get_label() == name)
    return [path.vertices[:7] for path in drawn.get_paths()]


def squares_of(ax, colour):
    """The corner of each full square of a colour."""
    squares = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    return {patch.get_xy() for patch in squares if to_hex(patch.get_facecolor()) == colour}


def page_arrow(x, y, dx, dy, fork):
    """As the page computes it; there the corner of a cell, not its middle, is its whole (x, y)."""
    tail, tip, wing, half = (0, 0.44, 0.13, 0.035) if fork else (-0.34, 0.36, 0.2, 0.06)
    neck = tip - 1.3 * wing
    corners = (tail, half), (neck, half), (neck, wing), (tip, 0), (neck, -wing), (neck, -half), (tail, -half)
    at = [(x + 0.5 + along * dx - aside * dy, y + 0.5 + along * dy + aside * dx) for along, aside in corners]
    return np.array(at) - 0.5


def test_each_hazard_is_hatched_and_the_goal_full(crossroads):
    ax = plot_board(crossroads.mdp)
    assert squares_of(ax, RED) == {(x - 0.5, y - 0.5) for x, y in crossroads.hazard_coords}
    assert squares_of(ax, GREEN) == {(crossroads.goal[0] - 0.5, crossroads.goal[1] - 0.5)}
    (hatch,) = (artist for artist in ax.collections if artist.get_label() == "_hatch")
    assert len(hatch.get_paths()) == 7 * len(crossroads.hazard_coords)


def test_a_wall_is_a_full_square_without_an_arrow_or_a_layer():
    env = SafetyCriticalGridWorld(desc=MAZE)
    walls = {(x, y) for y, row in enumerate(MAZE) for x, letter in enumerate(row) if letter == "W"}
    ax = plot_board(env.mdp, np.arange(32.0), env.mdp.optimal(0.99))
    assert squares_of(ax, GREY) == {(x - 0.5, y - 0.5) for x, y in walls}
    assert (ax.get_xlim(), ax.get_ylim()) == ((-0.5, 7.5), (3.5, -0.5))
    blank = {(x, y) for y, x in np.argwhere(~np.isfinite(np.ma.filled(ax.images[0].get_array(), np.nan)))}
    assert blank == {*walls, env.goal}
    pointed = {tuple(np.rint(a.mean(0)).astype(int)) for a in arrows_of(ax) + arrows_of(ax, "_faint arrows")}
    assert pointed == {*np.ndindex(8, 4)} - blank
    assert f".sg-wall {{ fill: {GREY}; }}" in STYLE


def test_there_is_an_arrow_for_each_likeliest_action(crossroads):
    policy = crossroads.behaviour_policy(0.0)
    ax = plot_board(crossroads.mdp, policy=policy)
    live = ~crossroads.mdp.terminal
    wanted = (policy[live] == policy[live].max(1, keepdims=True)).sum()
    assert len(arrows_of(ax)) + len(arrows_of(ax, "_faint arrows")) == wanted


def test_a_layer_stands_upright(original):
    layer = np.arange(225, dtype=float)
    grid = plot_board(original.mdp, layer, label="index").images[0].get_array()
    assert grid[2, 5] == original.state_of((5, 2)) == 35
    assert np.ma.getmaskarray(np.ma.masked_invalid(grid)).sum() == original.mdp.terminal.sum()


def test_arrows_stand_only_where_the_layer_does(original):
    layer = np.where(np.arange(225) < 3, 1.0, np.nan)
    ax = plot_board(original.mdp, layer, original.mdp.optimal(0.99))
    assert len(arrows_of(ax)) + len(arrows_of(ax, "_faint arrows")) == 3


@pytest.mark.parametrize("fork", [False, True])
@pytest.mark.parametrize("action", range(4))
def test_an_arrow_s_corners_are_the_page_s(action, fork):
    np.testing.assert_allclose(arrow((3, 5), MOVES[action], fork), page_arrow(3, 5, *MOVES[action], fork), atol=1e-12)


def test_the_page_s_script_draws_by_the_same_numbers():
    shape = r"(?:tail: |\[)(-?[\d.]+), (?:tip: )?([\d.]+), (?:wing: )?(0\.\d+), (?:half: )?(0\.0\d+)\b"
    assert {LONE, FORK} <= {tuple(map(float, found)) for found in re.findall(shape, SCRIPTS)}
    assert "neck = tip - 1.3 * wing" in SCRIPTS
    (stops,) = re.findall(r"balance: ramp\(\[(.*?)\]\)", SCRIPTS)
    assert tuple(re.findall("#[0-9a-f]{6}", stops)) == BALANCE
    assert len(HATCHES[0]) == len(re.findall(r"l-?[\d.]+", re.findall(r'HATCH = "(.*?)"', SCRIPTS)[0]))


def test_a_greedy_policy_has_the_page_s_arrows_bold_where_it_goes(crossroads):
    mdp, policy = crossroads.mdp, crossroads.mdp.optimal(0.99)
    ax = plot_board(mdp, policy=policy)
    goes = (mdp.occupancy(policy) >= 0.01) & ~mdp.terminal
    wanted = [page_arrow(*mdp.observations[s], *MOVES[policy[s].argmax()], False) for s in np.flatnonzero(goes)]
    np.testing.assert_allclose(arrows_of(ax), wanted, atol=1e-9)
    assert len(arrows_of(ax, "_faint arrows")) == (~goes & ~mdp.terminal).sum()


def test_ties_fork_as_on_the_page_and_say_nothing_where_all_actions_tie(original):
    mdp, tied = original.mdp, np.full((225, 4), 0.25)
    tied[0] = (0.5, 0.5, 0.0, 0.0)
    ax = plot_board(mdp, policy=tied)
    np.testing.assert_allclose(arrows_of(ax), [page_arrow(0, 0, 0, 1, True), page_arrow(0, 0, 1, 0, True)], atol=1e-9)
    assert arrows_of(ax, "_faint arrows") == []


def test_the_likelier_the_longer(original):
    def reach(epsilon):
        ax = plot_board(original.mdp, policy=original.expert_policy(epsilon))
        return np.ptp(arrows_of(ax)[0], axis=0).max()

    assert reach(0.0) == pytest.approx(0.7)
    assert reach(0.0) > reach(0.3) > reach(0.6)


def test_a_world_without_a_clock_has_no_faint_arrows(original):
    endless = dataclasses.replace(original.mdp, horizon=None)
    assert arrows_of(plot_board(endless, policy=original.mdp.optimal(0.99)), "_faint arrows") == []


def test_an_outline_lies_as_far_out_on_every_side():
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)
    for corners in (square, square[::-1]):
        grown = outset(corners, 0.25)
        np.testing.assert_allclose((grown.min(0), grown.max(0)), ((-0.25, -0.25), (1.25, 1.25)))
        np.testing.assert_allclose(np.hypot(*(grown - np.clip(grown, 0, 1)).T), 0.25)


def test_a_board_lies_on_paper_in_every_theme(original):
    with mpl.rc_context({"axes.facecolor": "black", "figure.facecolor": "black", "axes.grid": True}):
        assert to_hex(plot_board(original.mdp).get_facecolor()) == PAPER
    assert to_hex(PALETTES["presence"](0.0)) == PAPER
    assert to_hex(PALETTES["presence"](1.0)) == BLUE


@pytest.mark.parametrize(
    ("palette", "span"), [("presence", (0, 7)), ("balance", (-7, 7)), ("rising", (-3, 7)), ("cividis", (-3, 7))]
)
def test_colours_span_what_suits_the_palette(original, palette, span):
    layer = np.where(np.arange(225) % 2, 7.0, -3.0)
    assert plot_board(original.mdp, layer, palette=palette).images[0].get_clim() == span
    figure = plot_weights(
        original.mdp, {0.0: original.uniform_policy()}, {0.0: layer}, label="x", palette=palette, columns=1
    )
    assert figure.axes[0].images[0].get_clim() == span


def test_a_palette_may_be_any_colour_map_but_must_be_one(original):
    cividis = mpl.colormaps["cividis"]
    assert find_palette(cividis) is cividis
    with pytest.raises(ValueError, match="palette is 'bright', expected presence, rising, balance or a colour map"):
        plot_board(original.mdp, np.zeros(225), palette="bright")


def test_a_board_for_each_weight_says_what_its_policy_is_worth(original):
    policy = original.uniform_policy()
    figure = plot_weights(
        original.mdp, dict.fromkeys((0.0, 1.0), policy), dict.fromkeys((0.0, 1.0), np.arange(225.0)), label="x"
    )
    assert "weight 0" in figure.axes[0].get_title()
    assert [ax.get_visible() for ax in figure.axes[:3]] == [True, True, False]


def test_the_environment_s_own_picture_has_the_same_look():
    env = safegrid.SafetyCriticalGridWorld(map_name="crossroads", render_mode="rgb_array")
    env.reset(seed=0)
    picture = env.render()

    def shows(cell, colour):
        x, y = cell
        pixels = picture[32 * y : 32 * y + 32, 32 * x : 32 * x + 32].reshape(-1, 3) / 255
        return (np.abs(pixels - to_rgb(colour)).max(1) < 0.05).sum() >= 20  # shrinking mixes some

    assert shows((1, 1), PAPER)
    wanted = {env.hazard_coords[0]: (RED, "white"), env.goal: (GREEN, "white"), env.start: (ORANGE, "#1a1a1a")}
    assert all(shows(cell, colour) for cell, colours in wanted.items() for colour in colours)


def test_walls_of_the_environment_s_own_picture_have_the_same_look():
    env = SafetyCriticalGridWorld(desc=MAZE, render_mode="rgb_array")
    env.reset(seed=0)
    picture = env.render()
    assert picture.shape == (4 * 32, 8 * 32, 3)
    middles = picture.reshape(4, 32, 8, 32, 3)[:, 8:24, :, 8:24]  # shrinking mixes colours at the edges
    full = (middles == np.rint(255 * np.array(to_rgb(GREY)))).all((1, 3, 4))
    assert ["".join("W" if wall else "F" for wall in row) for row in full] == [re.sub("[SG]", "F", row) for row in MAZE]
