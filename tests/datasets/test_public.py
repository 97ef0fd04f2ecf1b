"""Downloads from an archive that a server of this machine plays."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from napari_celltype.datasets import DatasetRequest, make_dataset, public
from napari_celltype.errors import CellTypeError, MissingDependencyError, Stopped
from napari_celltype.labels import load_traces

GENOTYPE = "Pvalb-IRES-Cre/wt;Ai162(TIT2L-GC6s-ICL-TTA2)/wt"
NAMES = [
    "sub-1/sub-1_ses-1_behavior+image+ophys.nwb",
    "sub-1/sub-1_ses-2_behavior+image+ophys.nwb",
    "sub-2/sub-2_ses-1_behavior+image+ophys.nwb",
    "sub-2/sub-2_ses-1_image.nwb",
    "sub-2/notes.json",
]
NOW = "2024-01-01T00:00:00+00:00"


class Archive(ThreadingHTTPServer):
    """Speaks the few calls of the DANDI API that the client makes."""

    def __init__(self, files):
        self.files, self.asked, self.broken = files, [], set()
        super().__init__(("127.0.0.1", 0), Answers)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, path):
        version = {"version": "draft", "name": "n", "asset_count": 5, "size": 1}
        version |= {"status": "Valid", "created": NOW, "modified": NOW}
        dandiset = {"identifier": "000535", "created": NOW, "modified": NOW}
        dandiset |= {"contact_person": "p", "embargo_status": "OPEN"}
        dandiset |= {"draft_version": version, "most_recent_published_version": None}
        service = {"api": {"url": f"{self.url}/api"}}
        info = {
            "version": "1.0.0",
            "cli-minimal-version": "0.1.0",
            "cli-bad-versions": [],
        }
        assets = {
            f"{i:08d}-0000-4000-8000-000000000000": n for i, n in enumerate(NAMES)
        }
        described = {
            key: {"asset_id": key, "blob": key, "zarr": None, "path": name}
            | {"size": len(self.files[name]), "created": NOW, "modified": NOW}
            for key, name in assets.items()
        }
        place = "/api/dandisets/000535/"
        answers = {
            "/server-info": info | {"services": service},
            "/api/info/": info | {"services": service},
            place: dandiset,
            f"{place}versions/draft/": {"license": ["spdx:CC-BY-4.0"]},
            f"{place}versions/draft/assets/": {
                "next": None,
                "results": [*described.values()],
                "count": len(described),
            },
        }
        for key, name in assets.items():
            content = self.files[name]
            etag = hashlib.md5(hashlib.md5(content).digest()).hexdigest() + "-1"
            answers |= {
                f"{place}versions/draft/assets/{key}/info/": described[key],
                f"{place}versions/draft/assets/{key}/": {
                    "digest": {"dandi:dandi-etag": etag},
                    "blobDateModified": NOW,
                },
                f"/api/assets/{key}/download/": content,
            }
        return answers.get(path)


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.partition("?")[0]
        content = self.server.answer(path)
        if content is None:
            self.send_error(404)
            return
        start = 0
        if isinstance(content, bytes):
            start = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
            self.server.asked.append((path, start))
        else:
            content = json.dumps(content).encode()
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:])

    def log_message(self, *_):
        pass


@pytest.fixture
def archive(tmp_path, nwb, monkeypatch):
    pytest.importorskip("dandi")
    files = {}
    for name in NAMES:
        subject = name[4]
        path = tmp_path / "server" / name
        general = {"subject__subject_id": subject, "subject__genotype": GENOTYPE}
        files[name] = nwb.write(path, "000535", **general).read_bytes()
    server = Archive(files)
    monkeypatch.setenv("DANDI_INSTANCE", server.url)
    monkeypatch.setenv("DANDI_NO_ET", "1")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def request(tmp_path, **options):
    return DatasetRequest(("dandi:000535",), tmp_path / "pv.npz", **options)


def test_a_download_is_asked_for_resumed_and_not_repeated(tmp_path, archive):
    asked = []

    def refuse(question):
        asked.append(question)
        return False

    with pytest.raises(CellTypeError, match="Nothing was downloaded"):
        make_dataset(request(tmp_path), confirm=refuse)
    assert "CC-BY-4.0" in asked[0]
    assert "3 of 4 files" in asked[0]
    assert archive.asked == []

    made = make_dataset(request(tmp_path, limit=2, yes=True))
    # One of each animal first.
    assert set(load_traces(made.path).subject_id) == {"1", "2"}
    assert len(archive.asked) == 2
    made = make_dataset(request(tmp_path, yes=True))
    assert len(archive.asked) == 3
    assert load_traces(made.path).counts() == {"PV": 18}
    origin = made.path.with_name("pv.npz.provenance.json")
    sources = json.loads(origin.read_text())["recordings"]
    assert {source["licence"] for source in sources} == {"CC-BY-4.0"}


def test_a_stopped_download_leaves_what_is_finished(tmp_path, archive):
    done = []

    def stop_after_one():
        return len(archive.asked) > 1

    with pytest.raises(Stopped):
        make_dataset(
            request(tmp_path, yes=True),
            on_progress=done.append,
            should_stop=stop_after_one,
        )
    assert any("MB" in progress.message for progress in done)
    before = len(archive.asked)
    make_dataset(request(tmp_path, yes=True))
    assert 1 <= len(archive.asked) - before <= 2


@pytest.mark.parametrize("stalled", ["get_dandiset", "download_generator"])
def test_an_archive_that_stalls_can_be_stopped(tmp_path, monkeypatch, stalled):
    go_on, asked = threading.Event(), threading.Event()

    def stall(*_):
        asked.set()
        go_on.wait(60)
        yield {}

    asset = SimpleNamespace(
        path="sub-1/a.nwb",
        size=1,
        identifier="x",
        asset_type=SimpleNamespace(name="BLOB"),
    )
    dandiset = SimpleNamespace(
        get_raw_metadata=dict, get_assets=lambda: [asset], version_id="draft"
    )
    client = SimpleNamespace(dandi_instance=None, get_dandiset=lambda *_: dandiset)
    downloader = SimpleNamespace(download_generator=stall)
    if stalled == "get_dandiset":
        client.get_dandiset = lambda *_: next(stall())
    module = SimpleNamespace(
        DandiAPIClient=lambda: client,
        AssetIDURL=lambda **_: None,
        Downloader=lambda **_: downloader,
        DownloadExisting=SimpleNamespace(REFRESH=None),
    )
    monkeypatch.setattr(public, "_dandi", lambda name: module)
    with pytest.raises(Stopped):
        make_dataset(request(tmp_path, yes=True), should_stop=asked.is_set)
    go_on.set()


def test_an_unknown_set_is_one_sentence(tmp_path, archive):
    unknown = DatasetRequest(("dandi:999999",), tmp_path / "a.npz", yes=True)
    with pytest.raises(CellTypeError, match="dandi:999999 cannot be downloaded"):
        make_dataset(unknown)


def test_without_the_client_the_sentence_says_what_to_install(tmp_path, monkeypatch):
    import sys

    for name in ("dandi", "dandi.dandiapi"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDependencyError, match="pip install dandi"):
        make_dataset(request(tmp_path))
