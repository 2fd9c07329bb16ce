#!/usr/bin/env python3
"""A pinboard: leave a note or a file, see what others have left.

A web application that knows nothing of functions: bootstrap starts it, waits
until it listens, and hands it what comes in. In a browser: fgdev run
examples/http-webapp, or without any of that: PORT=8000 python3 app.py

The board is a file in /tmp, the only folder of an instance that can be written
to. Each instance has its own, and it is gone with the instance, a minute or so
after the last call. What has to last belongs into a database or into OBS.

All links are relative: the board also works below the path of an API, say
/board/ with BOOTSTRAP_HTTP_STRIP_PREFIX=/board. The slash at the end matters.
"""
import email
import html
import json
import os
import re
import sqlite3
import sys
import tempfile
import time
import traceback
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from string import Template
from urllib.parse import parse_qs, quote, unquote

BOARD = os.path.join(tempfile.gettempdir(), "pinboard.db")
MOST_PINS = 40  # 40 of 4 MB: /tmp has 512 MB
# A request or an answer has at most 6 MB, and the gateway puts bodies into base64: 4.5 MB, less the headers.
MOST_BYTES = 4 << 20

# The type that a browser gives for a file is not believed: what starts like this is shown as a picture.
PICTURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


def resource(name):
    """A file of the function's ZIP."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), encoding="utf-8") as file:
        return file.read()


PAGE, STYLE = Template(resource("page.html")), resource("style.css")


def board(statement, *values):
    """Runs one statement of SQL on the board and returns its rows."""
    with closing(sqlite3.connect(BOARD)) as db, db:
        return db.execute(statement, values).fetchall()


def pin(name, text="", filename="", kind="", data=b""):
    board("insert into pins (left_at, name, text, filename, kind, data) values (?, ?, ?, ?, ?, ?)",
          int(time.time()), name[:40] or "Somebody", text[:2000], filename, kind, data)
    board("delete from pins where id not in (select id from pins order by id desc limit ?)", MOST_PINS)


def card(pin_id, left_at, name, text, filename, kind, size):
    """A pin as HTML. Whatever a visitor has sent is escaped."""
    when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(left_at))
    if not filename:
        content = f"<p>{html.escape(text)}</p>"
    elif kind in PICTURES.values():
        content = f'<a href="files/{pin_id}"><img src="files/{pin_id}" alt="{html.escape(filename)}"></a>'
    else:
        content = f'<p><a href="files/{pin_id}">{html.escape(filename)}</a>, {size} bytes</p>'
    return f"<article>{content}<footer><b>{html.escape(name)}</b> {when} UTC</footer></article>"


def multipart(boundary, body):
    """The fields of a multipart/form-data body: name -> (file name or None, bytes).

    Only a part's headers go through the email package. It would read the content as that of a mail,
    and an uploaded mail even as parts of its own; a file has to stay what it is, byte for byte.
    """
    fields = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:]:
        head, _, content = part.partition(b"\r\n\r\n")
        about = email.message_from_string(head.strip().decode("utf-8", "replace"))
        name = about.get_param("name", header="content-disposition")
        if name:
            fields[name] = (about.get_filename(), content)
    return fields


class Pinboard(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # the connection stays open for the next request
    wbufsize = -1  # headers and body leave together

    def serve(self):
        # Whatever it is for: a body that is left unread would be the next request.
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self.route(self.path.partition("?")[0], body)
        except Exception:  # the visitor gets an answer, the log the reason
            traceback.print_exc()
            self.refuse(500, "Sorry, that went wrong.")

    do_GET = do_HEAD = do_POST = serve  # with any other method: 501

    def route(self, path, body):
        file = re.fullmatch(r"/files/([0-9]{1,9})", path)
        if self.command == "POST":
            action = {"/notes": self.leave_note, "/files": self.leave_file, "/invoke": self.event}.get(path, self.nothing)
            action(body) if len(body) <= MOST_BYTES else self.refuse(413, "That is too much: 4 MB is the limit.")
        elif path == "/":
            self.page()
        elif path == "/style.css":
            self.reply(200, STYLE, "text/css; charset=utf-8", ("Cache-Control", "max-age=60"))
        elif file:
            self.download(int(file[1]))
        else:
            self.nothing()

    def page(self):
        cards = [card(*row) for row in board(
            "select id, left_at, name, text, filename, kind, length(data) from pins order by id desc")]
        said = self.cookie("said")
        self.reply(200, PAGE.substitute(
            name=html.escape(self.cookie("name")),
            said=f'<p class="said">{html.escape(said)}</p>' if said else "",
            pins="\n".join(cards) or "<p>Nothing yet. Be the first.</p>",
        ), "text/html; charset=utf-8", ("Cache-Control", "no-store"), ("Set-Cookie", "said=; Max-Age=0"))  # is said once

    def leave_note(self, body):
        form = parse_qs(body.decode("latin-1"))
        name, text = (form.get(field, [""])[0].strip() for field in ("name", "text"))
        if not text:
            return self.refuse(400, "A note needs a text.")
        pin(name, text)
        self.back(name, "Your note is on the board.")

    def leave_file(self, body):
        form = multipart(self.headers.get_boundary(""), body) if self.headers.get_content_type() == "multipart/form-data" else {}
        filename, data = form.get("file", ("", b""))
        # Browsers send %22 for a quote, and some the whole path.
        filename = re.split(r"[/\\]", (filename or "").replace("%22", '"'))[-1][-100:]
        if not filename:
            return self.refuse(400, "Choose a file first.")
        name = form.get("name", (None, b""))[1].decode("utf-8", "replace").strip()
        pin(name, "", filename, next((kind for magic, kind in PICTURES.items() if data.startswith(magic)), ""), data)
        self.back(name, f"{filename} is on the board.")

    def back(self, name, said):
        """Sends the browser to the page: loading that again does not send the form again."""
        # Without a path a cookie is for this folder and all below, whatever it is called outside.
        self.reply(303, "", "text/plain", ("Location", "./"),
                   ("Set-Cookie", f"name={quote(name[:40], '')}; Max-Age=31536000; HttpOnly; SameSite=Lax"),
                   ("Set-Cookie", f"said={quote(said, '')}; Max-Age=60; HttpOnly; SameSite=Lax"))

    def download(self, pin_id):
        found = board("select filename, kind, data from pins where id = ? and filename <> ''", pin_id)
        if not found:
            return self.nothing()
        filename, kind, data = found[0]
        # attachment: a page that somebody has left here is saved, never shown as if it were ours.
        self.reply(200, data, kind or "application/octet-stream", ("Cache-Control", "no-store"),
                   ("Content-Disposition", f"attachment; filename*=UTF-8''{quote(filename, '')}"))

    def event(self, body):
        """POST /invoke: what is no web request, here a timer that takes down what is old: {"days": 7}."""
        if self.headers.get("X-Forwarded-For"):  # the gateway adds it to each call: a visitor
            return self.refuse(403, "This is for timers.")
        try:
            days = json.loads(json.loads(body)["user_event"])["days"]
            old = board("select id from pins where left_at < ?", time.time() - days * 86400)
        except (ValueError, TypeError, KeyError):  # any answer but 2xx is a failed invocation
            return self.refuse(400, 'This needs a timer whose additional information is like {"days": 7}.')
        for row in old:
            board("delete from pins where id = ?", *row)
        self.reply(200, json.dumps({"deleted": len(old)}), "application/json")

    def nothing(self, _=None):
        self.refuse(404, "There is nothing here.")

    def refuse(self, status, why):
        self.reply(status, why + "\n", "text/plain; charset=utf-8")

    def cookie(self, wanted):
        for pair in ";".join(self.headers.get_all("Cookie", [])).split(";"):
            name, _, value = pair.strip().partition("=")
            if name == wanted:
                return unquote(value)
        return ""

    def reply(self, status, content, kind, *headers):
        data = content.encode("utf-8", "replace") if isinstance(content, str) else content
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(data))), ("X-Content-Type-Options", "nosniff"),
                            ("Content-Security-Policy", "default-src 'self'; img-src 'self' data:"), *headers):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, form, *args):
        print(form % args, file=sys.stderr)  # bootstrap puts time and request id before it


board("create table if not exists pins (id integer primary key autoincrement, "
      "left_at integer, name text, text text, filename text, kind text, data blob)")
# 127.0.0.1: only bootstrap has to reach it.
ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 8000))), Pinboard).serve_forever()
