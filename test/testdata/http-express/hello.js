'use strict';
// Express's own example: the port is in the program, where only APP_PORT moves it.
const express = require('express');
const app = express();
const port = process.env.APP_PORT ?? 3000;

app.get('/', (req, res) => {
  res.send('Hello World!');
});

app.listen(port, () => {
  console.log(`Example app listening on port ${port}`);
});
