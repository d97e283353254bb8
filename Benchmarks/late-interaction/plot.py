"""Draws what `filip eval SET --by-size --json` measured: late interaction and the pooled vector by object size.

    python3 Benchmarks/late-interaction/plot.py gallery.json [scenes.json ...] --output by-size.png

Each file is a panel. Bars: R@1; lines: 95 % intervals of a bootstrap over queries.
"""

import argparse
import json
import pathlib
import re

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

# Blue and orange of Okabe and Ito: told apart by all kinds of colour vision, and in grey.
SYSTEMS = (("filip", "late interaction: a vector per patch and per word", "#0072b2"),
           ("global", "one pooled vector each, of the same model", "#e69f00"))
MEASURE = "R@1"


def groups(document):
    """(label, queries, {scorer: (mean, low, high)} in percent) of all queries and of each size."""
    found = []
    for section in document["sections"]:
        if not section["title"].startswith("text → image"):
            continue
        size = re.search(r"object (.*) of the side", section["title"])
        values = {}
        for row in section["rows"]:
            estimate = row["measures"][MEASURE]
            values[row["scorer"]] = [100 * v for v in (estimate["mean"], *estimate["interval"])]
        found.append((size.group(1) if size else "all", section["queries"], values))
    return found[1:] + found[:1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=pathlib.Path, nargs="+")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    count = len(arguments.files)
    figure, panels = pyplot.subplots(1, count, figsize=(6.4 * count, 4.2), layout="constrained", squeeze=False,
                                     sharey=True)
    for panel, path in zip(panels[0], arguments.files):
        document = json.loads(path.read_text())
        rows = groups(document)
        for offset, (name, label, colour) in zip((-0.2, 0.2), SYSTEMS):
            for place, (_, _, values) in enumerate(rows):
                mean, low, high = values[name]
                panel.bar(place + offset, mean, 0.38, color=colour, label=label if place == 0 else None)
                panel.errorbar(place + offset, mean, [[max(0, mean - low)], [max(0, high - mean)]], color="black",
                               capsize=3, linewidth=1)
                panel.annotate(f"{mean:.0f}", (place + offset, 2), ha="center", color="white" if name == "filip"
                               else "black", fontsize=9)
        panel.set_xticks(range(len(rows)), [f"{size}\n{queries} queries" for size, queries, _ in rows])
        panel.set(ylim=(0, 100), title=f"{path.stem}: {document['documents']:,} pictures".replace(",", " "),
                  xlabel="longest side of the object, share of the picture's side")
        panel.spines[["top", "right"]].set_visible(False)
        panel.yaxis.grid(True, color="#e6e6e6")
        panel.set_axisbelow(True)
    panels[0][0].set_ylabel("right picture first (R@1), %")
    panels[0][0].legend(frameon=False, loc="upper left", fontsize=9)
    figure.savefig(arguments.output, dpi=130)


if __name__ == "__main__":
    main()
