"""Runs an OpenWhisk action: python3 launcher.py MODULE, which has a main(args).

An activation is a line of JSON on stdin: its "value" are the args, the rest are
variables for the action, __OW_DEADLINE and others. A line on file descriptor 3
is the result. OpenWhisk's own launchers work in the same place.
"""
import importlib
import json
import os
import sys
import traceback


def activate(main, activation):
    for key, value in activation.items():
        if key != "value":
            os.environ["__OW_" + key.upper()] = value
    try:
        result = main(activation["value"])
        if not isinstance(result, (dict, list)):
            raise TypeError("the action returned no object or array, but " + type(result).__name__)
        return json.dumps(result, allow_nan=False)
    except Exception as e:
        traceback.print_exc()
        return json.dumps({"error": f"{type(e).__name__}: {e}"})


def launch(main):
    os.set_inheritable(3, False)  # a child the action leaves behind must not keep it open
    with open(3, "w", encoding="ascii") as out:  # json.dumps escapes everything else
        if os.environ.get("__OW_WAIT_FOR_ACK"):
            print('{"ok": true}', file=out, flush=True)
        for line in sys.stdin.buffer:
            result = activate(main, json.loads(line.decode("utf-8", "replace")))
            sys.stdout.flush()  # the log first
            print(result, file=out, flush=True)


launch(importlib.import_module(sys.argv[1]).main)
