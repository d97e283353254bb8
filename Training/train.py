"""Trains the model on two single-thread processes; resumes where it stopped.

    python3 train.py --minutes 95            # or --until 11:05
    python3 train.py --until 12:30           # the same run, made longer

Everything follows wall time, so that a busy machine gives fewer steps and the
same schedule: mosaics, then scenes; warm-up, constant rate, linear decay.
"""

import argparse
import datetime
import json
import os
import sys
import time
from collections import defaultdict
from pathlib import Path

ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "MALLOC_ARENA_MAX": "2",
               "MALLOC_MMAP_THRESHOLD_": "2000000000", "MALLOC_TRIM_THRESHOLD_": "8000000000"}
if __name__ == "__main__" and any(os.environ.get(k) != v for k, v in ENVIRONMENT.items()):
    os.environ.update(ENVIRONMENT)     # read when a process starts: start again
    os.execv(sys.executable, [sys.executable] + sys.argv)

import numpy as np
import torch
import torch.distributed as dist
from tokenizers import Tokenizer

import phrases
from batches import BatchMaker, BatchQueue
from captions import Captioner, train_tokenizer
from losses import mosaic_loss, scene_loss
from model import Filip, Shape
from muon import Muon
from scenes import Composer

WORK = Path(__file__).resolve().parent / "work"
SAVE_EVERY = 120.0
FINAL_RATE = 0.02


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=95, help="training time in all, earlier sittings included")
    parser.add_argument("--until", help="end at this local time, HH:MM, instead of --minutes")
    parser.add_argument("--mosaic-minutes", type=float, default=10.5, help="length of the first stage")
    parser.add_argument("--decay", type=float, default=0.2, help="share of the time with a falling rate")
    parser.add_argument("--batch", type=int, default=40, help="images per process and step")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--adam-rate", type=float, default=1.5e-3)
    parser.add_argument("--muon-rate", type=float, default=2.5e-3)
    parser.add_argument("--name", default="run", help="folder below work/")
    return parser.parse_args()


def make_tokenizer(concepts, table, path, lines=20000):
    """Trains the tokenizer on captions and phrases, once."""
    if path.exists():
        return Tokenizer.from_file(str(path))
    rng = np.random.default_rng(0)
    composer, captioner = Composer(concepts, rng), Captioner(concepts, table, rng)
    text = [" ".join(w for w, _ in captioner.words(captioner.caption(composer.scene()))) for _ in range(lines)]
    letters = [chr(c) for c in range(33, 127)]
    tokenizer = train_tokenizer(text + 6 * sorted(table) + 2 * letters)
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))
    return tokenizer


def rate_at(progress, step, decay):
    """Share of the full learning rate."""
    warm = min(1.0, (step + 1) / 100)
    return warm * max(FINAL_RATE, min(1.0, (1 - progress) / decay))


