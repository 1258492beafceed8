import type { Clock } from '../../../runtime/clock.ts'

/** The cookies of one server, which all its paths receive. */
export interface Cookies {
  /** The `Cookie` header of a request; empty without cookies. */
  header(): string
  /** Keeps the cookies of a response. `serverTime` is its `Date`, by which cookies expire. */
  keep(texts: readonly string[], serverTime: number | undefined): void
}

export function cookies(clock: Pick<Clock, 'now'>): Cookies {
  const values = new Map<string, string>()
  return {
    header: () => Array.from(values, ([name, value]) => `${name}=${value}`).join('; '),
    keep: (texts, serverTime = clock.now()) => {
      for (const text of texts) {
        const [, name, value = ''] = /^\s*([^=;\s]+)\s*=\s*([^;]*?)\s*(?:;|$)/.exec(text) ?? []
        if (name === undefined) continue
        if (hasExpired(text, serverTime)) values.delete(name)
        else values.set(name, value)
      }
    },
  }
}

/** Servers delete a cookie by a time that has passed. One that expires later is sent until the server deletes it. */
function hasExpired(text: string, serverTime: number) {
  const maxAge = /;\s*max-age\s*=\s*(-?\d+)/i.exec(text)?.[1]
  if (maxAge !== undefined) return Number(maxAge) <= 0
  return Date.parse(/;\s*expires\s*=\s*([^;]+)/i.exec(text)?.[1] ?? '') <= serverTime
}
