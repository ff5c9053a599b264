"""What the checks in a browser share: the pages' names, a host that serves them packed, and ways to read one."""

import functools
import gzip
import http.server
import threading
from contextlib import contextmanager
from pathlib import Path

import nbformat
from notebooks import chapters, figures

CHAPTERS = [f"{path.stem}.html" for path in chapters()]
WITH_FIGURE = [f"{path.stem}.html" for path in chapters() if figures(nbformat.read(path, as_version=4))]
PAGES = ["index.html", *CHAPTERS, "live.html", "glossary.html", "bibliography.html", "search.html", "404.html"]
THEMES = ["light", "dark"]
PACKED = {".html", ".css", ".js", ".svg", ".txt", ".xml"}


class Host(http.server.SimpleHTTPRequestHandler):
    """Serve files as the hosts of pages do: text packed, all of it kept for ten minutes; without a log."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            return self.send_error(404)
        data, packed = path.read_bytes(), path.suffix in PACKED
        data = gzip.compress(data, 6) if packed else data
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "max-age=600")
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@contextmanager
def served(folder):
    """Serve a folder on a port of this machine, and give its address."""
    server = http.server.ThreadingHTTPServer(("localhost", 0), functools.partial(Host, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def scroll_through(page):
    """Scroll to the end, so that everything that waits to be near has come."""
    y = 0
    while y < page.evaluate("document.documentElement.scrollHeight"):  # it grows as what was far off is laid out
        page.evaluate(f"scrollTo(0, {y})")
        page.wait_for_timeout(30)
        y += 900
    page.wait_for_timeout(500)


def open_answers(page):
    page.evaluate("document.querySelectorAll('details.answer').forEach((answer) => (answer.open = true))")


def moving_figure(page):
    """Scroll to the first figure that answers, and wait until it is drawn."""
    open_answers(page)
    page.evaluate("document.querySelector('.fcn-figure').scrollIntoView({block: 'center'})")
    page.wait_for_selector(".fcn-live", timeout=20_000)
    page.wait_for_timeout(300)
    return page.locator(".fcn-live").first


def seen(figure) -> list[str]:
    """Return what is drawn in the pictures of a figure."""
    return figure.evaluate("(figure) => [...figure.querySelectorAll('canvas')].map((canvas) => canvas.toDataURL())")
