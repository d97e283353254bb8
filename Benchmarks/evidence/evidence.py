"""Can a score say that nothing shows a word? Present against absent words, by several rules.

    python3 evidence.py FOLDER [--draw COUNT] [--filip PROGRAM] [--work FOLDER]

FOLDER holds pictures and captions.json as Examples/gallery does; with --draw, scenes that nobody has seen are drawn into it
first (see Training). Words are the names of all things that the pictures show. From the pictures, indexes of 30, 100 and 300
are drawn ten times over; of each word it is known whether one of an index's pictures shows it. Needs NumPy.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

SIZES, REPETITIONS, SEED = (30, 100, 300), 10, 0


def draw(folder, count):
    """Draws scenes from seeds that nothing else uses."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Training"))
    import gallery
    gallery.SCENES, gallery.QUERIES = count, 100
    gallery.GALLERY_SEED, gallery.QUERY_SEED = 20261201, 20261202
    sys.argv = ["gallery.py", str(folder)]
    gallery.main()


def embed(program, arguments, file):
    """Token matrices of what `filip embed` is given, in its order."""
    if not file.exists():
        subprocess.run([program, "embed", "-q", *arguments, "-o", str(file)], check=True)
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])

    def tensor(name, kind):
        start, end = header[name]["data_offsets"]
        return np.frombuffer(data[8 + length + start:8 + length + end], kind).reshape(header[name]["shape"])

    ends = np.cumsum(tensor("lengths", np.int64))
    return np.split(tensor("embeddings", np.float32), ends[:-1])


def scores(words, pictures):
    """[words, pictures]: the mean over a word's tokens of the best patch."""
    stack = np.stack(pictures)
    return np.stack([np.einsum("nkd,wd->nkw", stack, word).max(1).mean(1) for word in words])


def auroc(present, absent):
    both = np.concatenate([present, absent])
    ranks = np.empty(len(both))
    ranks[np.argsort(both, kind="stable")] = np.arange(1, len(both) + 1)
    count = len(present)
    return (ranks[:count].sum() - count * (count + 1) / 2) / (count * len(absent))


def tail(s):
    """Top score above the 90th percentile, in units of the mean exceedance below it (exponential tail)."""
    falling = -np.sort(-s, 1)
    k = max(6, s.shape[1] // 10)
    return (falling[:, 0] - falling[:, k]) / (falling[:, 1:k] - falling[:, k:k + 1]).mean(1)


def gap(s, k):
    falling = -np.sort(-s, 1)
    return falling[:, 0] - falling[:, k]


def center(s):
    return np.median(s, 1, keepdims=True)


def spread(s):
    return 1.4826 * np.median(abs(s - center(s)), 1, keepdims=True)


RULES = {
    "best score (flat)": lambda s: s.max(1),
    "best − half the word's mean": lambda s: s.max(1) - 0.5 * s.mean(1),
    "best − mean of the word": lambda s: s.max(1) - s.mean(1),
    "(best − mean) / deviation": lambda s: (s.max(1) - s.mean(1)) / s.std(1),
    "(best − median) / MAD": lambda s: ((s - center(s)) / spread(s)).max(1),
    "best − 5th best": lambda s: gap(s, 5),
    "best − 10th best": lambda s: gap(s, 10),
    "exponential tail": tail,
}


def chance(count):
    """`Background.chanceEvidence`: where the largest of `count` normal numbers is likeliest to lie."""
    root = math.sqrt(2 * math.log(count))
    return root - (math.log(math.log(count)) + math.log(4 * math.pi)) / (2 * root)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draw", type=int)
    parser.add_argument("--filip", default=".build/release/filip")
    parser.add_argument("--work", type=Path)
    arguments = parser.parse_args()
    if arguments.draw:
        draw(arguments.folder, arguments.draw)
    captions = json.loads((arguments.folder / "captions.json").read_text(encoding="utf-8"))
    names = sorted(captions)
    shown = {}
    for index, name in enumerate(names):
        for thing in captions[name]["objects"]:
            for phrase in thing["phrases"]:
                shown.setdefault(phrase, set()).add(index)
    phrases = sorted(shown)
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        pictures = embed(arguments.filip, [str(arguments.folder / n) for n in names], work / "pictures.safetensors")
        texts = [part for phrase in phrases for part in ("--text", phrase)]
        words = embed(arguments.filip, texts, work / "words.safetensors")
    table = scores(words, pictures)
    truth = np.zeros(table.shape, bool)
    for row, phrase in enumerate(phrases):
        truth[row, list(shown[phrase])] = True

    print(f"{len(names)} pictures, {len(phrases)} words\n")
    z = (table - table.mean(1, keepdims=True)) / table.std(1, keepdims=True)
    print("Pairs of a word and a picture, all words together, AUROC: "
          f"score {auroc(table[truth], table[~truth]):.3f}, z {auroc(z[truth], z[~truth]):.3f}\n")
    print("| pictures | rule | AUROC | least error | absent words found out, 5 % of present ones lost |\n"
          "| ---: | --- | ---: | ---: | ---: |")
    rng = np.random.default_rng(SEED)
    notes = []
    for size in SIZES:
        if size >= len(names):
            continue
        values = {rule: ([], []) for rule in RULES}
        for _ in range(REPETITIONS):
            chosen = rng.permutation(len(names))[:size]
            part, there = table[:, chosen], truth[:, chosen].any(1)
            for rule, measure in RULES.items():
                value = measure(part)
                values[rule][0].append(value[there])
                values[rule][1].append(value[~there])
        for rule, (present, absent) in values.items():
            present, absent = np.concatenate(present), np.concatenate(absent)
            limits = np.quantile(np.concatenate([present, absent]), np.linspace(0, 1, 400))
            errors = [((present < t).mean() + (absent >= t).mean()) / 2 for t in limits]
            found_out = (absent < np.quantile(present, 0.05)).mean()
            print(f"| {size} | {rule} | {auroc(present, absent):.3f} | {min(errors):.3f} | {found_out:.3f} |")
            if rule.endswith("/ deviation"):
                limit = chance(size)
                notes.append(f"| {size} | {limit:.2f} | {(present < limit).mean():.3f} | {(absent < limit).mean():.3f} |")
    print("\nBy default (evidence below that of chance):\n\n"
          "| pictures | limit | present words called missing | absent words called missing |\n"
          "| ---: | ---: | ---: | ---: |\n" + "\n".join(notes))


if __name__ == "__main__":
    main()
