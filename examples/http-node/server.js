#!/usr/bin/env node
'use strict';
// Collects alarms: SMN sends them in, a browser gets a page, a program JSON, and
// a wiki or README a picture of how many there are.
//
// A web server that knows nothing of functions: bootstrap starts it, waits until
// it listens, and hands it what comes in. By itself: PORT=8000 node server.js
const http = require('node:http');

// A server stays, and so do its variables. But each instance has its own, and is
// gone after a minute or so without a call: what has to last belongs into a store.
let alarms = [];

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const page = () => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Alarms</title>
<style>body { font: 1.1em sans-serif; max-width: 40em; margin: 2em auto } time { color: gray }</style>
<h1>Alarms <img src="badge.svg" alt=""></h1>
${alarms.map((a) => `<p><time>${escape(a.time)}</time> <b>${escape(a.subject)}</b><br>${escape(a.message)}</p>`).join('\n')}
<p>${alarms.length === 0 ? 'All is well.' : `These are the last ${alarms.length}.`} <a href="alarms">As JSON</a></p>
`; // "badge.svg", not "/badge.svg": it also works below an API's path

const badge = () => `<svg xmlns="http://www.w3.org/2000/svg" width="90" height="20" font-family="sans-serif" font-size="12" fill="white">
<rect width="60" height="20" fill="dimgray"/><text x="8" y="14">alarms</text>
<rect x="60" width="30" height="20" fill="${alarms.length === 0 ? 'green' : 'firebrick'}"/><text x="75" y="14" text-anchor="middle">${alarms.length}</text>
</svg>
`;

// POST /invoke brings what is no web request, here SMN's messages. Any answer but
// 2xx is a failed invocation, which the platform may repeat.
function receive(request, text) {
  // Through the gateway everybody may POST, too: it adds this header to each call.
  if (request.headers['x-forwarded-for']) return [403, 'application/json', '{"error":"for SMN alone"}'];
  const event = JSON.parse(text);
  if (!Array.isArray(event.record)) return [400, 'application/json', '{"error":"This function is for SMN and the API gateway."}'];
  for (const { smn } of event.record) {
    console.error(`${smn.subject}: ${smn.message}`); // a line of the function's log
    alarms.unshift({ time: smn.timestamp, subject: smn.subject, message: smn.message });
  }
  alarms = alarms.slice(0, 100);
  return [200, 'application/json', JSON.stringify({ alarms: alarms.length })];
}

function answer(request, text) {
  const [path] = request.url.split('?');
  const read = request.method === 'GET' || request.method === 'HEAD';
  if (read && path === '/') return [200, 'text/html; charset=utf-8', page()];
  if (read && path === '/badge.svg') return [200, 'image/svg+xml', badge()];
  if (read && path === '/alarms') return [200, 'application/json', JSON.stringify(alarms)];
  if (request.method === 'POST' && path === '/invoke') return receive(request, text);
  return [404, 'text/plain; charset=utf-8', 'There is nothing here.\n'];
}

const server = http.createServer(async (request, response) => {
  let result;
  try {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    result = answer(request, Buffer.concat(pieces).toString());
  } catch (e) {
    console.error(e);
    result = [500, 'text/plain; charset=utf-8', `${e.message}\n`];
  }
  const [status, type, body] = result;
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body), 'Cache-Control': 'no-cache' });
  response.end(body); // for HEAD Node leaves it out
});

server.listen(Number(process.env.PORT ?? 8000), '127.0.0.1'); // only bootstrap has to reach it
process.on('SIGTERM', () => { // the instance is stopped: what is under way is answered, then it ends
  server.close();
  server.closeIdleConnections?.(); // which close() leaves open before Node 19
});
