'use strict';
// A shop by express, as its guide says; npm start runs it.
const path = require('node:path');
const express = require('express');
const compression = require('compression');

const app = express();
app.set('query parser', 'extended');
app.use(compression());
app.use('/invoke', express.json({ limit: '6mb' })); // events
app.use(express.json(), express.urlencoded({ extended: false })); // 100 KB, as is usual

app.get('/', (req, res) => res.send('<h1>Shop</h1>'));

app.all('/items/:id', (req, res) => {
  res.json({ method: req.method, id: req.params.id, query: req.query, body: req.body, host: req.hostname, cookie: req.get('cookie') });
});

app.post('/items', (req, res) => res.status(201).location(`/items/${encodeURIComponent(req.body.id)}`).json(req.body));

app.post('/login', (req, res) => {
  res.cookie('session', 'a:1; b=2', { httpOnly: true, sameSite: 'lax' });
  res.cookie('theme', 'dark', { path: '/shop' });
  res.clearCookie('basket');
  res.redirect('/items/1?from=login');
});

app.get('/catalog', (req, res) => res.type('text').send('Zoë likes 10 € and 😀\n'.repeat(10000)));

app.get('/bytes', (req, res) => res.send(Buffer.from(Array.from({ length: 100000 }, (_, i) => i % 256))));

app.get('/photo', (req, res, next) => res.sendFile(path.join(__dirname, 'photo.jpg'), next));

app.get('/fail', async () => {
  throw new Error('no stock left');
});

app.post('/invoke', (req, res) => {
  console.log('an event of the trigger', req.body.trigger_type);
  if (req.body.fail) throw new Error(req.body.fail);
  res.json({ id: req.get('x-cff-request-id'), event: req.body });
});

app.use((err, req, res, next) => {
  console.error(err.stack);
  res.status(err.status ?? 500).json({ error: err.message });
});

app.listen(process.env.PORT ?? 3000, (err) => {
  if (err) throw err;
  console.log('the shop is open');
});
