// Traffic for the bench: connects as told, prints one line when its connections are over, ends by itself.
//   node traffic.mjs many PORT COUNT      COUNT connections at once
//   node traffic.mjs rate PORT N SECONDS  N connections a second, each with a local port of its own kind of request
import { connect } from 'node:net';

const [mode, portText, countText, secondsText = '0'] = process.argv.slice(2);
const port = Number(portText);
const count = Number(countText);
let over = 0;
let ok = 0;
const one = (host, done) => {
  const socket = connect(port, host);
  const end = good => {
    over++;
    if (good) ok++;
    socket.destroy();
    done?.();
  };
  socket.once('connect', () => end(true)).once('error', () => end(false));
};

/** Addresses of 127/8, so that every request is one of its own. */
const address = n => `127.${1 + ((n >> 16) & 63)}.${(n >> 8) & 255}.${n & 255}`;

if (mode === 'many') {
  await new Promise(resolve => {
    for (let n = 1; n <= count; n++) one(address(n), () => over === count && resolve());
  });
} else {
  const total = count * Number(secondsText);
  let n = 0;
  await new Promise(resolve => {
    const timer = setInterval(() => {
      one(address(++n));
      if (n >= total) {
        clearInterval(timer);
        resolve();
      }
    }, 1000 / count);
  });
}
console.log(`done ${ok} ok of ${over}`);
process.exit(0);
