// What the programs of this folder say of what they do.

import assert from "node:assert";

// step prints what was done, and fails unless it gave what is wanted.
export function step(what, got, want) {
  assert.deepStrictEqual(got, want, what);
  console.log(`ok: ${what}`);
}

// fails is for a request whose error begins with a word. An error belongs to its
// request; the connection goes on.
export async function fails(what, word, request) {
  const error = await request.catch((e) => e);
  step(`${what} is an error (${error.message})`, error.message?.startsWith(word), true);
}
