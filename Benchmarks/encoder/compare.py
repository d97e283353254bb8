#!/usr/bin/env python3
"""Compares the speed of the vision tower with ONNX Runtime's, on the same weights.

    python3 Benchmarks/encoder/compare.py [--rounds 5] [--batch 8]

Makes a CLIP ViT-B/16 with random weights in a temporary folder, exports its vision tower and
projection (all tokens, as in token mode `patch`) to ONNX, and times both in fp32. Rounds alternate
between the two programs, so that other work on the machine disturbs both alike. Prints images per
second and the ratio of each round (above 1: filip is faster), by wall clock and by processor time,
which other programs disturb less.

Needs torch, transformers, onnx, onnxscript, onnxruntime and a built EncoderBenchmark:

    swift build -c release --package-path Benchmarks/encoder
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import threading
import time

import numpy
import onnxruntime
import torch
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel

HERE = pathlib.Path(__file__).resolve().parent


class Tower(torch.nn.Module):
    """All patches and the class token in the joint space, as filip computes them."""

    def __init__(self, model):
        super().__init__()
        self.vision, self.projection = model.vision_model, model.visual_projection

    def forward(self, pixels):
        tokens = self.vision.post_layernorm(self.vision(pixels).last_hidden_state)
        return torch.nn.functional.normalize(self.projection(tokens), dim=-1)


def make_model(folder):
    torch.manual_seed(0)
    model = CLIPModel(CLIPConfig(vision_config={"patch_size": 16})).eval()
    weights = {k: v.contiguous() for k, v in model.state_dict().items() if v.is_floating_point()}
    save_file(weights, folder / "model.safetensors")
    config = {"model_type": "clip", "vision_config": {"patch_size": 16}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text("{}")
    onnx = folder / "vision.onnx"
    pixels = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        torch.onnx.export(
            Tower(model), (pixels,), str(onnx), input_names=["pixels"], output_names=["tokens"],
            dynamic_axes={"pixels": {0: "batch"}}, dynamo=False, opset_version=17)
    return onnx


class Runtime:
    """ONNX Runtime with one thread a worker, each with a session of its own."""

    def __init__(self, path, workers, batch):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.sessions = [
            onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            for _ in range(workers)
        ]
        self.pixels = numpy.random.default_rng(0).standard_normal(
            (batch, 3, 224, 224), dtype=numpy.float32)

    def run(self, batches):
        def work(session):
            for _ in range(batches):
                session.run(None, {"pixels": self.pixels})

        start, cpu = time.monotonic(), time.process_time()
        threads = [threading.Thread(target=work, args=(s,)) for s in self.sessions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.monotonic() - start, time.process_time() - cpu


class Filip:
    def __init__(self, folder):
        program = HERE / ".build/release/EncoderBenchmark"
        self.process = subprocess.Popen(
            [program, folder, "patch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, workers, batch, batches):
        self.process.stdin.write(f"{workers} {batch} {batches}\n")
        self.process.stdin.flush()
        wall, cpu = map(float, self.process.stdout.readline().split())
        return wall, cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--batches", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        onnx = make_model(folder)
        filip = Filip(folder)
        for workers in (1, 2):
            runtime = Runtime(onnx, workers, arguments.batch)
            images = workers * arguments.batch * arguments.batches
            filip.run(workers, arguments.batch, 1)
            runtime.run(1)
            walls, cpus, speeds = [], [], []
            for _ in range(arguments.rounds):
                ours = filip.run(workers, arguments.batch, arguments.batches)
                theirs = runtime.run(arguments.batches)
                walls.append(theirs[0] / ours[0])
                cpus.append(theirs[1] / ours[1])
                speeds.append((images / ours[0], images / theirs[0]))
            best = [max(column) for column in zip(*speeds)]
            print(
                f"{workers} worker(s), batch {arguments.batch}: "
                f"filip {best[0]:.2f} images/s, ONNX Runtime {best[1]:.2f} (best rounds); "
                f"ratio by wall clock {statistics.median(walls):.3f} (median; "
                + " ".join(f"{w:.2f}" for w in walls)
                + f"), by processor time {statistics.median(cpus):.3f} (median; "
                + " ".join(f"{c:.2f}" for c in cpus) + ")", flush=True)
        filip.process.stdin.close()


if __name__ == "__main__":
    main()
