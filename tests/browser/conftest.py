"""The built pages, served from this machine to a real Chromium that can reach nothing else."""

import os
from urllib.parse import urlsplit

import pytest
from paper import FLAGS, chromium
from playwright.sync_api import sync_playwright
from reading import served

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


@pytest.fixture(scope="session")
def address(pages):
    """Serve the built pages and return their address."""
    with served(pages) as host:
        yield host


@pytest.fixture(scope="session")
def browser():
    """Return a headless Chromium; skip where there is none, fail where CI has none."""
    path = chromium()
    if path is None:
        message = "no Chromium found: apt-get install chromium (Debian, Ubuntu) or brew install chromium (macOS)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address):
    """Return a function that opens a page and collects in page.troubles what a reader's console would show."""
    contexts = []

    def open_(name, width=1280, theme="light", host=address, **settings):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, **settings)
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
        page.goto(f"{host}/{name}", wait_until="load")
        return page

    yield open_
    for context in contexts:
        context.close()


def pytest_terminal_summary(terminalreporter):
    """Print what was measured of each page (record_property in test_every_page.py)."""
    rows = sorted(
        dict(report.user_properties)["page"]
        for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
        if report.when == "call" and "page" in dict(report.user_properties)
    )
    if rows:
        terminalreporter.section("pages: first load, gzip")
        terminalreporter.line(f"{'page':24}{'px':>6}{'KiB':>6}{'pictures':>10}{'requests':>10}{'shift':>7}")
        for row in rows:
            terminalreporter.line(row)
