#!/usr/bin/env python3
"""Compares the speed of the vision tower with ONNX Runtime's and PyTorch's, on the same weights.

    python3 Benchmarks/encoder/compare.py [--rounds 5] [--batch 8] [--workers 1 2]

Makes a CLIP ViT-B/16 with random weights in a temporary folder, exports its vision tower and
projection (all tokens, as in token mode `patch`) to ONNX, rounds that to 8 bits as ONNX Runtime
does by itself (quantize_dynamic), and times five programs with one thread a worker: filip in f32
and in int8, ONNX Runtime with either file, PyTorch in f32. Rounds alternate between the programs,
so that other work on the machine disturbs all alike. Prints images per second of the best round,
and for each pair that matters the median over the rounds of the ratio (above 1: filip is faster),
by wall clock and by processor time, which other programs disturb less; and each program's peak
memory.

Needs torch, transformers, onnx, onnxscript, onnxruntime and a built EncoderBenchmark:

    swift build -c release --package-path Benchmarks/encoder
"""

import argparse
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
PAIRS = [
    ("filip f32", "onnx f32"),
    ("filip int8", "onnx int8"),
    ("filip int8", "torch f32"),
]


def make_model(folder):
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from safetensors.torch import save_file
    from transformers import CLIPConfig, CLIPModel

    class Tower(torch.nn.Module):
        """All patches and the class token in the joint space, as filip computes them."""

        def __init__(self, model):
            super().__init__()
            self.vision, self.projection = model.vision_model, model.visual_projection

        def forward(self, pixels):
            tokens = self.vision.post_layernorm(self.vision(pixels).last_hidden_state)
            return torch.nn.functional.normalize(self.projection(tokens), dim=-1)

    torch.manual_seed(0)
    model = CLIPModel(CLIPConfig(vision_config={"patch_size": 16})).eval()
    weights = {k: v.contiguous() for k, v in model.state_dict().items() if v.is_floating_point()}
    save_file(weights, folder / "model.safetensors")
    config = {"model_type": "clip", "vision_config": {"patch_size": 16}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text("{}")
    pixels = torch.randn(2, 3, 224, 224)
    tower = Tower(model)
    with torch.no_grad():
        torch.jit.trace(tower, pixels).save(str(folder / "vision.pt"))
        torch.onnx.export(
            tower, (pixels,), str(folder / "f32.onnx"), input_names=["pixels"],
            output_names=["tokens"], dynamic_axes={"pixels": {0: "batch"}}, dynamo=False,
            opset_version=17)
    quantize_dynamic(
        folder / "f32.onnx", folder / "int8.onnx", weight_type=QuantType.QInt8,
        op_types_to_quantize=["MatMul"])


def serve(kind, path):
    """Answers lines "<workers> <batch> <batches>" with wall seconds, processor seconds, peak MB."""
    if kind == "onnx":
        import numpy
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1

        def make():
            session = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"])
            return lambda pixels: session.run(None, {"pixels": pixels})

        def input_of(batch):
            return numpy.random.default_rng(0).standard_normal(
                (batch, 3, 224, 224), dtype=numpy.float32)
    else:
        import torch

        torch.set_num_threads(1)

        def make():
            tower = torch.jit.load(path)

            def run(pixels):
                with torch.inference_mode():
                    tower(pixels)

            return run

        def input_of(batch):
            return torch.randn(batch, 3, 224, 224)

    workers = []
    for line in sys.stdin:
        count, batch, batches = map(int, line.split())
        while len(workers) < count:
            workers.append(make())
        pixels = input_of(batch)

        def work(run):
            for _ in range(batches):
                run(pixels)

        start, cpu = time.monotonic(), time.process_time()
        threads = [threading.Thread(target=work, args=(w,)) for w in workers[:count]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(time.monotonic() - start, time.process_time() - cpu, peak, flush=True)


class Program:
    """One of the compared programs, in a process of its own."""

    def __init__(self, *command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, workers, batch, batches):
        self.process.stdin.write(f"{workers} {batch} {batches}\n")
        self.process.stdin.flush()
        return tuple(map(float, self.process.stdout.readline().split()))

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    if sys.argv[1:2] == ["--serve"]:
        return serve(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--batches", type=int, default=1)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument(
        "--program", default=HERE / ".build/release/EncoderBenchmark", type=pathlib.Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        # In a process of its own, so that its memory is nobody's.
        subprocess.run(
            [sys.executable, "-c",
             f"import pathlib, sys; sys.path.insert(0, {str(HERE)!r}); import compare; "
             f"compare.make_model(pathlib.Path({name!r}))"], check=True)
        this = (sys.executable, __file__, "--serve")
        commands = {
            "filip f32": (arguments.program, folder, "patch", "f32"),
            "filip int8": (arguments.program, folder, "patch", "int8"),
            "onnx f32": (*this, "onnx", folder / "f32.onnx"),
            "onnx int8": (*this, "onnx", folder / "int8.onnx"),
            "torch f32": (*this, "torch", folder / "vision.pt"),
        }
        for workers in arguments.workers:
            programs = {key: Program(*map(str, command)) for key, command in commands.items()}
            images = workers * arguments.batch * arguments.batches
            for program in programs.values():
                program.run(workers, arguments.batch, 1)
            results = {key: [] for key in programs}
            for _ in range(arguments.rounds):
                for key, program in programs.items():
                    results[key].append(program.run(workers, arguments.batch, arguments.batches))
            print(f"{workers} worker(s), batch {arguments.batch}:")
            for key, rows in results.items():
                print(
                    f"  {key}: {images / min(r[0] for r in rows):.2f} images/s, "
                    f"{images / min(r[1] for r in rows):.2f} a processor second (best rounds), "
                    f"{max(r[2] for r in rows):.0f} MB")
            for ours, theirs in PAIRS:
                walls, cpus = (
                    [b[i] / a[i] for a, b in zip(results[ours], results[theirs])] for i in (0, 1))
                print(
                    f"  {ours} / {theirs}: {statistics.median(walls):.3f} by wall clock ("
                    + " ".join(f"{w:.2f}" for w in walls)
                    + f"), {statistics.median(cpus):.3f} by processor time ("
                    + " ".join(f"{c:.2f}" for c in cpus) + ")", flush=True)
            for program in programs.values():
                program.end()


if __name__ == "__main__":
    main()
