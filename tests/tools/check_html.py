#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_html.py PAGE...: is it a page that is whole, and that nothing can make active?

Every element is closed in order, ids are unique, links lead to ids of the page, nothing is loaded,
no attribute is active, and the policy has the digest of the one stylesheet."""
import base64
import hashlib
import sys
from html.parser import HTMLParser

VOID = {"br", "hr", "img", "input", "link", "meta", "col"}
TAGS = set(
    "html head meta title style body div p span b i h1 h2 h3 a table tr th td dl dt dd ul ol li details "
    "summary nav main section header footer pre code br svg rect text path pattern defs g".split())
ATTRS = set(
    "lang charset http-equiv content name class id href open colspan width height viewbox role "
    "aria-label aria-hidden x y d patternunits scope".split())


class Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.wrong = [], set(), set(), []
        self.policy, self.style = None, ""

    def bad(self, what):
        self.wrong.append("line %d: %s" % (self.getpos()[0], what))

    def handle_starttag(self, tag, attrs):
        if tag not in TAGS and not (self.open and self.open[-1] == "svg" and tag == "title"):
            self.bad("element <%s>" % tag)
        for name, value in attrs:
            if name not in ATTRS:
                self.bad("attribute %s of <%s>" % (name, tag))
            if name == "id":
                if value in self.ids:
                    self.bad("a second id %s" % value)
                self.ids.add(value)
            if name == "href":
                self.links.add(value)
        attrs = dict(attrs)
        if attrs.get("http-equiv") == "Content-Security-Policy":
            if self.policy or self.style:
                self.bad("a policy that is late")
            self.policy = attrs["content"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.bad("<%s/>" % tag)

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.bad("</%s> closes <%s>" % (tag, self.open[-1] if self.open else "nothing"))
        else:
            self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.style += data

    def handle_comment(self, data):
        self.bad("a comment")


def check(path):
    page = Page()
    with open(path, encoding="utf-8", newline="") as f:
        text = f.read()
    page.feed(text)
    page.close()
    if page.open:
        page.bad("not closed: %s" % " ".join(page.open))
    for link in page.links:
        if not link.startswith("#") or link[1:] not in page.ids:
            page.bad("a link to %s" % link)
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    want = ("default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'" % digest)
    if page.policy != want:
        page.bad("the policy is %s" % page.policy)
    if any(ord(c) < 32 and c not in "\n\t" or 127 <= ord(c) < 160 for c in text):
        page.bad("a control character")
    for what in page.wrong[:20]:
        print("%s: %s" % (path, what))
    return not page.wrong


sys.exit(not all([check(path) for path in sys.argv[1:]]))
