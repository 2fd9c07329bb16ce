#!/usr/bin/env python3
"""A calendar: a page for browsers, JSON for others; a timer is told what day it is.

A web server that knows nothing of functions: bootstrap starts it, waits until
it listens, and hands it what comes in. By itself: PORT=8000 python3 server.py
"""
import calendar
import json
import os
import re
import sys
import traceback
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{month}</title>
<style>body {{ font: 1.2em sans-serif; text-align: center }} table {{ margin: 1em auto }} td {{ padding: .4em }}</style>
{table}
<p><a href="{before}">before</a> · <a href="./">today</a> · <a href="{after}">after</a></p>
"""


def neighbour(year, month, step):
    """The month before or after, as a link that also works below an API's path."""
    years, month = divmod(year * 12 + month - 1 + step, 12)
    return f"{years:04}-{month + 1:02}"


class Calendar(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # the connection stays open for the next event
    wbufsize = -1  # headers and body leave together

    def serve(self):
        # Whatever it is for: a body that is left unread would be the next request.
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self.route(self.path.partition("?")[0], body)
        except Exception as e:  # the caller gets an answer, the log the reason
            traceback.print_exc()
            self.reply(500, {"error": repr(e)})

    do_GET = do_HEAD = do_POST = serve  # with any other method: 501

    def route(self, path, body):
        wanted = re.fullmatch(r"/(?:([0-9]{4})-(0[1-9]|1[0-2]))?", path)
        if self.command == "POST":
            self.event(body) if path == "/invoke" else self.reply(405, {"error": "POST goes to /invoke"})
        elif not wanted:
            self.reply(404, {"error": "There is / and /2026-11."})
        else:
            self.month(int(wanted[1] or date.today().year), int(wanted[2] or date.today().month))

    def month(self, year, month):
        if not 2 <= year <= 9998:  # where a calendar's days begin and end
            self.reply(404, {"error": "no such year"})
        elif "text/html" in self.headers.get("Accept", ""):
            table = calendar.HTMLCalendar().formatmonth(year, month)
            before, after = neighbour(year, month, -1), neighbour(year, month, 1)
            self.reply(200, PAGE.format(month=f"{year}-{month:02}", table=table, before=before, after=after))
        else:
            weeks = calendar.Calendar().monthdatescalendar(year, month)
            self.reply(200, {str(week[0].isocalendar()[1]): [str(day) for day in week] for week in weeks})

    def event(self, body):
        """POST /invoke: what is no web request, here a timer. Any answer but 2xx is a failed invocation."""
        event = json.loads(body)
        if event.get("trigger_type") != "TIMER":
            self.reply(400, {"error": "This function is for timers and the API gateway."})
            return
        day = datetime.fromisoformat(event["time"]).date()
        self.log_message("timer %s of %s", event["trigger_name"], day)
        self.reply(200, {"day": str(day), "week": day.isocalendar()[1], "workday": day.weekday() < 5})

    def reply(self, status, content):
        kind = "text/html; charset=utf-8"
        if not isinstance(content, str):
            kind, content = "application/json", json.dumps(content)
        data = content.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, form, *args):
        print(form % args, file=sys.stderr)  # bootstrap puts time and request id before it


# 127.0.0.1: only bootstrap has to reach it.
ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 8000))), Calendar).serve_forever()
