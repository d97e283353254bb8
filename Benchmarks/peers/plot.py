"""Draws what `run.py` measured: latency against the number of images, and recall against latency.

    python3 Benchmarks/peers/plot.py --threads 1 --out Runs/today Runs/*/peers.json

`latency.png` has a line per engine through its fastest setting with at least `--recall`; a hollow
point is an engine's best setting where none reaches it. `recall.png` has every setting of the
largest corpus. With one corpus, `latency.png` has points only.
"""

import argparse
import json
import pathlib

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

# Colours that stay apart for colour-blind eyes (Okabe and Ito); filip is black.
COLOURS = ["#e69f00", "#56b4e9", "#009e73", "#d55e00", "#0072b2", "#cc79a7", "#f0e442", "#999999"]


def usable(row, threads):
    return (
        row["threads"] == threads and "p50_ms" in row and row.get("recall_at_10") is not None
        and not row.get("note", "").startswith("wrong"))


def chosen(rows, recall):
    """The fastest row that is good enough, and whether there is one; else the best row."""
    good = [row for row in rows if row["recall_at_10"] >= recall]
    if good:
        return min(good, key=lambda row: row["p50_ms"]), True
    return max(rows, key=lambda row: (row["recall_at_10"], -row["p50_ms"])), False


def styles(documents):
    names = sorted({row["peer"] for document in documents for row in document["rows"]} - {"filip"})
    colours = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}
    return {"filip": "black"} | colours


def latency(documents, threads, recall, colours, path):
    figure, axes = pyplot.subplots(figsize=(7, 5), layout="constrained")
    for name, colour in colours.items():
        points = []
        for document in documents:
            rows = [r for r in document["rows"] if r["peer"] == name and usable(r, threads)]
            if rows:
                row, good = chosen(rows, recall)
                points.append((document["corpus"]["images"], row["p50_ms"], good))
        points.sort()
        if not points:
            continue
        axes.plot([p[0] for p in points], [p[1] for p in points], color=colour, label=name,
                  linewidth=2.5 if name == "filip" else 1.2)
        for images, milliseconds, good in points:
            axes.plot(images, milliseconds, "o", color=colour,
                      markerfacecolor=colour if good else "white")
    finish(axes, "images", "p50 latency, ms", f"{threads} thread(s); hollow: recall@10 below {recall}")
    axes.set_yscale("log")
    figure.savefig(path, dpi=150)


def recall_by_latency(document, threads, colours, path):
    figure, axes = pyplot.subplots(figsize=(7, 5), layout="constrained")
    for name, colour in colours.items():
        rows = [r for r in document["rows"] if r["peer"] == name and usable(r, threads)]
        rows.sort(key=lambda row: (row["recall_at_10"], row["p50_ms"]))
        if rows:
            axes.plot([r["p50_ms"] for r in rows], [r["recall_at_10"] for r in rows], "o-",
                      color=colour, label=name, linewidth=1,
                      markersize=9 if name == "filip" else 6)
    corpus = document["corpus"]
    finish(axes, "p50 latency, ms", "recall@10",
           f"{corpus['images']} images, {corpus['tokens']} tokens of {corpus['dimension']}, "
           f"{threads} thread(s)")
    axes.set_ylim(0, 1.03)
    figure.savefig(path, dpi=150)


def finish(axes, x, y, title):
    axes.set_xscale("log")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(title, fontsize=10)
    axes.grid(True, which="both", linewidth=0.3)
    axes.legend(fontsize=8)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--recall", type=float, default=0.95)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("."))
    arguments = parser.parse_args()
    documents = [json.loads(file.read_text()) for file in arguments.files]
    arguments.out.mkdir(parents=True, exist_ok=True)
    colours = styles(documents)
    latency(documents, arguments.threads, arguments.recall, colours, arguments.out / "latency.png")
    largest = max(documents, key=lambda document: document["corpus"]["images"])
    recall_by_latency(largest, arguments.threads, colours, arguments.out / "recall.png")


if __name__ == "__main__":
    main()
