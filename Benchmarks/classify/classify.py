"""How often `filip classify` names a thing that a picture of the gallery shows, by direction and prompts.

    python3 Benchmarks/classify/classify.py [FILIP [GALLERY]]
"""

import json
import pathlib
import subprocess
import sys
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
FILIP = sys.argv[1] if len(sys.argv) > 1 else str(REPOSITORY / ".build/release/filip")
GALLERY = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else REPOSITORY / "Examples/gallery")

PROMPTS = {
    "the bare label": ["--template", "{}"],
    "a photo of a {}": [],
    "FILIP's for ImageNet": ["--prompts", "imagenet"],
    "the same, softmax": ["--prompts", "imagenet", "--ensemble", "softmax"],
}
DIRECTIONS = {
    "text to image": ["--direction", "t2i"],
    "image to text": ["--direction", "i2t"],
    "mean": ["--direction", "mean"],
    "pooled": ["--pooled"],
}


def main():
    captions = json.loads((GALLERY / "captions.json").read_text())
    shown = {file: {thing["name"] for thing in captions[file]["objects"]} for file in captions}
    labels = sorted(set().union(*shown.values()))
    files = [str(GALLERY / file) for file in sorted(captions)]
    print(f"{len(files)} pictures, {len(labels)} labels; first label right / one of five, in percent\n")
    print("| prompts |", " | ".join(DIRECTIONS), "|\n| --- |" + " ---: |" * len(DIRECTIONS))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as list_of_labels:
        list_of_labels.write("\n".join(labels))
        list_of_labels.flush()
        for name, prompts in PROMPTS.items():
            cells = []
            for direction in DIRECTIONS.values():
                command = [FILIP, "classify", "-q", "--json", "--labels", list_of_labels.name]
                run = subprocess.run(
                    [*command, *prompts, *direction, *files], check=True, capture_output=True
                )
                hits = [
                    [label["label"] in shown[pathlib.Path(result["path"]).name] for label in result["labels"]]
                    for result in json.loads(run.stdout)["results"]
                ]
                first = 100 * sum(hit[0] for hit in hits) / len(hits)
                five = 100 * sum(any(hit) for hit in hits) / len(hits)
                cells.append(f"{first:.1f} / {five:.1f}")
            print(f"| {name} |", " | ".join(cells), "|", flush=True)


main()
