"""Runs one engine on vectors that `filip bench search --export-peers` wrote, in a process of its own.

    python3 peers.py NAME --data DIR --threads N --scratch DIR

Writes a JSON list to standard output: one object per setting of the engine, with latencies, recall
and the largest error of its scores. `run.py` calls this with the environment that sets every
library's number of threads; by hand, set OMP_NUM_THREADS and RAYON_NUM_THREADS yourself.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import pathlib
import sys
import time

import numpy

K = 10


class Data:
    """Tokens as stored, in single precision; queries; and the exact answers."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.tokens = numpy.load(folder / "tokens.npy").astype(numpy.float32)
        self.lengths = numpy.load(folder / "lengths.npy")
        self.offsets = numpy.concatenate([[0], numpy.cumsum(self.lengths)])
        self.exact = numpy.load(folder / "exact.npy")
        self.exact_scores = numpy.load(folder / "exact-scores.npy")
        words = numpy.load(folder / "queries.npy")
        ends = numpy.cumsum(numpy.load(folder / "query-lengths.npy"))[:-1]
        self.queries = [numpy.ascontiguousarray(query) for query in numpy.split(words, ends)]
        self.dimension = self.tokens.shape[1]
        # Whether engines leave out what they would need an approximate index for.
        self.exhaustive_only = False

    @property
    def images(self):
        """A matrix for each image."""
        return [self.tokens[a:b] for a, b in zip(self.offsets, self.offsets[1:])]

    @property
    def cube(self):
        """(images, tokens, d) when all images have as many tokens; else `None`."""
        if len(set(self.lengths)) != 1:
            return None
        return self.tokens.reshape(len(self.lengths), -1, self.dimension)


def best(scores, k):
    """Positions and values of the k largest, best first; ties by position."""
    chosen = numpy.argpartition(-scores, min(k, len(scores) - 1))[:k]
    chosen = chosen[numpy.lexsort((chosen, -scores[chosen]))]
    return chosen, scores[chosen]


# Each engine is a generator: build(data, threads, scratch). It yields START where its building
# begins, or the seconds that building took, and (setting, search) when something can be asked; search(query, k) gives positions and
# scores, best first, the scores as means over the words. Time between the two counts as building,
# time that the caller spends on searches does not.
START = object()


def build_once(folder, build):
    """Builds an index in a folder, unless an earlier run did; the seconds that it took then."""
    done = folder.with_suffix(".seconds")
    if not done.exists():
        start = time.perf_counter()
        with contextlib.redirect_stdout(sys.stderr):
            build()
        done.write_text(str(time.perf_counter() - start))
    return float(done.read_text())


def build_numpy(data, threads, scratch):
    yield START
    starts = data.offsets[:-1]

    def search(query, k):
        products = data.tokens @ query.T
        return best(numpy.maximum.reduceat(products, starts, axis=0).mean(axis=1), k)

    yield "float32", search


def build_torch(data, threads, scratch, type_name):
    import torch

    torch.set_num_threads(threads)
    kind = getattr(torch, type_name)
    if data.cube is None:
        raise SystemExit("torch is run on images of equal token counts only")
    count, tokens, dimension = data.cube.shape
    yield START
    rows = torch.from_numpy(data.tokens).to(kind)

    @torch.inference_mode()
    def search(query, k):
        products = rows @ torch.from_numpy(query).to(kind).T
        scores = products.view(count, tokens, -1).amax(dim=1).float().mean(dim=1)
        values, positions = scores.topk(k)
        return positions.numpy(), values.numpy()

    yield type_name, search


def build_maxsim_cpu(data, threads, scratch):
    import maxsim_cpu

    yield START
    cube, images = data.cube, None if data.cube is not None else data.images

    def search(query, k):
        scores = (
            maxsim_cpu.maxsim_scores(query, cube)
            if cube is not None
            else maxsim_cpu.maxsim_scores_variable(query, images)
        )
        return best(numpy.asarray(scores) / len(query), k)

    yield "float32", search


