"""The README's moving picture can be filmed anew from the book as it is built."""

import itertools

import film
from PIL import Image


def test_the_walk_can_be_walked_and_each_step_shows_something_new(browser, monkeypatch):
    monkeypatch.setattr(film, "FRAME", 600)
    taken = film.film(browser, film.PAGE, film.walk, film.PARTS)
    pictures = [picture.tobytes() for picture, _ in taken]
    assert len({picture.size for picture, _ in taken}) == 1
    assert len(set(pictures)) >= 9
    assert all(before != after for before, after in itertools.pairwise(pictures))
    assert 5_000 < sum(length for _, length in taken) < 30_000


def test_a_film_keeps_its_pictures_their_lengths_and_their_colours(tmp_path):
    colours = [(0, 158, 115), (213, 94, 0), (0, 114, 178)]
    film.save(
        [(Image.new("RGB", (60, 40), colour), 100 * (i + 1)) for i, colour in enumerate(colours)], tmp_path / "f.gif"
    )
    with Image.open(tmp_path / "f.gif") as saved:
        assert (saved.n_frames, saved.info["loop"]) == (3, 0)
        for i, colour in enumerate(colours):
            saved.seek(i)
            assert saved.info["duration"] == 100 * (i + 1)
            assert saved.convert("RGB").getpixel((5, 5)) == colour
