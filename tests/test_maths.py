"""Formulas are rendered at build time by a server that sphinxcontrib-katex starts, also on a busy machine."""

import sys

import pytest
from notebooks import ROOT

SLOW_SERVER = f"""#!{sys.executable}
import socket, sys, time
port = "--port" in sys.argv
server = socket.socket(socket.AF_INET if port else socket.AF_UNIX)
where = sys.argv[sys.argv.index("--port" if port else "--socket") + 1]
server.bind(("127.0.0.1", int(where)) if port else where)
time.sleep(0.5)  # its address exists, but it does not listen yet
server.listen()
time.sleep(20)
"""


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # the refused ones, dropped by that package
def test_the_maths_server_is_asked_again_until_it_listens(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "book" / "_ext")
    from pages import files

    server = tmp_path / "node"
    server.write_text(SLOW_SERVER)
    server.chmod(0o755)
    monkeypatch.setattr(files.katex, "NODEJS_BINARY", str(server))
    process, connection = files.katex.KaTeXServer.start_server_process(tmp_path, timeout=10)
    connection.close()
    process.kill()
    process.communicate()
