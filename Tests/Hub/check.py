"""Whether filip and the Hugging Face hub's own client find each other's files in the cache.

    python3 Tests/Hub/check.py .build/release/filip

A server on loopback stands for the hub and serves a small model of the fixtures. One side fetches it, the
other must find it without fetching a byte, in both directions.
"""

import hashlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "Tests/EncodersTests/Fixtures/clip-quick-gelu"
NAME = "org/tiny-clip"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = {"model.safetensors"}
FILES = ["config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json"]

fetched = []


def git_name(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Hub(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer(False)

    def do_GET(self):
        self.answer(True)

    def answer(self, has_body):
        path = self.path.partition("?")[0]
        if path.startswith(f"/api/models/{NAME}"):
            siblings, tree = [], []
            for name in FILES:
                content = (FOLDER / name).read_bytes()
                sibling = {"rfilename": name, "size": len(content), "blobId": git_name(content)}
                entry = {
                    "type": "file", "path": name, "size": len(content), "oid": git_name(content)}
                if name in LARGE:
                    digest = hashlib.sha256(content).hexdigest()
                    large = {"size": len(content), "pointerSize": 134}
                    sibling["lfs"] = large | {"sha256": digest}
                    entry["lfs"] = large | {"oid": digest}
                siblings.append(sibling)
                tree.append(entry)
            answer = tree if "/tree/" in path else {"id": NAME, "sha": COMMIT, "siblings": siblings}
            content = json.dumps(answer).encode()
            return self.send(content, {"Content-Type": "application/json"}, has_body)
        for revision in ("main", COMMIT):
            prefix = f"/{NAME}/resolve/{revision}/"
            if path.startswith(prefix) and path[len(prefix):] in FILES:
                name = path[len(prefix):]
                content = (FOLDER / name).read_bytes()
                if has_body:
                    fetched.append(name)
                tag = hashlib.sha256(content).hexdigest() if name in LARGE else git_name(content)
                headers = {"ETag": f'"{tag}"', "X-Repo-Commit": COMMIT}
                if name in LARGE:
                    headers |= {"X-Linked-ETag": f'"{tag}"', "X-Linked-Size": str(len(content))}
                return self.send(content, headers, has_body)
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send(self, content, headers, has_body):
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if has_body:
            self.wfile.write(content)


def main():
    filip = sys.argv[1]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = (
        "import sys, huggingface_hub as h; "
        f"print(h.snapshot_download('{NAME}', local_files_only=len(sys.argv) > 1))")

    def environment(home):
        return os.environ | {
            "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}

    def run(arguments, home):
        done = subprocess.run(arguments, env=environment(home), capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{arguments[:3]} ended with {done.returncode}: {done.stderr}")
        return done.stdout.strip()

    with tempfile.TemporaryDirectory() as folder:
        first = pathlib.Path(folder, "filip-first")
        path = run([filip, "model", "pull", NAME], first)
        assert sorted(fetched) == sorted(FILES), fetched
        found = run([sys.executable, "-c", client, "offline"], first)
        assert found == path, (found, path)
        for name in FILES:
            assert pathlib.Path(found, name).read_bytes() == (FOLDER / name).read_bytes(), name

        fetched.clear()
        second = pathlib.Path(folder, "client-first")
        path = run([sys.executable, "-c", client], second)
        fetched.clear()
        assert run([filip, "model", "pull", NAME], second) == path
        assert fetched == [], fetched
        assert "clip" in run([filip, "model", "inspect", NAME], second)
        print("filip and huggingface_hub find each other's files")


main()
