// Times a peer's quotes over the orders of a universe and writes one JSON line per order.
//
//   node PEER.cjs NODE_MODULES_PARENT UNIVERSE OUT [--reps N] [--seconds S] [--mode M]
//
// A line is {order, ms, claimedOut, paths | shares} or {order, ms, error}. `ms` is the median of
// the repetitions. Outputs are only claims: benches/router_replay.py says what a route delivers.
'use strict';
const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');

function readArguments() {
  const positional = [];
  const options = { reps: '3', seconds: '120' };
  const words = process.argv.slice(2);
  while (words.length > 0) {
    const word = words.shift();
    if (word.startsWith('--')) options[word.slice(2)] = words.shift();
    else positional.push(word);
  }
  const [home, universePath, outPath] = positional;
  return {
    load: createRequire(path.resolve(home, 'package.json')),
    universe: JSON.parse(fs.readFileSync(universePath, 'utf8')),
    outPath,
    reps: Number(options.reps),
    seconds: Number(options.seconds),
    mode: options.mode,
  };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

async function timedQuote(quote, order, reps) {
  const times = [];
  let answer = null;
  for (let round = 0; round < reps; round += 1) {
    const started = process.hrtime.bigint();
    try {
      answer = (await quote(order)) ?? { error: 'no route' };
    } catch (error) {
      answer = { error: String((error && error.message) || error).slice(0, 200) };
    }
    times.push(Number(process.hrtime.bigint() - started) / 1e6);
    if (times[0] > 2000) break; // One answer of a slow router is enough.
  }
  return { order: order.id, ms: median(times), ...answer };
}

async function run({ universe, outPath, reps, seconds }, quote) {
  const { orders } = universe;
  // The compiler of the runtime needs to have seen the code before times mean anything.
  const warmUp = Math.min(20, orders.length);
  const warmUntil = Date.now() + 1000 * Math.min(10, seconds / 4);
  for (let index = 0; index < warmUp && Date.now() < warmUntil; index += 1) {
    await timedQuote(quote, orders[(index * 37) % orders.length], 1);
  }
  const file = fs.openSync(outPath, 'w');
  const until = Date.now() + 1000 * seconds;
  for (const order of orders) {
    if (Date.now() > until) break;
    fs.writeSync(file, `${JSON.stringify(await timedQuote(quote, order, reps))}\n`);
  }
  fs.closeSync(file);
}

module.exports = { readArguments, run };
