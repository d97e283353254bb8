"""Draws what `run` measured: latency against the number of images, and recall against latency.

    python3 Benchmarks/growth/plot.py DIR [--threads 2] [--peers peers.json]

DIR/growth.png: exact and cascade, with lines of slope one for comparison. DIR/recall.png: the cascade
with several numbers of candidates on the largest index; with --peers, a second panel with every
setting of every engine on the corpus of that file.
"""

import argparse
import json
import pathlib

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot


def read(folder, threads):
    """(images, kind, p50 ms, p95 ms, recall@10) of every file."""
    rows = []
    for path in folder.glob("*-*.json"):
        images, kind = path.stem.split("-")
        document = json.loads(path.read_text())
        run = next(r for r in document["runs"] if r["threads"] == threads and r["concurrent"] == 1)
        recall = {e["k"]: e["share"] for e in (document.get("recall") or {"at": []})["at"]}
        rows.append((int(images), kind, run["p50_ms"], run["p95_ms"], recall.get(10)))
    return sorted(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", type=pathlib.Path)
    arguments = parser.parse_args()
    rows = read(arguments.folder, arguments.threads)

    figure, axes = pyplot.subplots(figsize=(7, 4.6), layout="constrained")
    for kind, colour in (("exact", "black"), ("cascade", "#d55e00")):
        points = [r for r in rows if r[1] == kind]
        axes.plot([r[0] for r in points], [r[2] for r in points], "o-", color=colour, label=f"{kind}, p50")
        axes.plot([r[0] for r in points], [r[3] for r in points], ":", color=colour, label=f"{kind}, p95")
        for images, _, p50, _, recall in points:
            if kind == "cascade" and recall is not None:
                axes.annotate(f"{recall:.3f}", (images, p50), xytext=(0, -14), textcoords="offset points",
                              ha="center", fontsize=8, color=colour)
    first = next(r for r in rows if r[1] == "exact")
    last = rows[-1][0]
    axes.plot([first[0], last], [first[2], first[2] * last / first[0]], color="#999999", linewidth=0.8,
              label="proportional to the images")
    axes.set(xscale="log", yscale="log", xlabel="images of 50 tokens × 128", ylabel="latency, ms",
             title=f"8 words, {arguments.threads} threads; numbers: recall@10 of the cascade")
    axes.grid(True, which="both", color="#eeeeee")
    axes.legend(frameon=False)
    figure.savefig(arguments.folder / "growth.png", dpi=130)

    if not any(r[1].isdigit() and r[4] is not None for r in rows):
        print("no runs with several numbers of candidates: recall.png is not drawn")
        return
    panels = 2 if arguments.peers else 1
    figure, axes = pyplot.subplots(1, panels, figsize=(6.2 * panels, 4.6), layout="constrained", squeeze=False)
    largest = max(r[0] for r in rows if r[1].isdigit() and r[4] is not None)
    points = sorted((r for r in rows if r[0] == largest and r[1] != "exact" and r[4] is not None), key=lambda r: r[2])
    left = axes[0][0]
    left.plot([r[2] for r in points], [r[4] for r in points], "o-", color="#d55e00", label="cascade")
    for _, kind, p50, _, recall in points:
        left.annotate(kind, (p50, recall), xytext=(4, -12), textcoords="offset points", fontsize=8)
    exact = next(r for r in rows if r[0] == largest and r[1] == "exact")
    left.plot(exact[2], 1.0, "*", markersize=12, color="black", label="exact")
    left.set(title=f"{largest:,} images × 50 × 128".replace(",", " "))
    if arguments.peers:
        right = axes[0][1]
        document = json.loads(arguments.peers.read_text())
        colours = ["#e69f00", "#56b4e9", "#009e73", "#0072b2", "#cc79a7", "#f0e442", "#999999", "#882255"]
        names = sorted({r["peer"] for r in document["rows"]} - {"filip"})
        for name in ["filip"] + names:
            shown = [r for r in document["rows"] if r["peer"] == name and r["threads"] == arguments.threads
                     and "p50_ms" in r and r.get("recall_at_10") is not None
                     and not r.get("note", "").startswith("wrong")]
            colour = "black" if name == "filip" else colours[names.index(name) % len(colours)]
            right.plot([r["p50_ms"] for r in shown], [r["recall_at_10"] for r in shown],
                       "*" if name == "filip" else "o", markersize=12 if name == "filip" else 6,
                       color=colour, label=name)
        corpus = document["corpus"]
        right.set(title=f"{corpus['images']} images, {corpus['tokens'] // corpus['images']} × {corpus['dimension']}")
    for panel in axes[0]:
        panel.set(xscale="log", xlabel="p50 latency, ms", ylabel="recall@10", ylim=(0, 1.03))
        panel.grid(True, which="both", color="#eeeeee")
        panel.legend(frameon=False, loc="lower right")
    figure.savefig(arguments.folder / "recall.png", dpi=130)


if __name__ == "__main__":
    main()
