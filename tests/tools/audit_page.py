#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""audit_page.py WHAT PAGE: what a page of rimg verify audit says, as lines.

orders   ORDER PATH, for each row of each table of artifacts
bars     PATH WIDTH LABEL, of the first table: widths of the parts together, and what is read aloud
words    ADDRESS WORD, of all code shown"""
import sys
from html.parser import HTMLParser


class Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.section, self.in_code, self.open = None, False, []
        self.row, self.cell, self.bar = None, None, None
        self.orders, self.bars, self.words = [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        css = (attrs.get("class") or "").split()
        if tag == "section" and "sorted" in css:
            self.section = attrs["id"]
        if tag == "table":
            self.in_code = "code" in css
        if tag == "tr":
            self.row, self.bar = [], None
        if tag == "td":
            self.cell = ""
        if tag == "svg":
            self.bar = [0, attrs.get("aria-label", "")]
        if tag == "rect" and self.bar:
            if int(attrs["x"]) != self.bar[0]:
                sys.exit("a part of a bar begins at %s, not at %d" % (attrs["x"], self.bar[0]))
            self.bar[0] += int(attrs["width"])
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass
        if tag == "section":
            self.section = None
        if tag == "td":
            self.row.append(self.cell)
            self.cell = None
        if tag == "tr":
            if self.section and self.row:
                self.orders.append((self.section, self.row[-1]))
                if self.bar and self.section == "by-verdict":
                    self.bars.append((self.row[-1], self.bar[0], self.bar[1]))
            elif self.in_code and len(self.row) == 4:
                self.words.append((self.row[0], self.row[1]))
            self.row = None

    def handle_data(self, data):
        if self.cell is not None and "svg" not in self.open:
            self.cell += data


page = Page()
with open(sys.argv[2], encoding="utf-8") as f:
    page.feed(f.read())
for line in getattr(page, sys.argv[1]):
    print(*line)
