import { hash } from 'node:crypto'
import type { ClientRecord } from '../source/client-source.ts'
import { canonicalJson, type IgnoredPaths, without } from './canonical-json.ts'

/** SHA-256 of the text, base64url (43 characters). */
export function sha256(text: string): string {
  return hash('sha256', text, 'base64url')
}

/** The client as canonical JSON, and the hash of its content without the ignored fields. */
export interface Fingerprinted {
  readonly json: string
  readonly contentHash: string
}

export function fingerprint(client: ClientRecord, ignored: IgnoredPaths): Fingerprinted {
  const json = canonicalJson(client)
  return { json, contentHash: sha256(ignored.size === 0 ? json : canonicalJson(without(client, ignored))) }
}
