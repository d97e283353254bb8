"""Which rule for the score of a box finds objects best: pointing and overlap on a labelled gallery.

    python3 Benchmarks/regions/regions.py [FILIP [GALLERY]]

Tokens are made by `filip embed`; boxes and rules are written here anew, in NumPy.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
FILIP = sys.argv[1] if len(sys.argv) > 1 else str(REPOSITORY / ".build/release/filip")
GALLERY = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else REPOSITORY / "Examples/gallery")


def embed(arguments):
    """The tokens of each item, as doubles, and what names the items."""
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/tokens.safetensors"
        subprocess.run([FILIP, "embed", "-q", "-o", path, *arguments], check=True)
        data = pathlib.Path(path).read_bytes()
        names = [json.loads(line) for line in pathlib.Path(path + ".jsonl").read_text().splitlines()]
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])

    def tensor(name, kind):
        start, end = header[name]["data_offsets"]
        return np.frombuffer(data[8 + size + start : 8 + size + end], kind).reshape(
            header[name]["shape"]
        )

    ends = np.cumsum(tensor("lengths", "<i8"))
    return np.split(tensor("embeddings", "<f4").astype(float), ends[:-1]), names


def boxes(rows, columns):
    """(top, left, height, width), as `PatchGrid.boxes` documents them."""
    sides = [1, 2, 3]
    while sides[-1] < max(rows, columns):
        sides.append(2 * sides[-2])
    starts = lambda n, all: [*range(0, all - n, max(1, n // 2)), all - n] if n <= all else []
    found = {(0, 0, rows, columns)}
    for side in sides:
        for height, width in (side, side), (side, 2 * side), (2 * side, side):
            for top in starts(height, rows):
                found |= {(top, left, height, width) for left in starts(width, columns)}
    return sorted(found, key=lambda box: (box[2] * box[3], box))


def overlap(a, b):
    """Intersection over union of two boxes x, y, width, height."""
    shared = 1.0
    union = a[2] * a[3] + b[2] * b[3]
    for axis in 0, 1:
        low, high = max(a[axis], b[axis]), min(a[axis] + a[axis + 2], b[axis] + b[axis + 2])
        shared *= max(0, high - low)
    return shared / (union - shared)


def points(box, truth):
    """Whether the middle of a box lies in a true one, or within half a patch of an 8 × 8 grid."""
    return all(
        truth[axis] - 1 / 16 <= box[axis] + box[axis + 2] / 2 <= truth[axis] + truth[axis + 2] + 1 / 16
        for axis in (0, 1)
    )


RULES = {
    "best patch": lambda best, cosine, mean: best,
    "mean of the patches, normalised": lambda best, cosine, mean: cosine,
    "mean similarity": lambda best, cosine, mean: mean,
    "larger of best patch and mean": lambda best, cosine, mean: np.maximum(best, cosine),
    "half each (ours)": lambda best, cosine, mean: (best + cosine) / 2,
}


def main():
    captions = json.loads((GALLERY / "captions.json").read_text())
    queries = json.loads((GALLERY / "queries.json").read_text())
    files = sorted(captions)
    images, descriptions = embed([str(GALLERY / file) for file in files])
    words, _ = embed([part for query in queries for part in ("--text", query["query"])])
    results = {rule: [] for rule in RULES}
    ranks = {rule: [] for rule in ["whole image", *RULES]}
    prepared = []
    for tokens, description in zip(images, descriptions):
        columns, rows = description["grid"][0]
        all = boxes(rows, columns)
        members = np.zeros((len(all), rows, columns))
        for index, (top, left, height, width) in enumerate(all):
            members[index, top : top + height, left : left + width] = 1
        members = members.reshape(len(all), -1) > 0
        means = members @ tokens / members.sum(1, keepdims=True)
        fractions = [(x / columns, y / rows, w / columns, h / rows) for y, x, h, w in all]
        prepared.append((tokens, members, means, np.linalg.norm(means, axis=1), fractions))
    for query, rows in zip(queries, words):
        truths = {
            file: [
                item["box"]
                for item in captions[file]["objects"]
                if query["name"] in item["phrases"]
                and query["size"] in (None, item["size"])
                and query["colour"] in (None, item["colour"])
            ]
            for file in query["files"]
        }
        largest = {rule: [] for rule in ranks}
        for file, (tokens, members, means, lengths, fractions) in zip(files, prepared):
            similarities = rows @ tokens.T
            best = np.where(members[:, None], similarities[None], -np.inf).max(2)
            mean = means @ rows.T
            largest["whole image"].append(similarities.max(1).mean())
            for rule, score in RULES.items():
                scores = score(best, mean / lengths[:, None], mean).mean(1)
                largest[rule].append(scores.max())
                if truths.get(file):
                    box = fractions[np.argmax(scores >= scores.max() - 1e-12)]
                    results[rule].append(
                        (
                            any(points(box, truth) for truth in truths[file]),
                            max(overlap(box, truth) for truth in truths[file]),
                        )
                    )
        relevant = [files.index(file) for file in query["files"]]
        for rule, scores in largest.items():
            ranks[rule].append(min((np.array(scores) > scores[index]).sum() for index in relevant))
    print("| rule | points inside | IoU | R@1 by the best box |\n| --- | ---: | ---: | ---: |")
    for rule, found in ranks.items():
        first = 100 * np.mean(np.array(found) < 1)
        if rule in results:
            inside, shared = np.mean(results[rule], axis=0)
            print(f"| {rule} | {100 * inside:.1f} % | {shared:.3f} | {first:.1f} |")
        else:
            print(f"| {rule} | | | {first:.1f} |")
    print(f"\n{len(results['best patch'])} objects, {len(queries)} queries")


main()