def build_numkong(data, threads, scratch):
    import numkong

    convert = {
        "bf16": lambda rows: numkong.astype(numpy.ascontiguousarray(rows), "bfloat16"),
        "f16": lambda rows: numpy.ascontiguousarray(rows, dtype=numpy.float16),
        "f32": numpy.ascontiguousarray,
    }
    for kind, converted in convert.items():
        yield START
        packed = [numkong.maxsim_pack(converted(image)) for image in data.images]

        def distances(query, part):
            words = numkong.maxsim_pack(converted(query))
            return numpy.array([numkong.maxsim_packed(words, packed[index]) for index in part])

        with Workers(distances, len(packed), threads) as workers:

            def search(query, k):
                # NumKong sums 1 - cosine over the words.
                return best(1 - workers.ask(query) / len(query), k)

            yield kind, search


class Workers:
    """Processes that share one engine's work, for libraries that keep the interpreter locked."""

    def __init__(self, work, count, processes):
        import multiprocessing

        fork = multiprocessing.get_context("fork")
        parts = numpy.array_split(numpy.arange(count), processes)
        self.mine = lambda query: work(query, parts[0])
        self.others = []
        for part in parts[1:]:
            here, there = fork.Pipe()
            worker = fork.Process(target=self.serve, args=(there, work, part), daemon=True)
            worker.start()
            self.others.append((here, worker))

    @staticmethod
    def serve(pipe, work, part):
        while (query := pipe.recv()) is not None:
            pipe.send(work(query, part))

    def ask(self, query):
        for pipe, _ in self.others:
            pipe.send(query)
        return numpy.concatenate([self.mine(query)] + [pipe.recv() for pipe, _ in self.others])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pipe, worker in self.others:
            pipe.send(None)
            worker.join()


def build_fast_plaid(data, threads, scratch):
    import torch
    from fast_plaid import search as plaid

    torch.set_num_threads(threads)
    index = plaid.FastPlaid(index=str(scratch / "fast-plaid"), device="cpu")
    yield build_once(
        scratch / "fast-plaid",
        lambda: index.create(
            documents_embeddings=[torch.from_numpy(image) for image in data.images]))
    for probes, full in ((8, 4096), (32, 4096), (128, 8192), (512, 1 << 20)):

        def search(query, k, probes=probes, full=full):
            found = index.search(
                torch.from_numpy(query)[None], top_k=k, n_ivf_probe=probes, n_full_scores=full,
                show_progress=False,
            )[0]
            return split(found, len(query))

        note = " (default)" if probes == 8 else ""
        yield f"4 bits, n_ivf_probe {probes}, n_full_scores {full}{note}", search


def build_xtr_warp(data, threads, scratch):
    import torch
    from xtr_warp import XTRWarp

    torch.set_num_threads(threads)
    index = XTRWarp(index=str(scratch / "xtr-warp"), device="cpu")
    yield build_once(
        scratch / "xtr-warp",
        lambda: index.create(
            [torch.from_numpy(image) for image in data.images], device="cpu", show_progress=False))
    with contextlib.redirect_stdout(sys.stderr):
        index.load(device="cpu")
    for probes in (None, 32, 128, 512):

        def search(query, k, probes=probes):
            more = {} if probes is None else {"nprobe": probes, "bound": max(128, 2 * probes)}
            found = index.search(
                torch.from_numpy(query)[None], top_k=k, num_threads=threads, show_progress=False,
                **more,
            )[0]
            return split(found, len(query))

        yield "4 bits, " + ("default" if probes is None else f"nprobe {probes}"), search


def split(pairs, words):
    positions = numpy.array([position for position, _ in pairs], dtype=numpy.int64)
    return positions, numpy.array([score for _, score in pairs]) / words


