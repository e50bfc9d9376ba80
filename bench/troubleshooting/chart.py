"""Three small panels of a run as one SVG: loss, recall, and how the embeddings lie."""
import math

WIDTH, HEIGHT, PANEL, LEFT, TOP = 760, 190, 240, 40, 24
INK, GREY, BLUE, RED, GREEN = "#333", "#bbb", "#2166ac", "#b2182b", "#1b7837"


def smooth(points, window):
    """The means of runs of `window` points, at the last x of each."""
    runs = [points[at:at + window] for at in range(0, len(points), window)]
    return [(run[-1][0], sum(y for _, y in run) / len(run)) for run in runs]


def nice(value):
    """The next larger of 1, 1.5, 2, 3, 4, 5, 8 times a power of ten."""
    power = 10 ** math.floor(math.log10(value)) if value > 0 else 1
    return next(step * power for step in (1, 1.5, 2, 3, 4, 5, 8, 10) if step * power >= value)


def number(value):
    return f"{value:.3g}"


class Panel:
    def __init__(self, at, title, curves, steps, bounds=None, marks=()):
        """`curves`: (name, colour, points); `marks`: (name, y) of dotted lines."""
        self.x0, self.title, self.curves, self.steps, self.marks = at * (
            PANEL + 14) + LEFT, title, curves, steps, marks
        values = [y for _, _, points in curves for _, y in points] + [y for _, y in marks]
        low, high = bounds or (0, nice(max(values, default=1)))
        self.low, self.high = (-high if values and min(values) < 0 else low), high

    def place(self, x, y):
        across = self.x0 + (PANEL - LEFT) * x / self.steps
        return across, TOP + (HEIGHT - TOP - 42) * (1 - (y - self.low) / (self.high - self.low))

    def text(self, x, y, words, colour=INK, anchor="start", size=10):
        return (f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}" '
                f'font-size="{size}">{words}</text>')

    def draw(self):
        right, bottom = self.place(self.steps, self.low)
        parts = [self.text(self.x0, 14, self.title, size=11),
                 self.text(right, bottom + 13, f"step {self.steps}", anchor="end")]
        for y in (self.low, (self.low + self.high) / 2, self.high):
            _, at = self.place(0, y)
            parts += [f'<path d="M{self.x0} {at:.1f}H{right:.1f}" stroke="#e4e4e4"/>',
                      self.text(self.x0 - 4, at + 3, number(y), anchor="end", size=9)]
        for name, y in self.marks:
            _, at = self.place(0, y)
            parts += [f'<path d="M{self.x0} {at:.1f}H{right:.1f}" stroke="{INK}" stroke-dasharray="3 3"/>',
                      self.text(right, at - 3, name, anchor="end", size=9)]
        at = self.x0
        for name, colour, points in self.curves:
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in (self.place(*point) for point in points))
            if path:
                parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
            parts.append(self.text(at, HEIGHT - 10, name, colour))
            at += 7 + 5.4 * len(name)
        return "".join(parts)


def draw(name, steps, evaluations, marks=()):
    """The SVG of a run from its lines of metrics.jsonl."""
    end = max((line["step"] for line in steps), default=1)
    window = max(1, len(steps) // 60)

    def curve(key):
        return smooth([(line["step"], line[key]) for line in steps if line.get(key) is not None], window)

    recall = [(line["step"], line["recall_at_1"]) for line in evaluations
              if line.get("recall_at_1") is not None]
    panels = [Panel(0, "loss", [("loss of the batch", INK, curve("loss"))], end, marks=marks),
              Panel(1, "recall_at_1, unseen classes", [("evaluate.data", BLUE, recall)], end, (0.5, 1)),
              Panel(2, "mean cosine of pairs", [("positives", GREEN, curve("positive_similarity")),
                                                ("negatives", RED, curve("negative_similarity"))], end,
                    (0, 1))]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
            f'height="{HEIGHT}" '
            f'font-family="sans-serif" role="img"><title>{name}</title><rect width="100%" height="100%" '
            f'fill="#fff"/>'
            + "".join(panel.draw() for panel in panels) + "</svg>\n")