class Trainer:
    """One rank: model, optimisers, data and the loop."""

    def __init__(self, rank, args, concepts, table, tokenizer):
        self.rank, self.args = rank, args
        torch.manual_seed(args.seed)
        self.model = Filip(Shape(vocabulary=tokenizer.get_vocab_size()), len(concepts))
        inner = [p for n, p in self.model.named_parameters() if ".layers." in n and p.ndim == 2]
        chosen = {id(p) for p in inner}
        self.muon = Muon(inner, rank, args.ranks)
        self.adam = torch.optim.AdamW([p for p in self.model.parameters() if id(p) not in chosen],
                                      lr=args.adam_rate, betas=(0.9, 0.98), weight_decay=0.05, fused=True)
        self.step, self.images, self.elapsed = 0, 0, 0.0
        self.checkpoint = WORK / args.name / "checkpoint.pt"
        if self.checkpoint.exists():
            self.restore()
        self.data = BatchQueue(lambda rng: BatchMaker(concepts, table, tokenizer, rng),
                               [args.seed, rank, self.step], args.batch, self.mosaic_share(0.0))
        self.flat = torch.zeros(sum(p.numel() for p in self.model.parameters()) + 1)
        self.sums, self.counts = defaultdict(float), defaultdict(int)
        self.log = open(WORK / args.name / "log.jsonl", "a") if rank == 0 else None

    def save(self):
        state = {"model": self.model.state_dict(), "adam": self.adam.state_dict(), "muon": self.muon.buffers,
                 "step": self.step, "images": self.images, "elapsed": self.elapsed, "torch_rng": torch.get_rng_state()}
        temporary = self.checkpoint.with_suffix(".new")
        torch.save(state, temporary)
        os.replace(temporary, self.checkpoint)

    def restore(self):
        state = torch.load(self.checkpoint, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.adam.load_state_dict(state["adam"])
        for buffer, saved in zip(self.muon.buffers, state["muon"]):
            buffer.copy_(saved)
        self.step, self.images, self.elapsed = state["step"], state["images"], state["elapsed"]
        torch.set_rng_state(state["torch_rng"])

    def total_seconds(self):
        """Training time in all, the same for every rank: given, or what is left until the end time.

        Rank 0's clock counts: ranks that disagreed on the end would wait for each other for ever.
        """
        if not self.args.until:
            return 60 * self.args.minutes
        total = torch.tensor([self.seconds_until_end()], dtype=torch.float64)
        dist.broadcast(total, src=0)
        return float(total)

    def seconds_until_end(self):
        """Elapsed training time and what is left until the end time."""
        now = datetime.datetime.now()
        hour, minute = map(int, self.args.until.split(":"))
        end = now.replace(hour=hour, minute=minute, second=0)
        end += datetime.timedelta(days=end < now)
        return self.elapsed + (end - now).total_seconds()

    def mosaic_share(self, progress):
        """Only mosaics at first, then half, and few while the rate falls."""
        if self.elapsed < 60 * self.args.mosaic_minutes:
            return 1.0
        return 0.5 if progress < 1 - self.args.decay else 0.25

    def reduce(self, elapsed):
        """Averages the gradients; returns rank 0's clock, the same for all."""
        parameters = list(self.model.parameters())
        offset = 0
        for p in parameters:
            part = self.flat[offset:offset + p.numel()]
            part.zero_() if p.grad is None else part.copy_(p.grad.flatten())
            offset += p.numel()
        self.flat[-1] = elapsed if self.rank == 0 else 0.0
        dist.all_reduce(self.flat)
        elapsed = float(self.flat[-1])
        gradients = self.flat[:-1].div_(self.args.ranks)
        gradients.mul_((1.0 / (gradients.norm() + 1e-6)).clamp(max=1.0))
        offset = 0
        for p in parameters:
            p.grad = gradients[offset:offset + p.numel()].view_as(p)
            offset += p.numel()
        return elapsed

    def run(self):
        started, before, total = time.monotonic(), self.elapsed, self.total_seconds()
        saved = logged = started
        while self.elapsed < total:
            self.data.mosaic_share.value = self.mosaic_share(self.elapsed / total)
            kind, batch = self.data.next()
            batch = {k: torch.from_numpy(v) for k, v in batch.items()}
            for p in self.model.parameters():
                p.grad = None
            loss, terms = (mosaic_loss if kind == "mosaic" else scene_loss)(self.model, batch)
            loss.backward()
            self.elapsed = self.reduce(before + time.monotonic() - started)
            share = rate_at(self.elapsed / total, self.step, self.args.decay)
            self.muon.step(share * self.args.muon_rate)
            self.adam.param_groups[0]["lr"] = share * self.args.adam_rate
            self.adam.step()
            self.step += 1
            self.images += self.args.batch * self.args.ranks
            for name, value in terms.items():
                self.sums[name] += float(value.detach())
                self.counts[name] += 1
            if self.rank == 0 and time.monotonic() - logged > 20:
                self.report(share)
                logged = time.monotonic()
            if self.rank == 0 and time.monotonic() - saved > SAVE_EVERY:
                self.save()
                saved = time.monotonic()
        if self.rank == 0:
            self.report(0.0)
            self.save()

    def report(self, share):
        """Writes the means since the last report to the log."""
        line = {"minutes": round(self.elapsed / 60, 2), "step": self.step, "images": self.images,
                "rate": round(share, 3)}
        line |= {k: round(self.sums[k] / self.counts[k], 4) for k in self.sums}
        self.log.write(json.dumps(line) + "\n")
        self.log.flush()
        self.sums.clear(), self.counts.clear()


def work(rank, args, concepts, table, tokenizer):
    """Process body of one rank."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{WORK / args.name / 'rendezvous'}",
                            rank=rank, world_size=args.ranks)
    trainer = Trainer(rank, args, concepts, table, tokenizer)
    try:
        trainer.run()
        dist.barrier()
    finally:
        trainer.data.stop()


def main():
    args = arguments()
    folder = WORK / args.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rendezvous").unlink(missing_ok=True)
    concepts = phrases.load_concepts()
    table = phrases.phrase_table(concepts)
    tokenizer = make_tokenizer(concepts, table, folder / "tokenizer.json")
    print(len(concepts), "concepts,", len(table), "phrases,", tokenizer.get_vocab_size(), "tokens", flush=True)
    context = torch.multiprocessing.get_context("fork")
    ranks = [context.Process(target=work, args=(r, args, concepts, table, tokenizer)) for r in range(args.ranks)]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join()
    sys.exit(max(abs(p.exitcode) for p in ranks))


if __name__ == "__main__":
    main()
