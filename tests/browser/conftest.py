"""The built pages, served from this machine to a real Chromium that can reach nothing else."""

import http.server
import os
import shutil
import threading
from functools import partial
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
FLAGS = ["no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"]
FLAGS += ["disable-component-update", "disable-sync"]


OBSERVED = """
    globalThis.layoutShift = 0;
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) layoutShift += entry.value;
    }).observe({type: "layout-shift", buffered: true});
    new MutationObserver((_, observer) => {
        if (!document.body) return;
        globalThis.themeAtFirstElement = document.documentElement.dataset.theme;
        observer.disconnect();
    }).observe(document, {childList: true, subtree: true});
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serve files without a line of log for each."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def address(pages):
    """Serve the built pages and return their address."""
    server = http.server.ThreadingHTTPServer(("localhost", 0), partial(Quiet, directory=pages))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def browser():
    """Return a headless Chromium; skip where there is none, fail where CI has none."""
    path = next(filter(None, map(shutil.which, NAMES)), MAC if os.path.exists(MAC) else None)
    if path is None:
        message = "no Chromium found: apt-get install chromium (Debian, Ubuntu) or brew install chromium (macOS)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[f"--{flag}" for flag in FLAGS])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address):
    """Return a function that opens a page and collects in page.troubles what a reader's console would show."""
    contexts = []

    def open_(name, width=1280, theme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(OBSERVED)
        page.troubles, page.responses = [], []

        def route(route):
            if urlsplit(route.request.url).hostname == "localhost":
                return route.continue_()
            page.troubles.append(f"foreign request: {route.request.url}")
            return route.abort()

        context.route(lambda url: urlsplit(url).scheme.startswith("http"), route)
        page.on("console", lambda m: m.type in {"error", "warning"} and page.troubles.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda error: page.troubles.append(f"error: {error}"))
        page.on("response", lambda response: page.responses.append(response))
        page.goto(f"{address}/{name}", wait_until="load")
        return page

    yield open_
    for context in contexts:
        context.close()
