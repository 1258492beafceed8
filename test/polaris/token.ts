import { createHash } from 'node:crypto'
import type { Place } from './clients/client-store.ts'

/** Content of a `checkPoint`, which is opaque to callers: the last client returned, and for which arguments. */
export interface Token extends Place {
  /** Digest of the arguments of the scan. */
  readonly digest: string
  /** Of the tokens that are refused together. */
  readonly generation: number
  /** Number of the page in its scan, from 1. */
  readonly page: number
}

/** Contains `+`, `/` and `=`, which the caller must percent-encode to send the token back. */
export function writeToken({ modified, index, digest, generation, page }: Token): string {
  const text = Buffer.from(JSON.stringify([modified, index, digest, generation, page])).toString('base64')
  return `CP/${page}+${text}`
}

export function readToken(text: string): Token | undefined {
  const [, encoded] = /^CP\/\d+\+([A-Za-z0-9+/=]+)$/.exec(text) ?? []
  if (encoded === undefined) return undefined
  try {
    const [modified, index, digest, generation, page] = JSON.parse(Buffer.from(encoded, 'base64').toString())
    return { modified, index, digest, generation, page }
  } catch {
    return undefined
  }
}

export function digestOf(others: string): string {
  return createHash('sha256').update(others).digest('base64').slice(0, 8)
}
