// Runs the pinned solc over one standard-JSON input from stdin and writes its answer to stdout.
// Usage: node solc_standard_json.cjs <folder of the solc package>
"use strict";
const fs = require("fs");
const path = require("path");

const solc = require(path.resolve(process.argv[2]));
const answer = Buffer.from(solc.compile(fs.readFileSync(0, "utf8")), "utf8");

// process.exit() drops what an asynchronous write has not yet handed to the pipe (it holds 64 KiB),
// and the wasm runtime may keep the event loop alive: write synchronously, then leave.
let written = 0;
while (written < answer.length) {
  try {
    written += fs.writeSync(1, answer, written);
  } catch (error) {
    if (error.code !== "EAGAIN") throw error;
  }
}
process.exit(0);
