"""A log's report as a page: whole, self-contained, labelled, and the same for the same log."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from example_logs import any_log, short_log
from hypothesis import given, settings

import safegrid as sg
from safegrid.figures.log_pictures import draw

VOID = {"meta", "br", "img"}


class Reader(HTMLParser):
    """Every tag closed, and what was met."""

    def __init__(self):
        super().__init__()
        self.open, self.met, self.ids, self.attributes = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.met.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.met.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def read(html):
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def spoiled(crossroads):
    log = sg.generate_offline_episodes(crossroads, 300, seed=0)
    rewards = log.rewards.copy()
    rewards[[50, 500, 5000]] *= 1_000
    costs = log.costs.copy()
    costs[[60, 600]] = 1 - costs[[60, 600]]
    columns = {name: getattr(log, name) for name in ("observations", "actions", "terminals", "timeouts")}
    return sg.Episodes.from_arrays(
        **columns, rewards=rewards, costs=costs, next_observations=log.next_observations, n_actions=4
    )


@pytest.fixture(scope="module")
def page(spoiled, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    assert sg.report(spoiled).save(path) == path
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pictures(spoiled):
    return list(draw(sg.report(spoiled)))


def test_the_page_is_whole_and_asks_nothing_of_anybody(page):
    reader = read(page)
    assert "script" not in reader.met
    assert not [value for name, value in reader.attributes if name in ("src", "srcset", "data")]
    assert not re.findall(r"(?:href|url\()\s*=?\s*[\"']?(?!#|data:)[a-z]+:", page)
    assert "default-src 'none'" in page
    assert len(reader.ids) == len(set(reader.ids))


def test_every_picture_is_labelled_and_its_parts_are_found(page):
    labels = re.findall(r'<svg role="img" aria-label="([^"]+)"', page)
    assert len(labels) == 6 == page.count("<svg") == page.count("<figcaption>")
    assert any("contradicting_rewards from row 50 to 5000" in label for label in labels)
    ids = set(read(page).ids)
    assert set(re.findall(r"(?:url\(#|xlink:href=\"#)([^)\"]+)", page)) <= ids
    assert "currentColor" in page
    assert "#010203" not in page


def test_headings_do_not_skip_and_tables_have_heads_and_captions(page):
    reader = read(page)
    assert reader.met.count("h1") == 1
    assert not {"h3", "h4"} & set(reader.met)
    assert reader.met.count("table") == reader.met.count("caption") == reader.met.count("thead")
    assert ("scope", "col") in reader.attributes
    assert ("scope", "row") in reader.attributes
    assert ("lang", "en") in reader.attributes


def test_the_page_says_what_the_text_says(page, spoiled):
    words = re.sub(r"\s+", " ", re.sub(r"<svg.*?</svg>|<style.*?</style>|<[^>]+>", " ", page, flags=re.S))
    plain = words.replace("&#x27;", "'").replace("&quot;", '"').replace("−", "-").replace(" :", ":")
    for line in re.findall(r"• (.+?)(?=\n\n|\n•)", str(sg.report(spoiled)), flags=re.S):
        assert re.sub(r"\s+", " ", line) in plain


def test_two_saves_are_the_same_to_the_byte(page, spoiled, tmp_path):
    assert sg.report(spoiled).save(tmp_path / "again.html").read_text(encoding="utf-8") == page


def test_what_stood_there_is_replaced_and_a_folder_that_is_not_there_is_named(tmp_path):
    found = sg.report(short_log())
    target = tmp_path / "report.html"
    target.write_text("old")
    found.save(target)
    assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(ValueError, match=r"path is '.*report.pdf', expected a name that ends in .html"):
        found.save(str(tmp_path / "report.pdf"))
    with pytest.raises(OSError, match="cannot write"):
        found.save(tmp_path / "nowhere" / "report.html")


def test_a_notebook_shows_the_tables_and_no_picture(spoiled):
    html = sg.report(spoiled)._repr_html_()
    reader = read(html)
    assert "svg" not in reader.met
    assert reader.met.count("table") == 4
    assert {"h1", "h2"} & set(reader.met) == set()


def test_a_report_prints_its_text_and_has_its_verdict(spoiled):
    found = sg.report(spoiled)
    assert str(found).startswith("What the log is\n")
    assert found.verdict.unlearnable[0] in re.sub(r"\s+", " ", str(found))
    assert [finding.kind for finding in found.findings] == ["contradicting_rewards", "costs_disagree"]
    assert found == sg.report(spoiled)


def test_pictures_are_drawn_of_what_there_is(pictures, original):
    assert [picture.section for picture in pictures] == ["log"] * 3 + ["findings"] + ["evidence"] * 2
    few = sg.generate_offline_episodes(original, 3, seed=0)
    assert "Mean return along the log" not in "".join(picture.caption for picture in draw(sg.report(few)))
    for picture in pictures:
        ElementTree.fromstring(picture.svg)


@settings(deadline=None, max_examples=4)
@given(any_log())
def test_a_log_of_any_shape_has_a_page(log):
    report = sg.report(log)
    read(report._repr_html_())
    for picture in draw(report):
        read(picture.svg)


def test_text_needs_no_matplotlib():
    code = """
import sys, numpy, safegrid as sg
log = sg.generate_offline_episodes(sg.SafetyCriticalGridWorld(), 5)
print(len(str(sg.report(log))) > 500, "matplotlib" in sys.modules, "torch" in sys.modules)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["True", "False", "False"]


def test_hostile_numbers_become_text():
    log = short_log()
    assert np.isfinite(log.observations).all()
    html = sg.report(log)._repr_html_()
    assert "<script" not in html
