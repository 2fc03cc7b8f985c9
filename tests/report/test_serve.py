"""The page while runs train: on this machine alone, and new when there is something new."""

import http.client
import socket
import struct
import threading
import urllib.error
import urllib.request

import pytest

from losslang.cli import main
from losslang.diagnostics import LosslangError
from losslang.report.serve import Page, make_server, stamp


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "metrics.jsonl").write_text("1\n")
    return tmp_path


@pytest.fixture
def served(folder):
    """A server of a page that counts how often it was made."""
    made = []

    def make():
        made.append(1)
        return f"page {len(made)}"

    server = make_server(Page([folder], make), 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def get(address, **headers):
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=10) as reply:
        return reply.read().decode()


def test_it_is_made_anew_only_when_a_run_has_logged(served, folder):
    assert get(f"{served}/") == get(f"{served}/") == "page 1"
    before = get(f"{served}/stamp")
    (folder / "metrics.jsonl").write_text("1\n2\n")
    assert get(f"{served}/stamp") != before
    assert get(f"{served}/") == "page 2"


def test_it_listens_on_the_loopback_address_alone(served):
    assert served.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(("path", "host", "status"), [("/metrics.jsonl", None, 404), ("/", "evil.example:80", 403)])
def test_nothing_else_is_answered(served, path, host, status):
    with pytest.raises(urllib.error.HTTPError) as error:
        get(served + path, **({"Host": host} if host else {}))
    assert error.value.code == status
    error.value.close()


def test_what_is_wrong_is_shown_as_a_page(folder):
    def make():
        raise LosslangError("no run <yet>")

    assert "no run &lt;yet&gt;" in Page([folder], make).text()


def test_a_stamp_follows_files_of_runs_alone(folder):
    before = stamp([folder])
    (folder / "other.txt").write_text("x")
    assert stamp([folder]) == before
    (folder / "result.json").write_text("{}")
    assert stamp([folder]) != before


def test_a_port_that_is_taken(served, tmp_path, capsys):
    port = served.rpartition(":")[2]
    assert main(["report", str(tmp_path), "--watch", "--port", port]) == 1
    assert "choose another with --port" in capsys.readouterr().err


def _left(address):
    """A reader that asks for the page and leaves before it comes: the connection is reset."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as reader:
        reader.sendall(f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_reader_who_leaves_is_no_error_and_what_is_one_is_a_line(folder, capfd):
    left, wrong = threading.Event(), []

    def make():
        if wrong:
            raise KeyError("loss")
        assert left.wait(10)
        return "x" * 10_000_000

    server = make_server(Page([folder], make), 0)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        _left(address)
        left.set()
        assert len(get(f"{address}/")) == 10_000_000
        wrong.append(1)
        (folder / "metrics.jsonl").write_text("1\n2\n")
        with pytest.raises((urllib.error.URLError, ConnectionError, http.client.HTTPException)):
            get(f"{address}/")
        server.shutdown()
    said = capfd.readouterr().err
    assert said == "losslang: the page could not be made: KeyError: 'loss'\n"
