"""What `filip bench store` measures, of LanceDB and of Qdrant's embedded edition, on the same vectors.

    filip bench search --synthetic images=5000,tokens=50,dimension=128 --queries-count 1 --export-peers DIR
    python3 Benchmarks/store/peers.py DIR

Needs lancedb and qdrant-client from PyPI. Prints one line of JSON for each engine: openings, commits of one
image, images per second in portions of 256, and bytes per image on the disk.
"""

import argparse
import json
import pathlib
import statistics
import tempfile
import time

import numpy

PORTION = 256


def seconds(body):
    start = time.perf_counter()
    body()
    return time.perf_counter() - start


def times(values):
    values = sorted(values)
    return {
        "p50_ms": 1_000 * statistics.median(values),
        "p95_ms": 1_000 * values[min(len(values) - 1, int(0.95 * len(values)))],
        "count": len(values),
    }


def folder_bytes(folder):
    return sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*") if path.is_file())


class LanceDB:
    name = "lancedb"

    def __init__(self, folder, dimension):
        import lancedb
        import pyarrow

        self.arrow, self.lancedb, self.folder = pyarrow, lancedb, folder
        self.vector = pyarrow.list_(pyarrow.list_(pyarrow.float32(), dimension))
        self.schema = pyarrow.schema([("id", pyarrow.int64()), ("vector", self.vector)])
        self.table = lancedb.connect(folder).create_table("images", schema=self.schema)

    def add(self, first, images):
        rows = [[row.tolist() for row in image] for image in images]
        self.table.add(
            self.arrow.table(
                {"id": self.arrow.array(range(first, first + len(images))),
                 "vector": self.arrow.array(rows, type=self.vector)}))

    def remove(self, number):
        self.table.delete(f"id = {number}")

    def open(self):
        self.lancedb.connect(self.folder).open_table("images").count_rows()

    def close(self):
        pass


class Qdrant:
    name = "qdrant-client (embedded)"

    def __init__(self, folder, dimension):
        from qdrant_client import QdrantClient, models

        self.client_class, self.models, self.folder = QdrantClient, models, folder
        self.client = QdrantClient(path=folder)
        self.client.create_collection(
            "images",
            vectors_config=models.VectorParams(
                size=dimension, distance=models.Distance.COSINE,
                multivector_config=models.MultiVectorConfig(
                    comparator=models.MultiVectorComparator.MAX_SIM)))

    def add(self, first, images):
        self.client.upsert(
            "images",
            [self.models.PointStruct(id=first + i, vector=image.tolist())
             for i, image in enumerate(images)])

    def remove(self, number):
        self.client.delete("images", self.models.PointIdsList(points=[number]))

    def open(self):
        client = self.client_class(path=self.folder)
        client.count("images")
        client.close()

    def close(self):
        self.client.close()


def measure(engine_class, images, repetitions):
    with tempfile.TemporaryDirectory() as folder:
        engine = engine_class(folder, images[0].shape[1])
        adding = sum(
            seconds(lambda: engine.add(first, images[first:first + PORTION]))
            for first in range(0, len(images), PORTION))
        size = folder_bytes(folder)
        one = [
            seconds(lambda: engine.add(len(images) + i, images[i:i + 1])) for i in range(repetitions)]
        away = [seconds(lambda: engine.remove(len(images) + i)) for i in range(repetitions)]
        engine.close()
        opening = [seconds(engine.open) for _ in range(max(3, repetitions // 10))]
    return {
        "engine": engine.name, "images": len(images), "open": times(opening), "add_one": times(one),
        "remove_one": times(away), "images_per_second": len(images) / adding,
        "bytes_per_image": size / len(images),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--repetitions", type=int, default=50)
    arguments = parser.parse_args()
    tokens = numpy.load(arguments.data / "tokens.npy").astype(numpy.float32)
    ends = numpy.cumsum(numpy.load(arguments.data / "lengths.npy"))[:-1]
    images = numpy.split(tokens, ends)
    for engine in (LanceDB, Qdrant):
        print(json.dumps(measure(engine, images, arguments.repetitions)), flush=True)


if __name__ == "__main__":
    main()
