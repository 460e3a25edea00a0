/* The data within this file: base64 in elements that are no scripts, compressed with gzip, five sections. */

const decoded = (text) => {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
};

/** A section, unpacked, as an answer that can be read as JSON or bytes. */
const section = (title) => {
  const element = document.getElementById(`data-${title}`);
  const packed = decoded(element.textContent);
  element.remove();
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")));
};

/**
 * Numbers of variable length: seven bits a byte, the lowest first, the eighth says that more follow. For each entitlement:
 * how many have it, whether origins follow, the first holder and the distances between holders, the origins.
 */
const readGrants = (bytes, entitlements, grants) => {
  const starts = new Uint32Array(entitlements + 1);
  const principals = new Uint32Array(grants);
  const origins = new Uint32Array(grants);
  let at = 0;
  const next = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at];
      at += 1;
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
  };
  let filled = 0;
  for (let entitlement = 0; entitlement < entitlements; entitlement += 1) {
    starts[entitlement] = filled;
    const count = next();
    const withOrigins = next() > 0;
    let principal = 0;
    for (let n = 0; n < count; n += 1) {
      principal += next();
      principals[filled + n] = principal;
    }
    for (let n = 0; withOrigins && n < count; n += 1) origins[filled + n] = next();
    filled += count;
  }
  starts[entitlements] = filled;
  // What follows, if anything does, is the first report that shows each.
  let since = null;
  if (at < bytes.length) {
    since = new Uint32Array(grants);
    for (let grant = 0; grant < grants; grant += 1) since[grant] = next();
  }
  return { starts, principals, origins, since };
};