def build_lancedb(data, threads, scratch):
    import lancedb
    import pyarrow
    from lancedb.index import IvfPq

    yield START
    database = lancedb.connect(str(scratch / "lancedb"))
    vector = pyarrow.list_(pyarrow.list_(pyarrow.float32(), data.dimension))
    flat = pyarrow.FixedSizeListArray.from_arrays(data.tokens.ravel(), data.dimension)
    vectors = pyarrow.ListArray.from_arrays(
        pyarrow.array(data.offsets.astype(numpy.int32)), flat).cast(vector)
    ids = pyarrow.array(numpy.arange(len(data.lengths)))
    table = database.create_table(
        "images", pyarrow.table({"id": ids, "vector": vectors}), mode="overwrite")

    def exhaustive(query, k):
        return rows(
            table.search(query, vector_column_name="vector").distance_type("cosine")
            .bypass_vector_index().limit(k), query)

    def rows(request, query):
        found = request.select(["id", "_distance"]).to_arrow()
        # The distance is the sum over the words of 1 - cosine.
        score = 1 - found["_distance"].to_numpy() / len(query)
        return found["id"].to_numpy(), score

    yield "exhaustive", exhaustive
    if data.exhaustive_only:
        return
    table.create_index("vector", config=IvfPq(distance_type="cosine"))
    for probes, refine in ((20, None), (20, 10), (100, 20)):

        def search(query, k, probes=probes, refine=refine):
            request = (
                table.search(query, vector_column_name="vector").distance_type("cosine")
                .nprobes(probes).limit(k)
            )
            return rows(request.refine_factor(refine) if refine else request, query)

        note = f", refine_factor {refine}" if refine else ""
        yield f"IVF_PQ, nprobes {probes}{note}", search


ENGINES = {
    "numpy": ("numpy", build_numpy),
    "torch-fp32": ("torch", lambda *a: build_torch(*a, "float32")),
    "torch-bf16": ("torch", lambda *a: build_torch(*a, "bfloat16")),
    "maxsim-cpu": ("maxsim-cpu", build_maxsim_cpu),
    "numkong": ("numkong", build_numkong),
    "fast-plaid": ("fast-plaid", build_fast_plaid),
    "xtr-warp-rs": ("xtr-warp-rs", build_xtr_warp),
    "lancedb": ("lancedb", build_lancedb),
}


def measure(search, data, limit_seconds):
    """Latencies of one query after the other, and how right the answers are."""
    for query in data.queries[:3]:
        search(query, K)
    latencies, found, errors = [], [], []
    began = time.perf_counter()
    for number, query in enumerate(data.queries):
        start = time.perf_counter()
        positions, scores = search(query, K)
        latencies.append(time.perf_counter() - start)
        positions = numpy.asarray(positions)[:K]
        wanted = data.exact[number, :K]
        found.append(len(set(positions.tolist()) & set(wanted.tolist())) / len(wanted))
        for position, score in zip(positions, scores):
            # Only images of the exact answer have a score to compare with.
            place = numpy.nonzero(data.exact[number] == position)[0]
            if len(place):
                errors.append(abs(float(score) - float(data.exact_scores[number, place[0]])))
        if time.perf_counter() - began > limit_seconds:
            break
    milliseconds = numpy.array(latencies) * 1_000
    finite = [error for error in errors if numpy.isfinite(error)]
    return {
        "queries": len(latencies),
        "p50_ms": float(numpy.percentile(milliseconds, 50)),
        "p95_ms": float(numpy.percentile(milliseconds, 95)),
        "mean_ms": float(milliseconds.mean()),
        "recall_at_10": float(numpy.mean(found)),
        "score_error": max(finite) if len(finite) == len(errors) and finite else None,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=ENGINES)
    parser.add_argument("--data", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("--limit", type=float, default=60, help="seconds per setting")
    parser.add_argument("--exhaustive-only", action="store_true")
    arguments = parser.parse_args()
    # Libraries print what they like; the results go where standard output was.
    results = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    package, build = ENGINES[arguments.name]
    data = Data(arguments.data)
    data.exhaustive_only = arguments.exhaustive_only
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    output = []
    build_seconds, resumed = 0.0, time.perf_counter()
    for item in build(data, arguments.threads, arguments.scratch):
        build_seconds += time.perf_counter() - resumed
        if item is START or isinstance(item, float):
            build_seconds, resumed = 0.0 if item is START else item, time.perf_counter()
            continue
        setting, search = item
        row = {
            "peer": arguments.name, "version": importlib.metadata.version(package),
            "setting": setting, "threads": arguments.threads, "build_seconds": build_seconds,
        }
        try:
            row |= measure(search, data, arguments.limit)
        except Exception as error:  # An engine that fails is a result too.
            row["error"] = f"{type(error).__name__}: {error}"[:300]
        output.append(row)
        resumed = time.perf_counter()
    json.dump(output, results)
    results.flush()


if __name__ == "__main__":
    main()
