"""Serves the events of bootstrap's worker mode, protocol jsonrpc. Copy it to
where you need it. serve(lambda event, context: {"hello": event["name"]})"""
import base64, json, os, sys, threading, traceback


class Context:
    def __init__(self, request_id, about, cancelled, send):
        self.request_id = request_id
        self.deadline = about.get("deadlineMs", 0) / 1000  # as time.time() counts
        self.cancelled, self.streamed, self._send = cancelled, False, send  # cancelled(): nobody waits any more

    def log(self, message, level="info"):
        self._send(method="log", params={"id": self.request_id, "level": level, "message": str(message)})

    def chunk(self, data):
        """Sends a piece of the response, text or bytes. The handler returns None then."""
        self.streamed, encoding = True, "utf8"
        if not isinstance(data, str):
            data, encoding = base64.b64encode(data).decode(), "base64"
        self._send(method="chunk", params={"id": self.request_id, "data": data, "encoding": encoding})


def serve(handler):
    """Calls handler(event, context), in a thread for each event, until stdin ends."""
    # stdin and stdout are the protocol's alone: print() and child processes get the log, and no event.
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdout, lock, running = sys.stderr, threading.Lock(), {}

    def send(**message):
        line = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False, allow_nan=False)
        with lock:
            running.pop(message.get("id"), None)  # is answered; the id may come again
            sink.write(line.encode("utf-8", "backslashreplace") + b"\n")  # a lone surrogate stays \udXXX
            sink.flush()

    def work(context, event):
        try:
            result = handler(event, context)
            if context.streamed and result is not None:
                raise TypeError("a handler that has sent chunks must return None")
            send(id=context.request_id, result=result)
        except BaseException as e:  # also sys.exit(): somebody waits for an answer
            data = {"errorType": type(e).__name__, "stackTrace": traceback.format_exc().splitlines()}
            send(id=context.request_id, error={"code": -32000, "message": str(e) or type(e).__name__, "data": data})

    for line in source:
        message = json.loads(line.decode("utf-8", "replace"))
        method, params, request_id = message["method"], message.get("params", {}), message.get("id")
        if method == "invoke":
            cancel = running[request_id] = threading.Event()
            context = Context(request_id, params["context"], cancel.is_set, send)
            threading.Thread(target=work, args=(context, params["event"])).start()
        elif method == "$/cancelRequest":
            running.get(params["id"], threading.Event()).set()
        elif request_id is not None:
            known = {"result": {}} if method == "initialize" else {"error": {"code": -32601, "message": f"no method {method}"}}
            send(id=request_id, **known)
