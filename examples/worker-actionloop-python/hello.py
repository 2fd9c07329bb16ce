"""An action for OpenWhisk as it is: a function main that takes the event and
returns an object. It knows neither bootstrap nor FunctionGraph."""
import os


def main(args):
    query = args.get("queryStringParameters") or {}  # of a call through the API gateway
    name = query.get("name") or args.get("name") or "stranger"
    if not isinstance(name, str):
        return {"error": "name has to be a string"}  # a failed invocation
    print("greeting", name)  # stdout is log
    return {"greeting": f"Hello, {name}!", "activation": os.environ["__OW_ACTIVATION_ID"]}
