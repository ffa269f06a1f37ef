"""A canvas that collects SVG elements as text."""

from __future__ import annotations

from html import escape

_FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif"
_LETTER = 0.58  # the mean width of a letter, in font sizes


def width_of(words: str, size: float) -> float:
    """About how wide a text is drawn, in pixels; fonts differ, so rather more than less."""
    return len(words) * size * _LETTER


def shown(value: float) -> str:
    """A coordinate in tenths of a pixel, as short as can be."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def tag(name: str, **attributes: str) -> str:
    """An empty element; underscores in the attributes' names become hyphens."""
    words = "".join(
        f' {key.replace("_", "-")}="{escape(value)}"' for key, value in attributes.items()
    )
    return f"<{name}{words}/>"


class Canvas:
    """Elements in the order in which they are drawn."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def add(self, element: str) -> None:
        self._parts.append(element)

    def rect(
        self, x: float, y: float, width: float, height: float, *, fill: str,
        stroke: str = "none", stroke_opacity: float = 1.0, line: float = 0.8, rx: float = 0,
    ) -> None:  # fmt: skip
        attributes = {
            "x": shown(x),
            "y": shown(y),
            "width": shown(width),
            "height": shown(height),
            "fill": fill,
        }
        if stroke != "none":
            attributes |= {"stroke": stroke, "stroke_width": f"{line:g}"}
            attributes["stroke_opacity"] = f"{stroke_opacity:g}"
        if rx:
            attributes["rx"] = shown(rx)
        self.add(tag("rect", **attributes))

    def line(
        self, x1: float, y1: float, x2: float, y2: float, *, stroke: str, width: float,
        dash: str | None = None,
    ) -> None:  # fmt: skip
        ends = {"x1": shown(x1), "y1": shown(y1), "x2": shown(x2), "y2": shown(y2)}
        dashes = {"stroke_dasharray": dash} if dash else {}
        self.add(tag("line", **ends, stroke=stroke, stroke_width=f"{width:g}", **dashes))

    def text(
        self, x: float, y: float, words: str, *, fill: str, size: float = 12,
        anchor: str = "start", weight: str = "400", turn: int = 0,
    ) -> None:  # fmt: skip
        turned = f' transform="rotate({turn} {shown(x)} {shown(y)})"' if turn else ""
        anchored = f' text-anchor="{anchor}"' if anchor != "start" else ""
        bold = f' font-weight="{weight}"' if weight != "400" else ""
        sized = f' font-size="{size:g}"' if size != 12 else ""
        self.add(
            f'<text x="{shown(x)}" y="{shown(y)}"{sized}{bold}{anchored} fill="{fill}"{turned}>'
            f"{escape(words)}</text>"
        )

    def open_group(self, tooltip: str) -> None:
        self.add(f"<g><title>{escape(tooltip)}</title>")

    def close_group(self) -> None:
        self.add("</g>")

    def svg(self, width: int, height: int, paper: str, border: str) -> str:
        """The whole document, on a sheet of its own."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
            f' width="{width}" height="{height}" font-family="{_FONT}" font-size="12">'
        )
        sheet = tag(
            "rect", x="0.5", y="0.5", width=str(width - 1), height=str(height - 1), rx="8",
            fill=paper, stroke=border,
        )  # fmt: skip
        return "\n".join([head, sheet, *self._parts, "</svg>", ""])
