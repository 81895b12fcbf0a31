// The other side of interop_test.go: reads a JSON list of requests on stdin,
// answers with a JSON list of {ok, ...} or {error} on stdout. Test keys only.
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SDJwtInstance } from '@sd-jwt/core';
import { CompactEncrypt, compactDecrypt, compactVerify, importJWK } from 'jose';

const hasher = (data, alg) => {
  if (alg.toLowerCase() !== 'sha-256') throw new Error('hash ' + alg);
  return new Uint8Array(createHash('sha256').update(typeof data === 'string' ? data : Buffer.from(data)).digest());
};
const signer = (jwk) => {
  const key = createPrivateKey({ key: jwk, format: 'jwk' });
  return (data) => sign('sha256', Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
};
const verifier = (jwk) => {
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  return (data, sig) => verify('sha256', Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(sig, 'base64url'));
};
const base = { hasher, hashAlg: 'sha-256', saltGenerator: () => randomBytes(16).toString('base64url') };

const operations = {
  async sdVerify({ token, issuer, nonce, now }) {
    const instance = new SDJwtInstance({
      ...base,
      verifier: verifier(issuer),
      kbVerifier: (data, sig, payload) => verifier(payload.cnf.jwk)(data, sig),
    });
    const r = await instance.verify(token, { ...(nonce ? { keyBindingNonce: nonce } : {}), currentDate: now });
    return { claims: r.payload, header: r.header, binding: r.kb?.payload };
  },
  async sdIssue({ key, kid, typ, payload, frame }) {
    const instance = new SDJwtInstance({ ...base, signer: signer(key), signAlg: 'ES256' });
    return { token: await instance.issue(payload, frame, { header: { kid, typ } }) };
  },
  async sdPresent({ token, frame, holder, binding }) {
    const instance = new SDJwtInstance({ ...base, kbSigner: signer(holder), kbSignAlg: 'ES256' });
    return { token: await instance.present(token, frame, { kb: { payload: binding } }) };
  },
  async jwsVerify({ token, key, alg }) {
    const r = await compactVerify(token, await importJWK(key, alg), { algorithms: [alg] });
    return { header: r.protectedHeader, payload: Buffer.from(r.payload).toString() };
  },
  async jweDecrypt({ token, key }) {
    const r = await compactDecrypt(token, await importJWK(key, 'ECDH-ES'), {
      keyManagementAlgorithms: ['ECDH-ES'],
      contentEncryptionAlgorithms: ['A256GCM'],
    });
    return { header: r.protectedHeader, plaintext: Buffer.from(r.plaintext).toString() };
  },
  async jweEncrypt({ key, header, plaintext }) {
    const jwe = new CompactEncrypt(Buffer.from(plaintext)).setProtectedHeader(header);
    return { token: await jwe.encrypt(await importJWK(key, header.alg)) };
  },
};

const answers = [];
for (const request of JSON.parse(readFileSync(0, 'utf8'))) {
  try {
    answers.push({ ok: true, ...(await operations[request.op](request)) });
  } catch (e) {
    answers.push({ error: String(e?.message ?? e) });
  }
}
process.stdout.write(JSON.stringify(answers));
