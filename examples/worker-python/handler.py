#!/usr/bin/env python3
"""Looks for prime numbers below a limit: {"below": 100000} gets a summary, a
call through the API gateway with ?below=… the numbers, sent as they are found.

Several events may be at work at once, and one that nobody waits for any more
stops. What this prints is log; fgworker sees to the answers.
"""
from fgworker import serve


def primes(below, context):
    for n in range(2, below):
        if context.cancelled():
            context.log(f"stopped at {n}", "warn")
            raise TimeoutError("nobody waits any more")
        if all(n % d for d in range(2, int(n ** 0.5) + 1)):
            yield n


def to_gateway(event, context):
    try:
        below = int((event.get("queryStringParameters") or {}).get("below", 50))
    except (TypeError, ValueError):  # the caller's fault: an answer, not a failure
        return {"statusCode": 400, "headers": {}, "isBase64Encoded": False, "body": "below has to be a number\n"}
    for n in primes(below, context):
        context.chunk(f"{n}\n")


def handle(event, context):
    if "httpMethod" in event:
        return to_gateway(event, context)
    below = int(event["below"])  # an exception is a failed invocation, with the stack trace
    context.log(f"primes below {below}")  # a line of the log with this event's request id
    found = list(primes(below, context))
    return {"below": below, "primes": len(found), "largest": found[-1] if found else None}


serve(handle)
