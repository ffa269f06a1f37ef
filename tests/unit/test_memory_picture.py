"""The memory map: well-formed, one titled box a buffer, everything inside the sheet."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.memory_problems import problems
from trainlib_deployer.memory.allocate import allocate
from trainlib_deployer.memory.picture import Box, MemoryMap, picture_svg
from trainlib_deployer.memory.problem import Problem
from trainlib_deployer.render.memory_map import plan_picture

SVG = "{http://www.w3.org/2000/svg}"


def rectangles(picture: str) -> list[tuple[float, float, float, float]]:
    """The boxes: x, y, width, height."""
    groups = ElementTree.fromstring(picture).iter(f"{SVG}g")
    found = [group.find(f"{SVG}rect") for group in groups]
    keys = ("x", "y", "width", "height")
    return [tuple(float(r.attrib[key]) for key in keys) for r in found if r is not None]  # type: ignore[misc]


@settings(max_examples=40)
@given(problem=problems(max_size=5000, max_time=30), title=st.text(st.characters(codec="utf-8")))
def test_any_plan_can_be_drawn(problem: Problem, title: str) -> None:
    printable = "".join(c for c in title if c.isprintable())
    picture = plan_picture(printable, problem, allocate(problem, search_nodes=0))
    root = ElementTree.fromstring(picture)
    _, _, width, height = (float(word) for word in root.attrib["viewBox"].split())
    boxes = rectangles(picture)
    assert len(boxes) == len(problem.buffers)
    for x, y, w, h in boxes:
        assert 0 <= x <= x + w <= width + 0.1 and 0 <= y <= y + h <= height + 0.1
    titles = [e.text or "" for e in root.iter(f"{SVG}title")]
    for b, told in zip(problem.buffers, titles, strict=True):
        assert told.startswith(f"{b.name}: {b.size} bytes at")


def test_what_a_map_shows() -> None:
    boxes = [
        Box("x<&>", 0, 4096, 0, 2, "weight"),
        Box("tiny", 4096, 8, 1, 2, "activation"),
        Box("c", 4096, 2048, 2, 3, "of my own"),
    ]
    steps = ("fw", "wg", "a step's name that is much too long for an axis")
    one = MemoryMap("L2", steps, boxes, 6144, 6144, 7000)
    picture = picture_svg("net & co", [one])
    texts = [e.text for e in ElementTree.fromstring(picture).iter(f"{SVG}text")]
    assert {"net & co", "L2", "x<&>", "c", "fw", "wg", "weight", "of my own"} <= set(texts)
    assert "tiny" not in texts  # there is no room for it, but it has a tooltip
    assert "<title>tiny: 8 bytes at 4096, wg, activation</title>" in picture
    assert {"lower bound 6 KiB", "capacity 6.84 KiB", "6 KiB"} <= set(texts)
    assert any(t and t.startswith("peak: 4.01 KiB at wg") for t in texts)
    assert "arena 6 KiB" not in texts  # it is the lower bound
    far = picture_svg("far", [MemoryMap("L2", steps, boxes, 6144, 5000, 1 << 20)])
    assert "capacity" not in far and "arena 6 KiB" in far
    assert picture == picture_svg("net & co", [one])


def test_boxes_that_overlap_in_neither_way_do_not_touch_on_paper() -> None:
    boxes = [Box("a", 0, 10, 0, 1), Box("b", 10, 10, 0, 1), Box("c", 0, 20, 1, 2)]
    picture = picture_svg("t", [MemoryMap("m", ("0", "1"), boxes, 20, 20)])
    (ax, ay, aw, ah), (bx, by, bw, bh), (cx, *_) = rectangles(picture)
    assert by + bh <= ay + 0.2 and ax + aw <= cx + 0.2 and (ax, aw) == (bx, bw)
    assert ay + ah > by + bh
