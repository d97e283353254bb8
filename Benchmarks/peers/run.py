"""Compares filip with other late-interaction engines on the same vectors, threads and machine.

    python3 Benchmarks/peers/run.py --synthetic images=5000,tokens=196,dimension=256 --out Runs/today

Draws a corpus with `filip bench search --synthetic`, exports it, and runs every engine in a process
of its own that may use as many processor cores as it has threads. filip runs before and after the
others; the two show how steady the machine was, and the faster one is the row the ratios refer to.
Writes `peers.json` and `peers.md`.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

from peers import ENGINES

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def confined(threads):
    """The environment and the start hook of a process that uses `threads` threads."""
    environment = os.environ.copy()
    # LanceDB's own pools are left alone: with one thread each, building its index never ends. The
    # cores that the process may use hold it to its share.
    for name in (
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS",
    ):
        environment[name] = str(threads)
    cores = sorted(os.sched_getaffinity(0))[:threads]
    return environment, lambda: os.sched_setaffinity(0, cores)


def run_filip(arguments, threads, index, more=()):
    environment, start = confined(threads)
    command = [
        arguments.filip, "bench", "search", "--json", "--quiet", "--synthetic", arguments.synthetic,
        "--keep", str(index), "--words", str(arguments.words), "--queries-count",
        str(arguments.queries), "-j", str(threads), *more,
    ]
    print("filip,", threads, "threads", file=sys.stderr)
    done = subprocess.run(
        command, env=environment, preexec_fn=start, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def filip_row(document, threads):
    run = next(
        run for run in document["runs"] if run["threads"] == threads and run["concurrent"] == 1)
    shares = {entry["k"]: entry["share"] for entry in document.get("recall", {}).get("at", [])}
    return {
        "peer": "filip", "version": document["program"], "setting": document["engine"],
        "threads": threads, "queries": document["queries"]["count"], "p50_ms": run["p50_ms"],
        "p95_ms": run["p95_ms"], "mean_ms": run["mean_ms"], "recall_at_10": shares.get(10),
        "build_seconds": document["index"].get("build_seconds"),
        "index_bytes": document["index"]["bytes"],
    }


def run_peer(name, arguments, threads, data, scratch):
    environment, start = confined(threads)
    print(f"{name}, {threads} threads", file=sys.stderr)
    try:
        done = subprocess.run(
            [
                sys.executable, str(HERE / "peers.py"), name, "--data", str(data), "--threads",
                str(threads), "--scratch", str(scratch), "--limit", str(arguments.limit),
                *(["--exhaustive-only"] if arguments.exhaustive_only else []),
            ],
            env=environment, preexec_fn=start, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=arguments.timeout)
    except subprocess.TimeoutExpired:
        return [{"peer": name, "threads": threads, "setting": "", "error": "took too long"}]
    finally:
        if arguments.work is None:
            shutil.rmtree(scratch, ignore_errors=True)
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or [""]
        return [{"peer": name, "threads": threads, "setting": "",
                 "error": f"ended with status {done.returncode}: {reason[0][:200]}"}]
    return json.loads(done.stdout)


def table(rows, threads):
    def number(value, digits):
        return "–" if value is None else f"{value:.{digits}f}"

    lines = [
        f"**{threads} thread{'s' if threads > 1 else ''}**", "",
        "| engine | setting | p50 ms | p95 ms | times filip's | recall@10 | build s | largest error |"
        " |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in rows:
        if row["threads"] != threads:
            continue
        name = f"{row['peer']} {row.get('version', '')}".strip()
        if "error" in row:
            lines.append(f"| {name} | {row['setting']} | | | | | | | {row['error']} |")
            continue
        error = row.get("score_error")
        lines.append(
            f"| {name} | {row['setting']} | {row['p50_ms']:.2f} | {row['p95_ms']:.2f} "
            f"| {row['ratio']:.2f} | {number(row['recall_at_10'], 3)} "
            f"| {number(row['build_seconds'], 1)} | {'–' if error is None else f'{error:.1e}'} "
            f"| {row.get('note', '')} |")
    return lines


# Engines whose scores are meant to be those of the definition, but for rounding.
EXACT = {"numpy", "torch-fp32", "torch-bf16", "maxsim-cpu", "numkong"}


def judge(row):
    """What a reader must know about a row."""
    if row["peer"] == "filip" or "error" in row:
        return None
    if row.get("score_error") is None:
        return "wrong: scores are not numbers, or no hit is among the 100 best"
    if row["peer"] in EXACT and row["score_error"] > 0.1:
        return "wrong scores"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--filip", default=str(ROOT / ".build/release/filip"))
    parser.add_argument("--synthetic", default="images=5000,tokens=196,dimension=256")
    parser.add_argument("--words", type=int, default=8)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--peers", nargs="*", choices=ENGINES, default=list(ENGINES))
    parser.add_argument(
        "--candidates", type=int, nargs="*", default=[],
        help="also measure filip's cascade with so many candidates")
    parser.add_argument(
        "--exhaustive-only", action="store_true",
        help="leave out LanceDB's approximate index, which takes long to build")
    parser.add_argument("--limit", type=float, default=60, help="seconds per setting of an engine")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds per engine")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, help="where the corpus and the peers' indexes go, and stay for the next run")
    arguments = parser.parse_args()

    arguments.out.mkdir(parents=True, exist_ok=True)
    work = arguments.work or pathlib.Path(tempfile.mkdtemp(prefix="filip-peers-"))
    work.mkdir(parents=True, exist_ok=True)
    rows = []
    try:
        index, data = work / "index", work / "data"
        first = run_filip(
            arguments, max(arguments.threads), index, ["--export-peers", str(data)])
        for threads in arguments.threads:
            filip = [filip_row(run_filip(arguments, threads, index), threads)]
            others = []
            for name in arguments.peers:
                others += run_peer(name, arguments, threads, data, work / "scratch")
            filip.append(filip_row(run_filip(arguments, threads, index), threads))
            for row, note in zip(filip, ("before the others", "after the others")):
                row |= {"note": note, "build_seconds": first["index"].get("build_seconds")}
            for count in arguments.candidates:
                more = ["--cascade", "--candidates", str(count), "--recall-queries",
                        str(arguments.queries)]
                others.append(filip_row(run_filip(arguments, threads, index, more), threads))
            fastest = min(row["p50_ms"] for row in filip)
            for row in filip + others:
                if "p50_ms" in row:
                    row["ratio"] = row["p50_ms"] / fastest
                if note := judge(row):
                    row["note"] = note
            rows += filip + others
    finally:
        if arguments.work is None:
            shutil.rmtree(work, ignore_errors=True)

    document = {
        "schema": "filip.peers/1",
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": first["machine"] | {"load": os.getloadavg(), "python": platform.python_version()},
        "checkout": first.get("checkout"),
        "corpus": {"synthetic": arguments.synthetic, "images": first["index"]["images"],
                   "tokens": first["index"]["tokens"], "dimension": first["index"]["dimension"],
                   "words": arguments.words, "queries": arguments.queries},
        "rows": rows,
    }
    (arguments.out / "peers.json").write_text(json.dumps(document, indent=1) + "\n")
    lines = [
        f"{document['corpus']['images']} images, {document['corpus']['tokens']} tokens of "
        f"{document['corpus']['dimension']}, queries of {arguments.words} words; "
        f"{first['machine'].get('processor')}, {document['date'][:10]}, checkout "
        f"{(document['checkout'] or 'unknown')[:8]}", "",
    ]
    for threads in arguments.threads:
        lines += table(rows, threads) + [""]
    (arguments.out / "peers.md").write_text("\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
