"""The medians as bars in one self-contained SVG."""

from html import escape

from report import Row

WIDTH, LABELS, BAR, STEP, HEAD = 960, 330, 16, 24, 44
COLOURS = {"piflash": "#c51a4a", "verifies": "#5b7083", "plain": "#b8c4ce", "text": "#222222", "limit": "#2e7d32"}
LEGEND = ("Red: piflash, which verifies. Dark: others that verify. Light: others that do not. Thin: fastest to "
          "slowest. Green: the limit for the bytes in use.")


def svg(found: list[Row], limits: dict[str, float]) -> str:
    out, y = [], 10
    for series, limit in limits.items():
        mine = sorted((row for row in found if row.series == series), key=lambda row: row.seconds)
        if mine:
            y = _series(out, y, series, limit, mine)
    out.append(_text(10, y + 14, LEGEND, 12))
    height = y + 30
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
            f'role="img" aria-label="Seconds for one card">\n<rect width="{WIDTH}" height="{height}" fill="white"/>\n'
            + "\n".join(out) + "\n</svg>\n")


def _series(out: list[str], y: int, series: str, limit: float, mine: list[Row]) -> int:
    scale = (WIDTH - LABELS - 80) / max(max(row.slowest for row in mine), limit)
    out.append(_text(10, y + 16, f"Seconds for one card, {series}", 15))
    top = y = y + HEAD - 16
    for row in mine:
        colour = COLOURS["piflash" if row.is_piflash else "verifies" if row.verifies else "plain"]
        out.append(_text(LABELS - 8, y + 12, f"{row.program}, {row.source}", 12, "end"))
        out.append(f'<rect x="{LABELS}" y="{y}" width="{row.seconds * scale:.1f}" height="{BAR}" fill="{colour}"/>')
        begin, end, middle = LABELS + row.fastest * scale, LABELS + row.slowest * scale, y + BAR / 2
        out.append(_line(begin, middle, end, middle, COLOURS["text"]))
        out.append(_text(end + 6, y + 12, f"{row.seconds:.2f}", 12))
        y += STEP
    out.append(_line(LABELS + limit * scale, top - 4, LABELS + limit * scale, y, COLOURS["limit"]))
    return y + 16


def _text(x: float, y: float, words: str, size: int, anchor: str = "start") -> str:
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{COLOURS["text"]}">'
            f"{escape(words)}</text>")


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="1.5"/>'
