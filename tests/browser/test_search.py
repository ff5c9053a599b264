"""The search: what one types, and what comes first."""

from fnmatch import fnmatch

FIRST = [  # what one types, and where it is explained: a page's number and the section's anchor, or one of several
    ("stride", "03#why-maps-shrink 03#a-cell-s-right-place 05#"),
    ("confusion matrix", "01#four-scores-from-one-table"),
    ("mean IoU", "01#four-scores-from-one-table"),
    ("1x1", "02#"),
    ("1×1", "02#"),
    ("deconvolution", "03#the-transposed-convolution-paints"),
    ("align_corners", "03#a-cell-s-right-place"),
    ("receptive field", "05#how-far-each-depth-sees"),
    ("void", "01#void-neither-the-one-nor-the-other"),
    ("255", "01#void-neither-the-one-nor-the-other"),
    ("unpooling", "03#seven-ways-to-enlarge-a-map"),
    ("skip connection", "05#"),
    ("FCN-8s", "05#adding-the-maps-up"),
    ("palette", "01#a-mask-is-a-table-of-whole-numbers"),
    ("수용 영역", "05#how-far-each-depth-sees"),  # receptive field
    ("전치 합성곱", "03#the-transposed-convolution-paints"),  # transposed convolution
    ("bilinear kernel", "03#bilinear-interpolation-is-a-transposed-convolution"),
    ("VGG16", "02# 05#what-it-costs"),
    ("pixel shuffle", "03#seven-ways-to-enlarge-a-map 04#"),
    ("exercise", "01#try-it 02#try-it 03#try-it 04#try-it 05#try-it"),
    ("padding", "02#what-padding-changes"),
    ("focal loss", "01#can-the-loss-be-cured"),
    ("Dice", "01#can-the-loss-be-cured"),
    ("class weights", "01#can-the-loss-be-cured"),
    ("instance panoptic", "01#classes-things-or-both"),
    ("boundary IoU", "01#what-the-table-does-not-see"),
    ("patch classifier", "02#sliding-a-window-without-the-work"),
    ("flatten", "02#"),
    ("zero insertion", "03#seven-ways-to-enlarge-a-map"),
    ("phase score", "04#a-score-for-tiles"),
    ("probe", "05#what-each-depth-knows"),
    ("dilation", "05#stages-joins-dilation"),
    ("batchnorm", "05#stages-joins-dilation"),
    ("u-net", "05#"),
    ("bootstrap", "05#the-study"),
    ("ICNR", "04#"),
    ("tent", "03#bilinear-interpolation-is-a-transposed-convolution 04#one-thing-at-a-time"),
    ("upsampling", "03#"),
    ("gradient backwards", "04#the-pattern-runs-backwards-too"),
    ("spectrum", "04#the-same-number-from-the-spectrum"),
    ("receptive feild", "05#how-far-each-depth-sees"),  # mistyped
]


def test_the_search_shows_first_where_a_thing_is_explained(open_page):
    page = open_page("search.html")
    wrong = {}
    for query, places in FIRST:
        page.fill(".search-page input[name=q]", query)
        page.wait_for_timeout(20)
        first = page.evaluate("document.querySelector('#search-results a')?.getAttribute('href') ?? 'nothing'")
        address, _, anchor = first.partition("#")
        place = f"{address.partition('?')[0]}#{anchor}"
        patterns = [wanted.replace("#", "*#") + "*" * wanted.endswith("#") for wanted in places.split()]
        if not any(fnmatch(place, pattern) for pattern in patterns):
            wrong[query] = first
    assert wrong == {}


def test_a_result_leads_to_its_section_with_the_words_marked(open_page):
    page = open_page("search.html?q=unpooling")
    page.locator("#search-results a").first.click()
    page.wait_for_timeout(800)
    assert page.url.endswith("#seven-ways-to-enlarge-a-map")
    marked = page.locator(".highlighted")
    assert marked.count() > 0
    assert "unpooling" in marked.first.inner_text().lower()


def test_the_field_of_the_shortcut_leads_to_the_search(open_page):
    page = open_page("02_one_by_one.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("palette")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results a")
    assert "search.html?q=palette" in page.url
