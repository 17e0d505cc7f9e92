// The bench's driver for a Node file with `exports.reproduce(data)`; needs nothing but Node.
"use strict";
const fs = require("fs");
const path = require("path");

async function main() {
  const [modulePath, ...inputs] = process.argv.slice(2);
  const harness = require(path.resolve(modulePath));
  for (const input of inputs) {
    if (input === "--canary") throw new Error("clearinghouse_canary");
    await harness.reproduce(fs.readFileSync(input));
  }
  process.stdout.write(`\nCLEARINGHOUSE END ${process.env.CLEARINGHOUSE_WORD || ""} edges=-1\n`);
}

main().catch((error) => {
  // The form Node itself prints, also for what is no Error.
  process.stderr.write(`Uncaught exception: ${error && error.stack ? error.stack : "Error: " + String(error)}\n`);
  process.exitCode = 70;
});
