import { createHash } from 'node:crypto'
import type { Place } from './client-shelf.ts'

/** What a `checkPoint` says, to nobody but the server: which client came last, and with which arguments. */
export interface Token extends Place {
  /** Of the drain's arguments. */
  readonly digest: string
  /** By the server's clock, ms since 1970. */
  readonly issued: number
  /** Which page of its drain it came with, from 1. */
  readonly page: number
}

/** Base64 with its `+`, `/` and `=`, which must be percent-encoded on the way back. */
export function writeToken({ modified, index, digest, issued, page }: Token): string {
  const text = Buffer.from(JSON.stringify([modified, index, digest, issued, page])).toString('base64')
  return `CP/${page}+${text}`
}

export function readToken(text: string): Token | undefined {
  const [, encoded] = /^CP\/\d+\+([A-Za-z0-9+/=]+)$/.exec(text) ?? []
  if (encoded === undefined) return undefined
  try {
    const [modified, index, digest, issued, page] = JSON.parse(Buffer.from(encoded, 'base64').toString())
    return { modified, index, digest, issued, page }
  } catch {
    return undefined
  }
}

export function digestOf(others: string): string {
  return createHash('sha256').update(others).digest('base64').slice(0, 8)
}
