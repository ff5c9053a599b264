"""Where the book stands on the web, once `make repository` has said it: addresses, and a map for search engines."""

import re
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

STAND_IN = r"https://github\.com/[^/]*_"  # GitHub allows no underscore in a name: nobody can own it
NO_PAGES = {"404", "search"}  # what no search engine should show


def learn(app, config) -> None:
    """Set the tag `addressed` and the pages' own address, unless the repository's address is the stand-in, and the
    tag `colab` if Colab can open it. In index.md, `only` with a tag holds what is said only then.
    """
    repository = config.html_theme_options.get("repository_url", "")
    if repository and not re.match(STAND_IN, repository):
        app.tags.add("addressed")
        if repository.startswith("https://github.com/"):
            app.tags.add("colab")
        config.html_baseurl = config.html_baseurl or of_pages(repository)


def of_pages(repository: str) -> str:
    """Return where GitHub shows the pages of a repository; '' for another host, which we do not know."""
    match = re.fullmatch(r"https://github\.com/([^/]+)/([^/]+)", repository)
    if not match:
        return ""
    owner, name = match[1].lower(), match[2]
    return f"https://{owner}.github.io/" + ("" if name.lower() == f"{owner}.github.io" else f"{name}/")


def describe_place(app, pagename, templatename, context, doctree) -> None:
    """Tell the templates whether links to the source and to Colab lead anywhere, and a page's own address."""
    context["addressed"], context["colab"] = (app.tags.has(tag) for tag in ("addressed", "colab"))
    base = context["pageroot"] = app.config.html_baseurl
    context["pageurl"] = None if not base or pagename in NO_PAGES else f"{base}{of_page(pagename)}"


def of_page(name: str) -> str:
    return "" if name == "index" else f"{name}.html"


def rooted(page: Path, root: str) -> None:
    """Let a page's addresses begin at the root of the host: it is shown for addresses of any depth."""
    text = re.sub(r'((?:href|src)=")(?!#|/|\w+:)', rf"\1{root}", page.read_text(encoding="utf-8"))
    page.write_text(text, encoding="utf-8")


def write_maps(out: Path, base: str) -> None:
    """Write robots.txt, and sitemap.xml if the pages' address is known."""
    robots = "User-agent: *\nAllow: /\n"
    if base:
        rooted(out / "404.html", urlsplit(base).path)
        names = sorted(path.stem for path in out.glob("*.html") if path.stem not in NO_PAGES)
        places = "\n".join(f"  <url><loc>{escape(base + of_page(name))}</loc></url>" for name in names)
        head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        (out / "sitemap.xml").write_text(f"{head}\n{places}\n</urlset>\n", encoding="utf-8")
        robots += f"Sitemap: {base}sitemap.xml\n"
    (out / "robots.txt").write_text(robots, encoding="utf-8")
