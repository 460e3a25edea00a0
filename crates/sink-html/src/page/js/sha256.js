/* SHA-256 of a text, at once and everywhere: the browser's own is neither. */

const SHA_ROUNDS = (() => {
  const primes = [];
  for (let n = 2; primes.length < 64; n += 1) if (primes.every((prime) => n % prime > 0)) primes.push(n);
  const fraction = (root) => Math.floor((root % 1) * 2 ** 32);
  return { keys: primes.map((prime) => fraction(Math.cbrt(prime)) | 0), start: primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)) | 0) };
})();

const SHA_KEYS = Int32Array.from(SHA_ROUNDS.keys);
const shaWords = new Int32Array(64);
const shaBytes = new TextEncoder();

const sha256 = (text) => {
  const bytes = shaBytes.encode(text);
  const padded = new Uint8Array(((bytes.length + 72) >> 6) << 6);
  padded.set(bytes);
  padded[bytes.length] = 128;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(padded.length - 4, (bytes.length << 3) >>> 0);
  const hash = Int32Array.from(SHA_ROUNDS.start);
  for (let block = 0; block < padded.length; block += 64) shaBlock(hash, view, block);
  return Array.from(hash, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
};

const shaBlock = (hash, view, block) => {
  const w = shaWords;
  for (let n = 0; n < 16; n += 1) w[n] = view.getInt32(block + 4 * n);
  for (let n = 16; n < 64; n += 1) {
    const early = w[n - 15];
    const late = w[n - 2];
    const one = ((early >>> 7) | (early << 25)) ^ ((early >>> 18) | (early << 14)) ^ (early >>> 3);
    const two = ((late >>> 17) | (late << 15)) ^ ((late >>> 19) | (late << 13)) ^ (late >>> 10);
    w[n] = (w[n - 16] + w[n - 7] + one + two) | 0;
  }
  let a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4], f = hash[5], g = hash[6], i = hash[7];
  for (let n = 0; n < 64; n += 1) {
    const turnedE = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const one = (i + turnedE + ((e & f) ^ (~e & g)) + SHA_KEYS[n] + w[n]) | 0;
    const turnedA = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const two = (turnedA + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    i = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  hash[0] += a;
  hash[1] += b;
  hash[2] += c;
  hash[3] += d;
  hash[4] += e;
  hash[5] += f;
  hash[6] += g;
  hash[7] += i;
};

/** What this report states about itself, and the hash that names it. */
const SEAL = document.getElementById("seal").textContent;
const seal = JSON.parse(SEAL);
const FINGERPRINT = sha256(SEAL);
