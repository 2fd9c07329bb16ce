#!/usr/bin/env python3
"""Answers whatever trigger the function has: API gateway, OBS, timer.

The event comes on stdin, the result goes to stdout, the log to stderr. An
exception that nobody catches is exit code 1, and that is a failed invocation.
"""
import base64
import json
import os
import sys


def log(text):
    print(text, file=sys.stderr)  # bootstrap puts time and request id before it


def context():
    """What the platform says about this invocation; empty outside of it."""
    name = os.environ.get("BOOTSTRAP_CONTEXT_FILE")
    if not name:
        return {}
    with open(name, encoding="utf-8") as file:
        return json.load(file)


def from_gateway(event):
    body = event.get("body") or ""
    # The gateway sends true as a rule, even for an empty body.
    data = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    answer = {
        "method": event["httpMethod"],
        "path": event["path"],
        "query": event.get("queryStringParameters") or {},
        "bodyBytes": len(data),
    }
    try:
        answer["json"] = json.loads(data) if data else None
    except ValueError:
        return envelope(400, {"error": "the body is not JSON"})  # an answer, not a failure
    return envelope(200, answer)


def envelope(status, answer):
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "isBase64Encoded": False,
        "body": json.dumps(answer),
    }


def from_obs(event):
    found = []
    for record in event["Records"]:
        s3 = record["s3"]
        item = {
            "event": record["eventName"],
            "bucket": s3["bucket"]["name"],
            "key": s3["object"]["key"],
            "size": s3["object"].get("size"),
        }
        log("{event} {bucket}/{key}".format(**item))
        found.append(item)
    return {"objects": found}


def from_timer(event):
    text = event.get("user_event") or ""
    try:
        job = json.loads(text)  # what the trigger's form calls "additional information"
    except ValueError:
        job = {"message": text}
    return {"timer": event["trigger_name"], "message": job.get("message") if isinstance(job, dict) else job}


def handle(event):
    if not isinstance(event, dict):
        raise ValueError("an event has to be a JSON object, this is a " + type(event).__name__)
    if "httpMethod" in event and "requestContext" in event:
        return from_gateway(event)
    if "Records" in event:
        return from_obs(event)
    if event.get("trigger_type") == "TIMER":
        return from_timer(event)
    raise ValueError("no trigger of this function sends an event with " + (", ".join(event) or "nothing in it"))


def main():
    event = json.load(sys.stdin.buffer)  # first of all: a program that was started ahead has no invocation before
    about = context()
    log("invocation {}, {}".format(about.get("requestId", "local"), about.get("invokeType", "sync")))
    json.dump(handle(event), sys.stdout)
    print()


if __name__ == "__main__":
    main()
