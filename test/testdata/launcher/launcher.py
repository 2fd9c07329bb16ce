"""A launcher of the actionloop family with all the habits such launchers have.

What it does with an event is the word in its value's "do", else in the variable
LAUNCHER_DO, else echo. LAUNCHER_ACK says how it acks: asked (only if
__OW_WAIT_FOR_ACK is set; the default), always, never, refuse, or die instead.
"""
import json
import os
import sys
import time


def ok(value):
    return json.dumps(value) + "\n"


ANSWERS = {
    "echo": ok,
    "blank": lambda value: ok(value) + "\n",  # a blank line after the answer
    "early": lambda value: "\n\n" + ok(value),  # and two before it
    "crlf": lambda value: json.dumps(value) + "\r\n",
    "lines": lambda value: json.dumps({"value": value, "on": "lines"}, indent=2) + "\n",  # pretty-printed
    "two": lambda value: ok(value) + ok({"nobody": "asked"}),
    "unicode": lambda value: json.dumps({"text": "Zoë \u2028 Übersicht 😀"}, ensure_ascii=False) + "\n",
    "big": lambda value: ok({"text": "x" * int(value.get("size", 1 << 20))}),
    "error": lambda value: ok({"error": value.get("error", "the action failed")}),
    "typed": lambda value: ok({"error": {"errorType": "Shop.Closed", "errorMessage": "the shop is closed"}}),
    "both": lambda value: ok({"error": "one key of two", "ok": 1}),  # no failure
    "array": lambda value: ok([1, "two", {"three": 3}]),
    "text": lambda value: ok("neither object nor array"),
    "junk": lambda value: "this is not JSON\n",
    "env": lambda value: ok({k: v for k, v in os.environ.items() if k.startswith("__OW_")}),
    "pid": lambda value: ok({"pid": os.getpid()}),
    "half": lambda value: '{"cut": "off',  # and no end of the line
    "silent": lambda value: "",
}


def answer(value):
    todo = value.get("do") if isinstance(value, dict) else None
    todo = todo or os.environ.get("LAUNCHER_DO", "echo")
    print("stdout of", todo, flush=True)
    print("stderr of", todo, file=sys.stderr, flush=True)
    if todo == "exit":
        sys.exit(int(value.get("code", 3)))
    if todo == "kill":
        os.kill(os.getpid(), 9)
    if todo == "close":  # is still there, but can't answer any more
        os.close(3)
        time.sleep(3600)
    if todo == "sleep":
        time.sleep(float(value.get("seconds", 3600)))
        return ok(value)
    return ANSWERS[todo](value)


def ack(out):
    manner = os.environ.get("LAUNCHER_ACK", "asked")
    if manner == "die":
        sys.exit("the action can't be loaded")
    if manner == "always" or manner == "asked" and os.environ.get("__OW_WAIT_FOR_ACK"):
        out.write(ok({"ok": True}).encode())
    if manner == "refuse":
        out.write(ok({"ok": False}).encode())


def main():
    out = open(3, "wb", closefd=False)  # one event closes it by hand
    ack(out)
    out.flush()
    for line in sys.stdin.buffer:
        activation = json.loads(line)
        for key, value in activation.items():
            if key != "value":
                os.environ["__OW_" + key.upper()] = value  # dies if it is no string, as OpenWhisk's does
        out.write(answer(activation["value"]).encode())
        out.flush()


main()
