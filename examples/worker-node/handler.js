#!/usr/bin/env node
'use strict';
// Hands the messages of a queue (Kafka, RocketMQ) on to some service, all at
// the same time; a caller behind the API gateway gets a countdown, bit by bit.
const { setTimeout: sleep } = require('timers/promises');
const { serve } = require('./fgworker');

async function deliver(message, context) {
  // Instead of sleeping: await fetch(url, { method: 'POST', body: message, signal: context.signal });
  await sleep(50, null, { signal: context.signal });
  context.log(`delivered ${message}`);
}

async function countdown(from, context) {
  for (let n = from; n > 0; n--) {
    await context.chunk(`${n}\n`);
    await sleep(100, null, { signal: context.signal });
  }
  await context.chunk('lift-off\n');
}

function toGateway(event, context) {
  const from = Number(event.queryStringParameters?.from ?? 3);
  if (!Number.isInteger(from)) // the caller's fault: an answer, not a failure
    return { statusCode: 400, headers: {}, isBase64Encoded: false, body: 'from has to be a number\n' };
  return countdown(from, context);
}

serve(async (event, context) => {
  if (event.httpMethod) return toGateway(event, context);
  if (!event.records) throw new TypeError('This function is for Kafka, RocketMQ and the API gateway.');
  const messages = event.records.flatMap((record) => record.messages);
  await Promise.all(messages.map((message) => deliver(message, context))); // one that fails fails the event
  return { delivered: messages.length };
});
