# SPDX-License-Identifier: BSD-3-Clause
"""What is done to the HTML of mandoc and cmark-gfm before it is a page

Headings get ids as GitHub gives them, links lead to the pages of the site or
become text, names of functions and manual pages become links, and what may be
wider than a screen gets a box that can be scrolled.
"""
import html
import re
from html.parser import HTMLParser

VOID = {"br", "hr", "img", "col", "input", "wbr"}
# a page of the manual, or else a function
NAME = re.compile(r"\b([A-Za-z_][\w.-]*)\(([1-8])\)|\b(vmem_\w+)(?=\()")


def headings(body):
	"""The second level's ids and titles; of a manual page the first's."""
	found = re.findall(r'<h2[^>]* id="([^"]*)"[^>]*>(.*?)</h2>', body, re.S)
	return [(name, re.sub("<[^>]*>", "", title).strip())
		for name, title in found]


class Rewriter(HTMLParser):
	"""Reads HTML and writes it again, changed."""

	def __init__(self, site, source, page):
		super().__init__(convert_charrefs=False)
		self.site = site
		self.source = source
		self.page = page
		self.parts = []
		self.ids = set()
		self.links = []     # for each open <a>: is it kept
		self.open = []      # tags that are open
		self.heading = None # where the heading's tag stands in parts

	def texts(self, text):
		"""A text by cmark-gfm."""
		self.feed(re.sub("<!-- raw HTML omitted -->\n?", "", text))
		self.close()

	def manual(self, text):
		"""A page by mandoc: its title becomes the heading, its sections come
		a level below, and each function has an id."""
		found = re.search(r'<td class="head-ltitle">(.*?)\((\d)\)</td>', text)
		name = re.sub(r".*/(.*)\.\d$", r"\1", self.source)
		text = re.sub(r'<table class="(head|foot)">.*?</table>', "", text,
			flags=re.S)
		for level in (2, 1):
			text = re.sub(rf"<(/?)h{level}\b", rf"<\1h{level + 1}", text)
		for function in self.site.functions:
			if (self.site.functions[function].startswith(f"{self.page}#")
					and f'id="{function}"' not in text):
				text = text.replace(f'<code class="Fn">{function}</code>',
					f'<code class="Fn" id="{function}">{function}</code>', 1)
		self.feed(f"<h1>{name}({found.group(2)})</h1>\n{text}")
		self.close()

	def out(self):
		return "".join(self.parts)

	def linked(self, name, shown):
		"""The name of a function, as a link if there is such a page."""
		target = self.site.functions.get(name)
		# not to itself, from the very place that tells of it
		if not target or "a" in self.open:
			return shown
		path, _, fragment = target.partition("#")
		if path == self.page:
			return f'<a class="name" href="#{fragment}">{shown}</a>'
		return (f'<a class="name" href="{self.relative(path)}#{fragment}">'
			f"{shown}</a>")

	def relative(self, path):
		depth = self.page.count("/")
		if depth and path.startswith(self.page.rpartition("/")[0] + "/"):
			return path[len(self.page.rpartition("/")[0]) + 1:]
		return "../" * depth + path

	def handle_starttag(self, tag, attrs):
		attrs = dict(attrs)
		if tag == "a":
			if not self.anchor(attrs):
				return
		elif tag == "img":
			attrs["src"] = self.site.link(self.source, attrs["src"])
			attrs["loading"] = "lazy"
		elif tag in ("table", "pre"):
			if tag == "table":
				self.parts.append('<div class="wide">')
			else:
				attrs["tabindex"] = "0"
		if attrs.get("id"):
			self.ids.add(attrs["id"])
		if re.fullmatch("h[1-6]", tag) and "id" not in attrs:
			self.heading = len(self.parts)
		self.parts.append("<" + tag + "".join(
			f' {key}="{html.escape(value or "")}"'
			for key, value in attrs.items()) + ">")
		if tag not in VOID:
			self.open.append(tag)

	def anchor(self, attrs):
		"""Is this link one; if so its target is that of the site."""
		target = attrs.get("href")
		keep = target is not None
		if keep and attrs.get("class") == "Xr":
			name, _, section = target.rpartition(".")
			attrs["href"] = self.site.cross(self.page, name, section)
		elif keep:
			attrs["href"] = self.site.link(self.source, target)
			keep = attrs["href"] is not None
		self.links.append(keep)
		return keep

	def handle_startendtag(self, tag, attrs):
		self.handle_starttag(tag, attrs)
		if tag not in VOID:
			self.handle_endtag(tag)

	def handle_endtag(self, tag):
		if tag in VOID:
			return
		if tag == "a" and not self.links.pop():
			return
		if tag in self.open:
			while self.open.pop() != tag:
				pass
		if self.heading is not None and re.fullmatch("h[1-6]", tag):
			self.name_heading()
		self.parts.append(f"</{tag}>")
		if tag == "table":
			self.parts.append("</div>")

	def name_heading(self):
		"""Give a heading its id, and a link to itself."""
		text = html.unescape(re.sub("<[^>]*>", "",
			"".join(self.parts[self.heading:])))
		name = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
		number, base = 0, name
		while name in self.ids:
			number += 1
			name = f"{base}-{number}"
		self.ids.add(name)
		self.parts[self.heading] = self.parts[self.heading].replace(">",
			f' id="{name}">', 1)
		self.heading = None

	def handle_data(self, data):
		shown = data
		if "a" in self.open or self.heading is not None:
			pass
		elif "pre" in self.open:
			shown = NAME.sub(self.cross, data)
		elif "code" in self.open:
			found = re.fullmatch(r"(vmem_\w+)(\(.*\))?", data)
			if found:
				shown = self.linked(found[1], data)
		else:
			shown = NAME.sub(self.cross, data)
		self.parts.append(shown)

	def cross(self, match):
		"""A name that a text mentions leads to its page, if it is ours."""
		if match[3]:
			return self.linked(match[3], match[3])
		target = self.site.names.get(f"{match[1]}.{match[2]}")
		if not target:
			return match[0]
		return f'<a class="name" href="{self.relative(target)}">{match[0]}</a>'

	def handle_entityref(self, name):
		self.parts.append(f"&{name};")

	def handle_charref(self, name):
		self.parts.append(f"&#{name};")
