import { createHmac, createSecretKey } from 'node:crypto'

/** The HMAC of field values under one key. */
export interface FieldHash {
  /** Identifies the key, of which it is an HMAC. */
  readonly keyId: string
  /** HMAC-SHA-256, base64url. */
  of(text: string): string
}

/** What the key id is the HMAC of. */
const KEY_ID_TEXT = 'key-id'
export const KEY_ID_CHARACTERS = 8

export function fieldHash(key: string): FieldHash {
  const secret = createSecretKey(key, 'utf8')
  const of = (text: string) => createHmac('sha256', secret).update(text).digest('base64url')
  return { keyId: of(KEY_ID_TEXT).slice(0, KEY_ID_CHARACTERS), of }
}
