'use strict';
// Serves "invoke" by the library json-rpc-2.0, as its README says. Echoes the
// event, fails if event.fail is set (with that text), waits event.ms before.
const { JSONRPCServer, JSONRPCErrorException } = require('json-rpc-2.0');

const server = new JSONRPCServer();
server.addMethod('invoke', async ({ event }) => {
  await new Promise((done) => setTimeout(done, event?.ms ?? 0));
  if (event?.fail === 'typed') throw new JSONRPCErrorException('typed', -32000, { errorType: 'Shop.Closed', stackTrace: ['a', 'b'] });
  if (event?.fail) throw new Error(event.fail);
  return event;
});

let pieces = [];
process.stdin.on('data', (data) => {
  for (let end; (end = data.indexOf('\n')) >= 0; data = data.subarray(end + 1)) {
    answer(Buffer.concat([...pieces, data.subarray(0, end)]).toString());
    pieces = [];
  }
  pieces.push(data);
});

async function answer(line) {
  const response = await server.receiveJSON(line);
  if (response) process.stdout.write(JSON.stringify(response) + '\n'); // none for a notification
}
