/* The page's random numbers: MT19937 (Matsumoto & Nishimura 1998) with the authors' seeding of 2002 and numbers of
   53 bits, as `safegrid.portable_rng`. The same seed gives the same numbers here and in Python. */

const LENGTH = 624; // words of the generator's state

/* A function that gives the next number of [0, 1). */
export function portableRng(seed) {
  const key = seeded(seed);
  let at = 0;
  const word = () => {
    if (at === LENGTH) at = 0;
    if (at === 0) renew(key);
    return temper(key[at++]);
  };
  return () => {
    const high = word() >>> 5;
    const low = word() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  };
}

function seeded(seed) {
  const key = new Uint32Array(LENGTH);
  key[0] = seed;
  for (let i = 1; i < LENGTH; i++) key[i] = Math.imul(1812433253, key[i - 1] ^ (key[i - 1] >>> 30)) + i;
  return key;
}

function renew(key) {
  for (let i = 0; i < LENGTH; i++) {
    const y = (key[i] & 0x80000000) | (key[(i + 1) % LENGTH] & 0x7fffffff);
    key[i] = key[(i + 397) % LENGTH] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
  }
}

function temper(word) {
  let y = word ^ (word >>> 11);
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return (y ^ (y >>> 18)) >>> 0;
}
