// A little work for the browser, so that robots pay for each message: finds a number whose SHA-256 with the page's ticket begins with
// enough zero bits. Without this script the form works as well; the house then looks more closely at how often and how fast.
const K = [];
const start = [];
for (let n = 2; K.length < 64; n++) {
  let prime = true;
  for (let d = 2; d * d <= n; d++) if (n % d === 0) { prime = false; break; }
  if (!prime) continue;
  if (start.length < 8) start.push((Math.sqrt(n) * 4294967296) | 0);
  K.push((Math.cbrt(n) * 4294967296) | 0);
}

function zeros(text) {
  const bytes = new TextEncoder().encode(text);
  const blocks = ((bytes.length + 8) >> 6) + 1;
  const words = new Int32Array(blocks * 16);
  for (let i = 0; i < bytes.length; i++) words[i >> 2] |= bytes[i] << (24 - (i & 3) * 8);
  words[bytes.length >> 2] |= 0x80 << (24 - (bytes.length & 3) * 8);
  words[words.length - 1] = bytes.length * 8;
  const H = Int32Array.from(start);
  const w = new Int32Array(64);
  for (let block = 0; block < blocks; block++) {
    let [a, b, c, d, e, f, g, h] = H;
    for (let i = 0; i < 64; i++) {
      if (i < 16) w[i] = words[block * 16 + i];
      else {
        const x = w[i - 15], y = w[i - 2];
        w[i] = (w[i - 16] + w[i - 7] + ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ (x >>> 3)) + ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ (y >>> 10))) | 0;
      }
      const one = (h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const two = (((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
    }
    H[0] += a; H[1] += b; H[2] += c; H[3] += d; H[4] += e; H[5] += f; H[6] += g; H[7] += h;
  }
  return H[0] === 0 ? 32 + Math.clz32(H[1]) : Math.clz32(H[0]);
}

function work(form) {
  const bits = Number(form.dataset.puzzle);
  const ticket = form.elements._once.value;
  let n = 0;
  const some = () => {
    for (const end = n + 2000; n < end; n++) {
      if (zeros(`${ticket}:${n}`) >= bits) {
        form.elements._work.value = String(n);
        return;
      }
    }
    setTimeout(some);
  };
  some();
}

for (const form of document.querySelectorAll("form[data-puzzle]")) work(form);
