"""Draws unseen scenes into a folder, with queries about them: an index large enough to measure a search on.

    python3 scene_folder.py FOLDER [--count 20000] [--seed 20261130]

Scenes are drawn in blocks of 500, each from its own seed, by one process per core. Beside the pictures lies
queries.txt, one query per line: `filip bench search --queries` takes it.
"""

import argparse
import multiprocessing
from pathlib import Path

from PIL import Image

import phrases
from queries import draw_scenes, one_object_queries, two_object_queries

BLOCK = 500
QUERIES_PER_BLOCK = 20


def draw_block(job):
    """Draws one block of scenes; returns queries about them."""
    folder, seed, first, count = job
    concepts = phrases.load_concepts()
    scenes = draw_scenes(concepts, seed, count)
    for i, scene in enumerate(scenes):
        Image.fromarray(scene.pixels).save(folder / f"scene-{first + i:06d}.jpg", quality=88)
    table = phrases.phrase_table(concepts)
    half = QUERIES_PER_BLOCK // 2
    asked = one_object_queries(concepts, table, scenes, seed + 1, half)
    asked += two_object_queries(concepts, table, scenes, seed + 2, half)
    return [query.text for query in asked]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=20261130)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    jobs = [(arguments.folder, arguments.seed + 10 * block, first, min(BLOCK, arguments.count - first))
            for block, first in enumerate(range(0, arguments.count, BLOCK))]
    lines = []
    with multiprocessing.Pool() as pool:
        for done, texts in enumerate(pool.imap(draw_block, jobs), 1):
            lines += texts
            print(f"\r{done}/{len(jobs)} blocks", end="", flush=True)
    (arguments.folder / "queries.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"\n{arguments.count} scenes, {len(lines)} queries")


if __name__ == "__main__":
    main()
