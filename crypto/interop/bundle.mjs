// Verifies the signatures of an evidence file with npm's jose and @sd-jwt/core
// alone: the founders' signatures under the charter, every command, every
// document. Prints "verified N" or fails.
//
//   node bundle.mjs FILE
import { readFileSync } from 'node:fs';
import { createHash, randomBytes } from 'node:crypto';
import { compactVerify, decodeProtectedHeader, importJWK } from 'jose';
import { SDJwtInstance } from '@sd-jwt/core';

const bundle = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const payloadOf = (jws) => JSON.parse(Buffer.from(jws.split('.')[1], 'base64url').toString('utf8'));

// the keys stand in the charter, whose payload every founder signed
const charter = payloadOf(bundle.charter.signatures[0]);
const keys = new Map();
for (const member of charter.members) {
  for (const key of member.keys) keys.set(key.kid, { member: member.id, use: key.use, alg: key.alg, jwk: key.jwk });
}

let verified = 0;
const verify = async (jws, use) => {
  const key = keys.get(decodeProtectedHeader(jws).kid);
  if (!key || key.use !== use) throw new Error(`no ${use} key in the charter for this signature`);
  await compactVerify(jws, await importJWK(key.jwk, key.alg), { algorithms: [key.alg] });
  verified++;
  return key.member;
};

for (const signature of bundle.charter.signatures) {
  if (signature.split('.')[1] !== bundle.charter.signatures[0].split('.')[1]) throw new Error('the founders signed different charters');
  await verify(signature, 'command');
}
for (const command of bundle.commands ?? []) {
  const member = await verify(command.jws, 'command');
  if (payloadOf(command.jws).iss !== member) throw new Error('a command signed by another member');
}
for (const document of bundle.documents ?? []) {
  const jwt = document.sdjwt.split('~')[0];
  const key = keys.get(decodeProtectedHeader(jwt).kid);
  const sdjwt = new SDJwtInstance({
    hasher: (data, alg) => createHash(alg.replace('-', '')).update(data).digest(),
    hashAlg: 'sha-256',
    saltGenerator: () => randomBytes(16).toString('base64url'),
    verifier: async (data, signature) => {
      try {
        await compactVerify(`${data}.${signature}`, await importJWK(key.jwk, key.alg), { algorithms: [key.alg] });
        return true;
      } catch {
        return false;
      }
    },
  });
  await sdjwt.verify(document.sdjwt.endsWith('~') ? document.sdjwt : `${document.sdjwt}~`);
  if (payloadOf(jwt).iss !== key.member) throw new Error('a document signed by another member');
  verified++;
}
console.log(`verified ${verified}`);
