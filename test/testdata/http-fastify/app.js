'use strict';
// A service by fastify, as its guide says.
const { Readable } = require('node:stream');
const { setTimeout: pause } = require('node:timers/promises');
const fastify = require('fastify')({ logger: true });

let waking = true;
setTimeout(() => { waking = false; }, 300);
fastify.get('/health', (request, reply) => reply.code(waking ? 503 : 200).send({ waking }));

fastify.get('/greet/:name', {
  schema: {
    querystring: { type: 'object', properties: { times: { type: 'integer', minimum: 1 } } },
    response: { 200: { type: 'object', properties: { greeting: { type: 'string' } } } },
  },
}, async (request) => ({ greeting: `Hello, ${request.params.name}!`.repeat(request.query.times ?? 1), secret: 1 }));

fastify.get('/rows', (request, reply) => {
  async function* rows() {
    for (let n = 0; n < 2000; n++) {
      if (n % 500 === 0) await pause(5);
      yield `row ${n}: ünï\n`;
    }
  }
  return reply.type('text/plain; charset=utf-8').send(Readable.from(rows()));
});

fastify.get('/broken', (request, reply) => {
  async function* rows() {
    yield 'the beginning\n'.repeat(100);
    await pause(20);
    throw new Error('the data base has gone');
  }
  return reply.type('text/plain').send(Readable.from(rows()));
});

fastify.post('/invoke', async (request) => ({ event: request.body }));

fastify.listen({ port: process.env.PORT }).catch((err) => {
  fastify.log.error(err);
  process.exit(1);
});
