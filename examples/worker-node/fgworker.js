'use strict';
// Serves the events of bootstrap's worker mode, protocol jsonrpc. Copy it to
// where you need it. serve(async (event, context) => ({ hello: event.name }))

// stdout is the protocol's alone: console.log() goes to the log.
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);

const running = new Map(); // request id -> AbortController
let ended = false;
const stopIfDone = () => ended && running.size === 0 && write('', () => process.exit()); // after all that is written

const send = (message) => new Promise((done) => {
  const line = JSON.stringify({ jsonrpc: '2.0', ...message }) + '\n';
  running.delete(message.id); // is answered; the id may come again
  write(line, done);
});

async function invoke(id, { event, context }, handler) {
  const abort = new AbortController();
  running.set(id, abort);
  let streamed = false;
  const log = (message, level = 'info') => send({ method: 'log', params: { id, level, message: String(message) } });
  const chunk = (data) => { // a piece of the response, a string or Buffer; await it, then return nothing
    streamed = true;
    const piece = typeof data === 'string' ? { data } : { data: Buffer.from(data).toString('base64'), encoding: 'base64' };
    return send({ method: 'chunk', params: { id, ...piece } });
  };
  try { // signal: aborted when nobody waits for the answer any more; deadline: as Date.now() counts
    const result = await handler(event, { requestId: id, deadline: context.deadlineMs, signal: abort.signal, log, chunk });
    if (streamed && result != null) throw new TypeError('a handler that has sent chunks must return nothing');
    await send({ id, result: result === undefined ? null : result });
  } catch (e) {
    const error = e instanceof Error ? e : new Error(String(e));
    const errorType = error.name === 'Error' ? error.constructor.name : error.name;
    await send({ id, error: { code: -32000, message: error.message || errorType, data: { errorType, stackTrace: (error.stack || '').split('\n') } } });
  }
  stopIfDone();
}

function receive(line, handler) {
  const { id, method, params } = JSON.parse(line);
  if (method === 'invoke') invoke(id, params, handler);
  else if (method === '$/cancelRequest') running.get(params.id)?.abort();
  else if (method === 'initialize') send({ id, result: {} });
  else if (id != null) send({ id, error: { code: -32601, message: `no method ${method}` } });
}

exports.serve = (handler) => {
  let pieces = []; // of a line: not readline, which also splits at U+2028
  process.stdin.on('data', (data) => {
    for (let end; (end = data.indexOf('\n')) >= 0; data = data.subarray(end + 1)) {
      receive(Buffer.concat([...pieces, data.subarray(0, end)]).toString(), handler);
      pieces = [];
    }
    if (data.length > 0) pieces.push(data);
  });
  process.stdin.on('end', () => { ended = true; stopIfDone(); });
};
